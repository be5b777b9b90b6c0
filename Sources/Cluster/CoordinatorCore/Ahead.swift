import SongPlan

/// The next window of a stream, begun on another worker while the window before it is sampled.
struct AheadWindow: Sendable {
    var task: TaskID
    var worker: WorkerID
    /// Tokens of its prime that the worker was told.
    var known: Int
    /// When it was first told.
    var begun: Instant
}

/// Prefilling ahead. A window of the top level has seven eighths of its tokens from the window before, and computing
/// their rows takes longer than sampling the rest; all but the last of them exist when that window begins. So where a
/// chain decides when everything ends, its next window is begun on another worker, which is told more of the prime as it
/// comes, and gets the lease when all of it is there. Nothing of this is journaled: what is lost of it is computed again.
extension Coordinator {
    /// The worker is told more of the prime when so many chunks of it have come.
    private static let chunksAtATime = 4

    /// A chain that is longer by this much than what waits of its song goes before it, not only where a slot would idle.
    private static let longer = 1.25

    /// Begins the next window of the longest chain that found no free slot for it, where it is the longest by far.
    mutating func serveAhead() {
        guard let stream = waitingAhead else { return }
        guard let (place, index) = live(stream) else { return waitingAhead = nil }
        let longest = ready.groups.values.joined().compactMap(\.value.last?.path).max() ?? 0
        guard Double(songs[place].path(index)) > Self.longer * Double(longest) else { return }
        waitingAhead = nil
        workAhead(place, index)
    }

    private mutating func awaitSlot(_ stream: StreamID, path: Int) {
        if let (place, index) = waitingAhead.flatMap(live), songs[place].path(index) >= path { return }
        waitingAhead = stream
    }

    /// A stream has more tokens or another lease: begins its next window elsewhere, or tells more of its prime.
    mutating func workAhead(_ place: Int, _ index: Int) {
        let (song, stream) = (songs[place], songs[place].streams[index])
        guard let lease = stream.leases.first, stream.leases.count == 1, stream.blames.isEmpty else {
            return dropAhead(place, index)
        }
        guard let next = song.nextWindow(index), !next.prime.isEmpty else { return }
        let known = song.end(index) - next.prime.lowerBound
        guard 2 * known >= next.prime.count, known < next.prime.count else { return }
        if let ahead = stream.ahead {
            guard known - ahead.known >= Self.chunksAtATime * settings.chunk else { return }
        } else {
            let skill = song.skill(lease.task.level)
            guard isWorthIt(next, lease.task.level), isCritical(place, index), !othersWait(for: place),
                next.above.map({ song.hasAbove(index, $0) }) ?? true
            else { return }
            guard let worker = pool.best(for: skill, blamed: [], holder: lease.worker),
                isSooner(next, on: worker, beside: lease, place, index)
            else { return awaitSlot(lease.task.stream, path: song.path(index)) }
            let task = TaskID(stream: lease.task.stream, window: next.index)
            songs[place].streams[index].ahead = AheadWindow(task: task, worker: worker, known: 0, begun: now)
            pool.give(task, to: worker, now: now, isAhead: true)
        }
        songs[place].streams[index].ahead?.known = known
        guard let ahead = songs[place].streams[index].ahead else { return }
        let prime = song.tokens(index, next.prime.lowerBound...)
        send(to: ahead.worker, .prefill(assignment(place, index, ahead.task, next, epoch: 0, prime: prime)))
    }

    /// A window that was begun ahead goes on where it was, once all that it depends on exists; unless that worker has so
    /// much else by then that another one would have done it sooner, prefill and all.
    mutating func grantAhead(_ place: Int, _ index: Int) {
        guard let ahead = songs[place].streams[index].ahead, let entry = songs[place].readyTask(index), !entry.isCopy,
            entry.task == ahead.task
        else { return }
        guard !isSoonerElsewhere(ahead, place, index) else { return dropAhead(place, index) }
        forget(ahead, place, index)
        grant(entry, songs[place].skill(ahead.task.level), ahead.worker, isProvisional: false)
        if let lease = songs[place].streams[index].leases.last { change(lease) { $0.wasBegun = true } }
    }

