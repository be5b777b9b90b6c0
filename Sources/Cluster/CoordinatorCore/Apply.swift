import SongPlan

/// What records mean: the only place where journaled state changes, live and in replay.
/// Records that come too late (of a song that ended) change nothing.
extension Coordinator {
    mutating func apply(_ record: Record) {
        switch record {
        case .songSubmitted(let submission): applySubmission(submission)
        case .tokens(let stream, let start, let tokens, let origin):
            applyTokens(stream, start: start, tokens, origin)
        case .leaseGranted(let task, let epoch, let worker): applyGrant(task, epoch, worker)
        case .leaseEnded(let task, let epoch, _): applyEnd(task, epoch)
        case .workerBlamed(let task, let worker, let blame):
            guard let (place, index) = live(task.stream), songs[place].streams[index].window == task.window
            else { return }
            songs[place].streams[index].blames.append((worker, blame))
        case .cut(let song, let sample, let seam, let position):
            guard let place = songIndex[song], !songs[place].state.isEnded else { return }
            songs[place].decide(sample: sample, seam: seam, position: position)
        case .songState(let song, let state): applyState(song, state)
        }
    }

    /// Where a stream of a song that has not ended is kept.
    func live(_ stream: StreamID) -> (place: Int, index: Int)? {
        guard let place = songIndex[stream.song], !songs[place].state.isEnded,
            songs[place].contains(stream)
        else { return nil }
        return (place, songs[place].index(stream))
    }

    private mutating func applySubmission(_ submission: Submission) {
        guard let plan = try? plans.plan(submission.planInputs) else { return }
        let paths = plans.retain(submission.planInputs, plan)
        songIndex[submission.song] = songs.count
        songs.append(Song(submission: submission, plan: plan, paths: paths, order: songs.count))
    }

    private mutating func applyTokens(
        _ stream: StreamID, start: Int, _ tokens: [UInt16], _ origin: TokenOrigin
    ) {
        guard let (place, index) = live(stream) else { return }
        switch origin {
        case .known:
            // A crash may have cut the known tokens short; when they come again, they come whole.
            if songs[place].state == .preparing { songs[place].streams[index].tokens = tokens }
        case .sampled(_, let epoch, _):
            if songs[place].streams[index].tokens.isEmpty {
                songs[place].streams[index].tokens.reserveCapacity(songs[place].segment(index).range.count)
            }
            songs[place].streams[index].tokens.append(contentsOf: tokens)
            clear(place, index)
            credit(place, index, epoch)
            closeWindow(place, index)
            if songs[place].isSampled { leaveSampling(place, for: .decoding) }
        }
    }

    /// A window that brings tokens is innocent of what is held against it.
    private mutating func clear(_ place: Int, _ index: Int) {
        guard !songs[place].streams[index].blames.isEmpty else { return }
        songs[place].streams[index].blames = []
        for lease in songs[place].streams[index].leases { pool.clear(lease.task, on: lease.worker) }
    }

    /// The worker of an epoch has brought all that there is.
    private mutating func credit(_ place: Int, _ index: Int, _ epoch: Epoch) {
        guard let lease = songs[place].streams[index].leases.firstIndex(where: { $0.epoch == epoch }) else { return }
        songs[place].streams[index].leases[lease].reached = songs[place].journaled(index)
    }

    /// Open songs that are sampled are counted.
    private mutating func leaveSampling(_ place: Int, for state: SongState) {
        if songs[place].isOpen, songs[place].state == .sampling { openSongs -= 1 }
        songs[place].state = state
    }

    private mutating func closeWindow(_ place: Int, _ index: Int) {
        guard let window = songs[place].window(index),
            songs[place].end(index) >= window.new.upperBound
        else { return }
        songs[place].streams[index].window += 1
        dropLeases(place, index) { _ in true }
    }

    private mutating func dropLeases(_ place: Int, _ index: Int, where isGone: (Lease) -> Bool) {
        for lease in songs[place].streams[index].leases where isGone(lease) {
            pool.take(lease.task, from: lease.worker)
            songs[place].running -= 1
            songs[place].share -= lease.share
        }
        songs[place].streams[index].leases.removeAll(where: isGone)
        songs[place].streams[index].isStraggling = false
    }

    private mutating func applyGrant(_ task: TaskID, _ epoch: Epoch, _ worker: WorkerID) {
        nextEpoch = max(nextEpoch, epoch + 1)
        guard let (place, index) = live(task.stream) else { return }
        songs[place].begun = true
        let share = pool.workers[worker]?.share ?? 1
        songs[place].running += 1
        songs[place].share += share
        songs[place].streams[index].isStraggling = false
        songs[place].streams[index].leases.append(
            Lease(
                task: task, epoch: epoch, worker: worker, granted: now, share: share,
                reached: songs[place].journaled(index), heard: now))
        pool.give(task, to: worker, now: now, isSuspect: isSuspect(songs[place].streams[index]))
    }

    private mutating func applyEnd(_ task: TaskID, _ epoch: Epoch) {
        guard let (place, index) = live(task.stream) else { return }
        dropLeases(place, index) { $0.task == task && $0.epoch == epoch }
    }

    private mutating func applyState(_ id: SongID, _ state: SongState) {
        guard let place = songIndex[id], !songs[place].state.isEnded else { return }
        if state.isEnded {
            for lease in songs[place].streams.flatMap(\.leases) {
                pool.take(lease.task, from: lease.worker)
            }
            plans.release(songs[place].submission.planInputs)
            leaveSampling(place, for: state)
            songs[place].end(state)
        } else {
            songs[place].state = songs[place].isSampled ? .decoding : state
        }
    }
}
