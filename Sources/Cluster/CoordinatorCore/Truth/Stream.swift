import SongPlan

/// What is held against a worker that had a window.
struct Charge: Sendable, Hashable {
    let worker: WorkerID
    let blame: Blame
}

/// One segment of one level of one sample, as far as it exists.
struct Stream: Sendable, Hashable {
    /// From the segment's first token on.
    private(set) var tokens: [UInt16] = []
    /// Index of the first window that is not complete.
    private(set) var window = 0
    /// Who has that window.
    private(set) var holders = Holders.none
    /// What is held against workers for the window, since its last journaled token.
    private(set) var blames: [Charge] = []

    /// The workers that are blamed for the window.
    var blamed: Set<WorkerID> { Set(blames.map(\.worker)) }

    mutating func setKnown(_ tokens: [UInt16]) { self.tokens = tokens }

    /// A window that brings tokens is innocent of what is held against it.
    ///
    /// - Parameter room: tokens that the stream will have.
    mutating func append(_ new: [UInt16], room: Int) {
        if tokens.isEmpty { tokens.reserveCapacity(room) }
        tokens.append(contentsOf: new)
        blames = []
    }

    /// The holder with an epoch has brought all new tokens of the window that there are.
    mutating func reach(_ count: Int, _ epoch: Epoch) { holders.reach(count, epoch) }

    /// The window is complete: so are the leases of it, which are returned.
    mutating func closeWindow() -> [Lease] {
        defer { holders = .none }
        window += 1
        return holders.leases
    }

    mutating func grant(_ lease: Lease) -> Lease? { holders.add(lease) }

    mutating func end(_ epoch: Epoch) -> Lease? { holders.remove(epoch) }

    mutating func blame(_ charge: Charge) { blames.append(charge) }

    /// Nobody has the window any more.
    mutating func release() { holders = .none }

    /// Nothing is held against the window any more.
    mutating func forgive() { blames = [] }
}