    /// The next window waits for its turn like any other.
    mutating func dropAhead(_ place: Int, _ index: Int) {
        guard let ahead = songs[place].streams[index].ahead else { return }
        forget(ahead, place, index)
        send(to: ahead.worker, .revoke(ahead.task, 0, reason: "it is not prefilled ahead any more"))
    }

    /// Lets go of all that a worker has begun ahead.
    mutating func dropAhead(of worker: WorkerID) {
        for task in pool.workers[worker]?.tasks ?? [] {
            guard let (place, index) = live(task.stream), songs[place].streams[index].ahead?.task == task,
                songs[place].streams[index].ahead?.worker == worker
            else { continue }
            dropAhead(place, index)
        }
    }

    private mutating func forget(_ ahead: AheadWindow, _ place: Int, _ index: Int) {
        pool.take(ahead.task, from: ahead.worker)
        songs[place].streams[index].ahead = nil
    }

    /// Whether a song of the same priority or a higher one has a window that waits for a slot: then it is that one's turn.
    private func othersWait(for place: Int) -> Bool {
        let priority = songs[place].submission.priority
        return ready.groups.values.contains { group in
            group.contains { other, tasks in
                other != place && songs[other].submission.priority >= priority && tasks.contains { !$0.isCopy }
            }
        } || waiting.queues.values.contains { $0.contains { $0.priority >= priority } }
    }

    /// Whether most of a window is prime, and its prefill takes half as long as its sampling, at least: a chain that goes
    /// to another worker for less shares that with other levels instead of having one for itself.
    private func isWorthIt(_ window: Window, _ level: Int) -> Bool {
        let (prime, new) = (Double(window.prime.count), Double(window.new.count))
        return prime > new && 2 * prime / prefillGain(level) >= new
    }

    /// Whether the stream's chain takes a good part of the time that all work takes if every slot is busy until then:
    /// the slot of a window that waits for tokens is well used only there.
    private func isCritical(_ place: Int, _ index: Int) -> Bool {
        let (song, level) = (songs[place], songs[place].level(at: index))
        guard let fast = fastSpeeds[level], let workLeft else { return false }
        let next = song.streams[index].window + 1
        let primes = song.segment(index).windows.dropFirst(next).reduce(0) { $0 + $1.prime.count }
        return 2 * (Double(song.path(index)) + Double(primes) / prefillGain(level)) / fast > workLeft
    }

    /// Whether another worker would have a window done sooner from the beginning than the one that has begun it ahead.
    private func isSoonerElsewhere(_ ahead: AheadWindow, _ place: Int, _ index: Int) -> Bool {
        let level = ahead.task.level
        guard let window = songs[place].window(index), let there = pool.speedOfNextSlot(ahead.worker, level),
            let other = pool.best(for: songs[place].skill(level), blamed: [], holder: ahead.worker),
            let elsewhere = pool.speedOfNextSlot(other, level),
            let all = pool.workers[ahead.worker].flatMap({ throughput($0, level) })
        else { return false }
        let (new, prefill) = (Double(window.new.count), Double(window.prime.count) / prefillGain(level))
        // At most, if it had the worker for itself: what is lost is certain, what is gained is not.
        let done = (now - ahead.begun) / .seconds(1) * all
        let left = max(0, prefill - done)
        return (left + new) / there > Self.longer * (prefill + new) / elsewhere
    }

    /// Whether a window that is prefilled there beside what that worker does is complete sooner, by half of its prefill,
    /// than if the worker of the one before it begins it afterwards. Who has that while the other samples a short window
    /// saves less, and keeps the chain from the one that would be free for it.
    private func isSooner(_ next: Window, on id: WorkerID, beside lease: Lease, _ place: Int, _ index: Int) -> Bool {
        let (song, level) = (songs[place], lease.task.level)
        guard let worker = pool.workers[id], let all = throughput(worker, level),
            let here = pool.workers[lease.worker]?.speedOfSlot(level)
        else { return true }
        let there = all * worker.part(level, joining: 1)
        let (new, prefill) = (Double(next.new.count), Double(next.prime.count) / prefillGain(level))
        let rows = lease.hasSpoken || lease.wasBegun ? 0 : song.window(index)?.prime.count ?? 0
        let end = (Double(next.prime.upperBound - song.end(index)) + Double(rows) / prefillGain(level)) / here
        return max(end, prefill / there) + new / there < end + (prefill / 2 + new) / here
    }
}
