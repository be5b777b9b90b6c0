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

    /// Of a window that is sampled on several machines, what each has brought.
    private(set) var check: WindowCheck?
    /// Where the sampled tokens come from, in order.
    private(set) var sources: [Source] = []

    /// The machines that the window failed on. While it has failed on none, those on which it was there when an engine
    /// crashed.
    var blamed: Set<MachineID> {
        let failed = Set(blames.filter(\.blame.isEvidence).map(\.machine))
        return failed.isEmpty ? Set(blames.map(\.machine)) : failed
    }

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
        check = nil
        window += 1
        return holders.leases
    }

    mutating func grant(_ lease: Lease) -> Lease? { holders.add(lease) }

    mutating func end(_ epoch: Epoch) -> Lease? { holders.remove(epoch) }

    mutating func blame(_ charge: Charge) { blames.append(charge) }

    // MARK: Checks

    mutating func beginCheck() { check = WindowCheck() }

    mutating func endCheck() { check = nil }

    mutating func claim(_ tokens: [UInt16], from start: Int, _ epoch: Epoch, _ worker: WorkerID, _ machine: MachineID) {
        check?.add(tokens, from: start, epoch, worker, machine)
    }

    /// Nothing counts any more that a machine has said of the window.
    mutating func forgetClaims(of machine: MachineID) { check?.forget(machine) }

    /// New tokens, from a place in the level on, come from a machine.
    mutating func note(_ range: Range<Int>, from machine: MachineID) {
        let isVerified = check != nil
        if let last = sources.last, last.machine == machine, last.isVerified == isVerified {
            sources[sources.count - 1].end = range.upperBound
        } else {
            sources.append(
                Source(start: range.lowerBound, end: range.upperBound, machine: machine, isVerified: isVerified))
        }
    }

    /// Where the token at a place in the level comes from; nil where it was known.
    func source(of place: Int) -> Source? { sources.last { $0.start <= place && place < $0.end } }

    /// Only so many tokens stay, and the stream is at a window again.
    ///
    /// - Parameter end: the place in the level after the last of them.
    mutating func drop(to count: Int, end: Int, window: Int) {
        tokens.removeSubrange(count...)
        self.window = window
        (holders, blames, check) = (.none, [], nil)
        sources.removeAll { $0.start >= end }
        if let last = sources.last, last.end > end { sources[sources.count - 1].end = end }
    }

    // MARK: Rest

    /// Nobody has the window any more.
    mutating func release() { holders = .none }

    /// Nothing is held against the window any more.
    mutating func forgive() { blames = [] }
}
