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
        plans.retain(submission.planInputs, plan)
        songIndex[submission.song] = songs.count
        songs.append(Song(submission: submission, plan: plan, order: songs.count))
    }

    private mutating func applyTokens(
        _ stream: StreamID, start: Int, _ tokens: [UInt16], _ origin: TokenOrigin
    ) {
        guard let (place, index) = live(stream) else { return }
        switch origin {
        case .known:
            // A crash may have cut the known tokens short; when they come again, they come whole.
            if songs[place].state == .preparing { songs[place].streams[index].tokens = tokens }
        case .sampled:
            songs[place].streams[index].tokens.append(contentsOf: tokens)
            songs[place].streams[index].blames = []
            closeWindow(place, index)
            if songs[place].isSampled { songs[place].state = .decoding }
        }
    }

    private mutating func closeWindow(_ place: Int, _ index: Int) {
        guard let window = songs[place].window(index),
            songs[place].streams[index].tokens.count >= window.new.upperBound
        else { return }
        songs[place].streams[index].window += 1
        if let lease = songs[place].streams[index].lease {
            songs[place].streams[index].lease = nil
            pool.take(lease.task, from: lease.worker)
        }
    }

    private mutating func applyGrant(_ task: TaskID, _ epoch: Epoch, _ worker: WorkerID) {
        nextEpoch = max(nextEpoch, epoch + 1)
        guard let (place, index) = live(task.stream) else { return }
        songs[place].begun = true
        songs[place].streams[index].lease = Lease(task: task, epoch: epoch, worker: worker, granted: now)
        pool.give(task, to: worker, now: now)
    }

    private mutating func applyEnd(_ task: TaskID, _ epoch: Epoch) {
        guard let (place, index) = live(task.stream), let lease = songs[place].streams[index].lease,
            lease.task == task, lease.epoch == epoch
        else { return }
        songs[place].streams[index].lease = nil
        pool.take(task, from: lease.worker)
    }

    private mutating func applyState(_ id: SongID, _ state: SongState) {
        guard let place = songIndex[id], !songs[place].state.isEnded else { return }
        if state.isEnded {
            for lease in songs[place].streams.compactMap(\.lease) {
                pool.take(lease.task, from: lease.worker)
            }
            plans.release(songs[place].submission.planInputs)
            songs[place].end(state)
        } else {
            songs[place].state = songs[place].isSampled ? .decoding : state
        }
    }
}
