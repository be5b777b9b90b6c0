package import CoordinatorCore
import GRDB
package import SongPlan

/// Something that happened to a task, and when; the song is the one that was asked for.
package struct TaskEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case granted(WorkerID)
        /// `count` tokens of the level from `start` on.
        case sampled(start: Int, count: Int)
        case ended(LeaseEnding)
    }

    package var sample: Int
    package var level: Int
    package var segment: Int
    package var window: Int
    package var epoch: Epoch
    /// Seconds since 1970; nil in journals of earlier releases.
    package var time: Double?
    package var kind: Kind

    init?(_ row: Row) {
        guard let sample = row["sample"] as Int?, let level = row["level"] as Int?, let window = row["window"] as Int?,
            let epoch = row["epoch"] as Int64?
        else { return nil }
        self.sample = sample
        self.level = level
        segment = row["segment"] ?? 0
        self.window = window
        self.epoch = Epoch(bitPattern: epoch)
        time = row["time"]
        switch (row["kind"] as String?, row["worker"] as String?) {
        case ("granted", let worker?): kind = .granted(worker)
        case ("sampled", _): kind = .sampled(start: row["start"] ?? 0, count: row["count"] ?? 0)
        case ("ended", _): kind = .ended(LeaseEnding(ending: row["ending"], text: row["text"]))
        case (_, _): return nil
        }
    }
}
