/// Windows that were taken back: the first of a reason is told, and those that follow within a minute as a number.
struct RevocationReport: Sendable {
    private struct Untold {
        var count = 0
        var until: Duration
    }

    private var reasons: [String: Untold] = [:]

    private static let interval = Duration.seconds(60)
    /// Reasons come from outside.
    private static let mostReasons = 32

    mutating func revoked(_ window: String, _ reason: String, _ now: Duration) -> Notice? {
        if reasons[reason] != nil {
            reasons[reason]?.count += 1
            return nil
        }
        if reasons.count < Self.mostReasons { reasons[reason] = Untold(until: now + Self.interval) }
        return .gaveUp(window: window, reason: reason)
    }

    /// What has gathered under a reason whose time is over.
    mutating func tick(_ now: Duration) -> Notice? {
        let over = reasons.filter { now >= $0.value.until }
        guard let (reason, untold) = over.min(by: { $0.key < $1.key }) else { return nil }
        guard untold.count > 0 else {
            reasons[reason] = nil
            return nil
        }
        reasons[reason] = Untold(until: now + Self.interval)
        return .gaveUpMore(count: untold.count, reason: reason)
    }
}
