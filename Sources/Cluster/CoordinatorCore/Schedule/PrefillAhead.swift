import SongPlan

/// The next window of a stream, begun on another worker while the window before it is sampled.
struct AheadWindow: Sendable, Hashable {
    let task: TaskID
    let worker: WorkerID
    /// Tokens of its prime that the worker was told.
    var known: Int
    /// When it was first told.
    let begun: Instant
}

/// Prefilling ahead. A window of the top level has seven eighths of its tokens from the window before, and computing
/// their rows takes longer than sampling the rest; all but the last of them exist when that window begins. So where a
/// chain decides when everything ends, its next window is begun on another worker, which is told more of the prime as it
/// comes, and gets the lease when all of it is there. Nothing of this is journaled: what is lost of it is computed again.
enum PrefillAhead {
    /// The worker is told more of the prime when so many chunks of it have come.
    private static let chunksAtATime = 4

    /// A chain that is longer by this much than what waits of its song goes before it, not only where a slot would idle.
    private static let longer = 1.25

    // MARK: Rules

    /// Windows that were begun ahead and whose prime is complete go on where they are; unless that worker has so much
    /// else by then that another one would do it sooner, prefill and all.
    @Sendable static func grants(_ view: ClusterView) -> [Move] {
        view.grown.compactMap { stream in
            guard let ahead = view.memory.ahead[stream], let entry = view.memory.ready.task(of: stream),
                !entry.isCopy, entry.task == ahead.task
            else { return nil }
            guard view.pool.isUsable(ahead.worker), !isSoonerElsewhere(view, ahead, stream) else {
                return .endPrefill(stream)
            }
            return .grant(entry, to: ahead.worker, isProvisional: false, moving: nil)
        }
    }

    /// Streams that have more tokens or another lease: begins their next windows elsewhere, or tells more of their primes.
    @Sendable static func moves(_ view: ClusterView) -> [Move] { view.grown.compactMap { move(view, $0) } }

    /// Begins the next window of the longest chain that found no free slot for it, where it is the longest by far.
    @Sendable static func longestChain(_ view: ClusterView) -> [Move] {
        guard let stream = view.memory.awaiting else { return [] }
        let song = view.truth[stream.song]
        guard !song.state.isAtRest else { return [.awaitSlot(nil)] }
        guard Double(song.path(stream)) > longer * Double(view.memory.ready.longestPath) else { return [] }
        guard let move = move(view, stream) else { return [.awaitSlot(nil)] }
        if case .awaitSlot = move { return [] }
        return [.awaitSlot(nil), move]
    }

    // MARK: What is to be done for one stream

    private static func move(_ view: ClusterView, _ stream: StreamRef) -> Move? {
        let song = view.truth[stream.song]
        guard !song.state.isAtRest else { return nil }
        let ahead = view.memory.ahead[stream]
        guard let lease = song[stream].holders.sole, song[stream].blames.isEmpty else {
            return ahead == nil ? nil : .endPrefill(stream)
        }
        guard let next = song.nextWindow(stream), !next.prime.isEmpty else { return nil }
        let known = song.end(stream) - next.prime.lowerBound
        guard 2 * known >= next.prime.count, known < next.prime.count else { return nil }
        if let ahead {
            guard view.pool.isUsable(ahead.worker) else { return .endPrefill(stream) }
            guard known - ahead.known >= chunksAtATime * view.settings.chunk else { return nil }
            return .prefill(stream, ahead.task, by: ahead.worker, known: known)
        }
        guard isWorthIt(view, next, lease.task.level), isCritical(view, stream), !othersWait(view, for: song),
            next.above.map({ song.hasAbove(stream, $0) }) ?? true
        else { return nil }
        guard let worker = view.pool.best(for: song.skill(stream), blamed: [], holder: lease.worker),
            isSooner(view, next, on: worker, beside: lease, stream)
        else { return awaitSlot(view, stream) }
        let task = TaskID(stream: lease.task.stream, window: next.index)
        return .prefill(stream, task, by: worker, known: known)
    }

