/// The number of a grant of a lease. Never used twice by one journal; 0 is no lease.
package typealias Epoch = UInt64

/// A task as its holder knows it: what HELLO and heartbeats list.
package struct HeldLease: Sendable, Hashable {
    package var task: TaskID
    package var epoch: Epoch
    /// New tokens of the window that the holder knows to be journaled.
    package var acknowledged: Int

    package init(task: TaskID, epoch: Epoch, acknowledged: Int) {
        self.task = task
        self.epoch = epoch
        self.acknowledged = acknowledged
    }
}

/// Consecutive new tokens of a task: what a worker sends, and what is journaled.
package struct Chunk: Sendable, Hashable {
    package var task: TaskID
    package var epoch: Epoch
    /// Index of the first token, counted from the window's first new token.
    package var start: Int
    package var tokens: [UInt16]

    package init(task: TaskID, epoch: Epoch, start: Int, tokens: [UInt16]) {
        self.task = task
        self.epoch = epoch
        self.start = start
        self.tokens = tokens
    }
}
