import SongPlan

/// What happened to a window on a machine that had it.
struct Charge: Sendable, Hashable {
    let machine: MachineID
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
    /// Where the window failed since its last journaled token.
    private(set) var blames: [Charge] = []

    /// The machines that the window failed on.
    var blamed: Set<MachineID> { Set(blames.map(\.machine)) }

    /// Whether an engine crashed with the window in hand. It may be innocent: windows that were in the same engine as the
    /// culprit look like it. So it has its next worker to itself, until it brings tokens.
    var isSuspect: Bool {
        blames.contains { charge in
            if case .crashed = charge.blame { true } else { false }
        }
    }

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
