import ClusterProtocol

/// Counts what connections send that is of no use to anybody, so that it costs them their connection before it costs others
/// their time.
struct PeerConduct {
    private var strikes: [ConnectionID: Int] = [:]
    private var begun = 0.0

    /// In so many seconds, so many useless messages are borne with.
    private static let (interval, most) = (10.0, 100)

    /// A connection sent something useless.
    ///
    /// - Returns: whether it has done so too often.
    mutating func isTooMuch(of connection: ConnectionID, at now: Double) -> Bool {
        if now - begun >= Self.interval { (strikes, begun) = ([:], now) }
        let count = (strikes[connection] ?? 0) + 1
        strikes[connection] = count > Self.most ? nil : count
        return count > Self.most
    }
}