    private static func awaitSlot(_ view: ClusterView, _ stream: StreamRef) -> Move? {
        let path = view.truth[stream.song].path(stream)
        if let other = view.memory.awaiting, view.truth[other.song].state == .sampling,
            view.truth[other.song].path(other) >= path
        {
            return other == stream ? .awaitSlot(stream) : nil
        }
        return .awaitSlot(stream)
    }

    /// Whether a song of the same priority or a higher one has a window that waits for a slot: then it is that one's turn.
    private static func othersWait(_ view: ClusterView, for song: Song) -> Bool {
        view.memory.ready.groups.values.contains { group in
            group.contains { other, tasks in
                other != song.ref && view.truth[other].priority >= song.priority && tasks.contains { !$0.isCopy }
            }
        } || view.memory.waiting.queues.values.contains { $0.contains { $0.priority >= song.priority } }
    }

    // MARK: When it pays

    /// Whether prime > new, and the prefill's time ≥ half of the sampling's. For less, the chain had better stay on the
    /// worker that it has for itself.
    private static func isWorthIt(_ view: ClusterView, _ window: Window, _ level: Int) -> Bool {
        let (prime, new) = (Double(window.prime.count), Double(window.new.count))
        return prime > new && 2 * prime / view.prefillGain(level) >= new
    }

    /// Whether the stream's chain takes a good part of the time that all work takes if every slot is busy until then:
    /// the slot of a window that waits for tokens is well used only there.
    private static func isCritical(_ view: ClusterView, _ stream: StreamRef) -> Bool {
        let song = view.truth[stream.song]
        let level = song.level(stream)
        guard let fast = view.outlook.fast[level], let workLeft = view.outlook.workLeft else { return false }
        let next = song[stream].window + 1
        let primes = song.segment(stream).windows.dropFirst(next).reduce(0) { $0 + $1.prime.count }
        return 2 * (Double(song.path(stream)) + Double(primes) / view.prefillGain(level)) / fast > workLeft
    }

    /// Whether another worker would have a window done sooner from the beginning than the one that has begun it ahead.
    private static func isSoonerElsewhere(_ view: ClusterView, _ ahead: AheadWindow, _ stream: StreamRef) -> Bool {
        let (song, level) = (view.truth[stream.song], ahead.task.level)
        guard let window = song.window(stream), let there = view.pool.speedOfNextSlot(ahead.worker, level),
            let other = view.pool.best(for: song.skill(stream), blamed: [], holder: ahead.worker),
            let elsewhere = view.pool.speedOfNextSlot(other, level),
            let all = view.pool[ahead.worker].flatMap({ view.throughput($0, level) })
        else { return false }
        let (new, prefill) = (Double(window.new.count), Double(window.prime.count) / view.prefillGain(level))
        // At most, if it had the worker for itself: what is lost is certain, what is gained is not.
        let done = (view.now - ahead.begun) / .seconds(1) * all
        let left = max(0, prefill - done)
        return (left + new) / there > longer * (prefill + new) / elsewhere
    }

    /// Whether the window ends sooner there, by half of its prefill at least:
    /// `max(end, prefill there) + new there < end + (prefill / 2 + new) here`, where `end` is when the prime is complete.
    /// Where the window before is short, less would be saved, and the slot is lost to others meanwhile.
    private static func isSooner(
        _ view: ClusterView, _ next: Window, on id: WorkerID, beside lease: Lease, _ stream: StreamRef
    ) -> Bool {
        let (song, level, progress) = (view.truth[stream.song], lease.task.level, view.leases[lease])
        guard let worker = view.pool[id], let there = view.speedOfNextSlot(worker, level),
            let here = view.pool[lease.worker]?.speedOfSlot(level)
        else { return true }
        let gain = view.prefillGain(level)
        let (new, prefill) = (Double(next.new.count), Double(next.prime.count) / gain)
        let rows = progress.hasSpoken || progress.wasBegun ? 0 : song.window(stream)?.prime.count ?? 0
        let end = (Double(next.prime.upperBound - song.end(stream)) + Double(rows) / gain) / here
        return max(end, prefill / there) + new / there < end + (prefill / 2 + new) / here
    }
}
