import SongPlan

/// The next window of a stream, begun on another worker while the window before it is sampled.
struct AheadWindow: Sendable {
    var task: TaskID
    var worker: WorkerID
    /// Tokens of its prime that the worker was told.
    var known: Int
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
            guard let worker = pool.best(for: skill, blamed: [], holder: lease.worker) else {
                return awaitSlot(lease.task.stream, path: song.path(index))
            }
            guard isFastEnough(worker, beside: lease, next) else { return }
            let task = TaskID(stream: lease.task.stream, window: next.index)
            songs[place].streams[index].ahead = AheadWindow(task: task, worker: worker, known: 0)
            pool.give(task, to: worker, now: now, isSuspect: false)
        }
        songs[place].streams[index].ahead?.known = known
        guard let ahead = songs[place].streams[index].ahead else { return }
        let prime = song.tokens(index, next.prime.lowerBound...)
        send(to: ahead.worker, .prefill(assignment(place, index, ahead.task, next, epoch: 0, prime: prime)))
    }

    /// A window that was begun ahead goes on where it was, once all that it depends on exists.
    mutating func grantAhead(_ place: Int, _ index: Int) {
        guard let ahead = songs[place].streams[index].ahead, let entry = songs[place].readyTask(index), !entry.isCopy,
            entry.task == ahead.task
        else { return }
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

    /// Whether a window's prefill takes half as long as its sampling, at least: a chain that goes to another worker for less
    /// shares that with other levels instead of having one for itself.
    private func isWorthIt(_ window: Window, _ level: Int) -> Bool {
        2 * Double(window.prime.count) / prefillGain(level) >= Double(window.new.count)
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

    /// Whether sampling the window there takes no longer than prefill and sampling where the one before it is.
    private func isFastEnough(_ id: WorkerID, beside lease: Lease, _ window: Window) -> Bool {
        let level = lease.task.level
        guard let worker = pool.workers[id], let there = throughput(worker, level),
            let here = pool.workers[lease.worker]?.throughput[level]
        else { return true }
        let (new, prefill) = (Double(window.new.count), Double(window.prime.count) / prefillGain(level))
        return new / there < (new + prefill) / here
    }
}
