import SongPlan

/// What is seen of a lease while it runs. None of it is journaled.
struct LeaseProgress: Sendable, Hashable {
    let granted: Instant
    /// Tokens a second that it counts for in fairness, of its worker's.
    let share: Int
    /// New tokens of the window that the worker has and that are journaled, whoever brought them.
    private(set) var reached: Int
    /// Since when `unmeasured` tokens have come: the grant, then the last time its speed was measured.
    private(set) var heard: Instant
    private(set) var unmeasured = 0
    /// Whether it has brought tokens. Before the first there is the prefill.
    private(set) var hasSpoken = false
    /// Its window had better be on a fast worker: it moves there as soon as one is free.
    let isProvisional: Bool
    /// Its worker had begun the window before it had the lease.
    let wasBegun: Bool

    init(granted: Instant, share: Int, reached: Int, isProvisional: Bool = false, wasBegun: Bool = false) {
        (self.granted, self.share, self.reached, heard) = (granted, share, reached, granted)
        (self.isProvisional, self.wasBegun) = (isProvisional, wasBegun)
    }

    /// The least time over which a speed is measured: chunks come in bursts.
    private static let measurement = Duration.milliseconds(200)

    mutating func setReached(_ count: Int) { reached = max(reached, count) }

    /// Tokens came, up to `count` of the window's.
    ///
    /// - Returns: tokens and seconds of a measurement, when enough time has passed for one.
    mutating func advance(to count: Int, now: Instant) -> (tokens: Int, seconds: Double)? {
        let new = unmeasured + max(0, count - reached)
        let elapsed = now - heard
        let isMeasured = hasSpoken && elapsed >= Self.measurement
        if isMeasured || !hasSpoken { (unmeasured, heard) = (0, now) } else { unmeasured = new }
        reached = max(reached, count)
        hasSpoken = true
        return isMeasured ? (new, elapsed / .seconds(1)) : nil
    }
}

/// The progress of all leases, by their epochs.
struct LeaseBook: Sendable {
    private var entries: [Epoch: LeaseProgress] = [:]

    subscript(lease: Lease) -> LeaseProgress {
        guard let entry = entries[lease.epoch] else { preconditionFailure("\(lease) has no progress") }
        return entry
    }

    var epochs: Set<Epoch> { Set(entries.keys) }

    mutating func open(_ lease: Lease, _ progress: LeaseProgress) { entries[lease.epoch] = progress }

    /// - Returns: what was seen of it.
    @discardableResult
    mutating func close(_ lease: Lease) -> LeaseProgress? { entries.removeValue(forKey: lease.epoch) }

    /// Changes what is seen of a lease that has not ended.
    mutating func update<Result>(_ lease: Lease, _ body: (inout LeaseProgress) -> Result) -> Result? {
        guard var entry = entries.removeValue(forKey: lease.epoch) else { return nil }
        defer { entries[lease.epoch] = entry }
        return body(&entry)
    }
}
