import SongPlan

/// The time from sending a chunk to its acknowledgement: one chunk at a time is watched, and the shortest of the last few
/// times counts, since the others also waited for the coordinator's disk.
struct RoundTrip {
    private static let kept = 8

    private var watched: (task: TaskID, epoch: Epoch, end: Int, at: Duration)?
    private var times: [Double] = []

    /// In seconds; 0 while nothing is known.
    var seconds: Double { times.min() ?? 0 }

    mutating func sent(_ chunk: Chunk, now: Duration) {
        // What was lost on its way is watched no longer than this.
        if let watched, now - watched.at < .seconds(10) { return }
        watched = (chunk.task, chunk.epoch, chunk.start + chunk.tokens.count, now)
    }

    mutating func acknowledged(_ task: TaskID, epoch: Epoch, count: Int, now: Duration) {
        guard let own = watched, own.task == task, own.epoch == epoch, own.end <= count else { return }
        watched = nil
        times.append((now - own.at) / .seconds(1))
        if times.count > Self.kept { times.removeFirst() }
    }
}
