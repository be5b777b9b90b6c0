/// What a coordinator lets a peer do.
package struct PeerRoles: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Samples windows.
    package static let worker = PeerRoles(rawValue: 1)
    /// Submits songs, and sees, fetches and ends its own.
    package static let client = PeerRoles(rawValue: 2)
    private static let all = PeerRoles(rawValue: 4)
    /// Everything, with everybody's songs. Of a key whose line names no role, and of everybody where there are no keys.
    package static let admin: PeerRoles = [.worker, .client, .all]

    private static let names: [(name: String, roles: PeerRoles)] = [
        ("worker", .worker), ("client", .client), ("admin", .admin),
    ]

    /// - Parameter text: `worker`, `client` or `admin`, or several with commas; nil for anything else.
    package init?(_ text: some StringProtocol) {
        self = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let known = Self.names.first(where: { $0.name == part }) else { return nil }
            formUnion(known.roles)
        }
        if isEmpty { return nil }
    }

    /// As `init` reads it.
    package var text: String {
        if contains(.admin) { return "admin" }
        return Self.names.filter { $0.roles != .admin && contains($0.roles) }.map(\.name).joined(separator: ",")
    }
}

/// How many connections a server has, and may have.
package struct ConnectionCount: Sendable, Hashable {
    package var open: Int
    package var limit: Int
    /// Since the start, those that were hung up on because there were too many or they sent too much.
    package var turnedAway: UInt64

    package init(open: Int, limit: Int, turnedAway: UInt64) {
        (self.open, self.limit, self.turnedAway) = (open, limit, turnedAway)
    }
}
