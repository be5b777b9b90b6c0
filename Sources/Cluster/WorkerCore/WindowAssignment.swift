package import SongPlan

/// A window as a worker is given it, with all that it depends on. Nothing of it is checked yet.
package struct WindowAssignment: Sendable, Hashable {
    package var task: TaskID
    /// 0 for what is prefilled ahead of its lease.
    package var epoch: Epoch
    /// The fingerprint that the worker's level must have.
    package var fingerprint: String
    package var seed: UInt64
    /// The sample as the random numbers count it.
    package var number: Int
    /// The window's first token, and the position after its last.
    package var start: Int
    package var end: Int
    /// The window's tokens that exist: its prime, then what was journaled of its new tokens.
    package var tokens: [UInt16]
    /// How many of `tokens` are the prime.
    package var prime: Int
    /// The slice of the level above; empty at the top.
    package var above: [UInt16]
    package var labels: SongLabels
    package var filter: Filter
    /// Tokens of the longest chain from here to the song's end.
    package var path: Int

    package init(
        task: TaskID, epoch: Epoch, fingerprint: String, seed: UInt64, number: Int, start: Int, end: Int,
        tokens: [UInt16], prime: Int, above: [UInt16], labels: SongLabels, filter: Filter, path: Int
    ) {
        self.task = task
        self.epoch = epoch
        self.fingerprint = fingerprint
        self.seed = seed
        self.number = number
        self.start = start
        self.end = end
        self.tokens = tokens
        self.prime = prime
        self.above = above
        self.labels = labels
        self.filter = filter
        self.path = path
    }

    /// Whether it asks for the rows of a part of the prime alone.
    package var isAhead: Bool { epoch == 0 }

    /// Tokens that it appends in all.
    package var newTokens: Int { end - start - prime }

    /// Whether the rows of `other`'s tokens are rows of this window, too.
    package func goesOn(_ other: WindowAssignment) -> Bool {
        var own = self
        (own.epoch, own.path, own.tokens) = (other.epoch, other.path, other.tokens)
        return own == other && tokens.starts(with: other.tokens)
    }
}
