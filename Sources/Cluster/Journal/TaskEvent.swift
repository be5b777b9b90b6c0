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

    /// nil for a row that says nothing of the kind; one that is damaged may be of any form.
    init?(_ row: Row) {
        func number(_ column: String) -> Int? { Int.fromDatabaseValue(row[column] as DatabaseValue) }
        func text(_ column: String) -> String? { String.fromDatabaseValue(row[column] as DatabaseValue) }
        guard let sample = number("sample"), let level = number("level"), let window = number("window"),
            let epoch = Int64.fromDatabaseValue(row["epoch"] as DatabaseValue)
        else { return nil }
        self.sample = sample
        self.level = level
        segment = number("segment") ?? 0
        self.window = window
        self.epoch = Epoch(bitPattern: epoch)
        time = Double.fromDatabaseValue(row["time"] as DatabaseValue)
        switch (text("kind"), text("worker")) {
        case ("granted", let worker?): kind = .granted(worker)
        case ("sampled", _): kind = .sampled(start: number("start") ?? 0, count: number("count") ?? 0)
        case ("ended", _): kind = .ended(LeaseEnding(ending: text("ending"), text: text("text")))
        case (_, _): return nil
        }
    }
}
