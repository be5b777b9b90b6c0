/// How a worker's or a client's connection to its coordinator stands.
package enum ConnectionStatus: Sendable, Equatable {
    /// Nothing is known yet, or again.
    case connecting
    case connected
    /// Nobody listens there, or there is no way to it.
    case unreachable
    /// No host of that name is found.
    case unknownHost
    /// The coordinator does not allow this public key.
    case keyRefused(String)
    /// One side uses keys, and the other does not.
    case securityDiffers(peerUsesKeys: Bool)
    /// Somebody answered and hung up.
    case hungUp(usesKeys: Bool)

    /// What is wrong, and what to do about it; nil while nothing is.
    ///
    /// - Parameter place: the coordinator's address, as it was given.
    package func problem(at place: String) -> ConnectionProblem? {
        switch self {
        case .connecting, .connected: nil
        case .unreachable:
            ConnectionProblem(
                "nobody listens at \(place); check the address, and that the coordinator runs and a firewall lets it "
                    + "be reached", isCertain: false)
        case .unknownHost:
            ConnectionProblem(
                "no host is found for \(place); check the name, and this machine's network", isCertain: false)
        case .keyRefused(let key):
            ConnectionProblem(
                "the coordinator at \(place) does not allow this key; on its machine run: "
                    + "orchestrion keys allow --state DIR '\(key)'", isCertain: true)
        case .securityDiffers(peerUsesKeys: true):
            ConnectionProblem(
                "the coordinator at \(place) wants keys; give --server-key and --key", isCertain: true)
        case .securityDiffers(peerUsesKeys: false):
            ConnectionProblem(
                "the coordinator at \(place) uses no keys; leave --server-key and --key away, or start it with "
                    + "--secure", isCertain: true)
        case .hungUp(usesKeys: true):
            ConnectionProblem(
                "what answers at \(place) hangs up: the coordinator's public key is not the one that --server-key "
                    + "names (orchestrion keys show STATE/coordinator.key prints it), or it is no coordinator, or one that is stopped",
                isCertain: false)
        case .hungUp(usesKeys: false):
            ConnectionProblem(
                "what answers at \(place) hangs up: it wants keys (give --server-key and --key), or it is no "
                    + "coordinator, or one that is stopped", isCertain: false)
        }
    }
}

/// Why there is no connection, for people.
package struct ConnectionProblem: Sendable, Hashable, CustomStringConvertible {
    package let description: String
    /// Whether it stays until somebody does something about it: no use in waiting.
    package let isCertain: Bool

    package init(_ description: String, isCertain: Bool) {
        self.description = description
        self.isCertain = isCertain
    }
}

/// A connection that a server did not let come about.
package struct ConnectionRefusal: Sendable, Hashable {
    package enum Reason: Sendable, Hashable, CustomStringConvertible {
        case keyNotAllowed
        /// It was let in once, and its key has been taken from the list since.
        case keyAllowedNoMore
        case otherServerKey
        case withoutKeys
        case withKeys
        case badHandshake
        case tooManyConnections
        case tooMuchAtOnce
        /// What it sent again and again was of no use to anybody.
        case nonsense

        package var description: String {
            switch self {
            case .keyNotAllowed: "its key is not allowed"
            case .keyAllowedNoMore: "its key is not allowed any more"
            case .otherServerKey: "it was given another public key for this coordinator than the one it has"
            case .withoutKeys: "it uses no keys, and this coordinator wants them"
            case .withKeys: "it uses keys, and this coordinator does not"
            case .tooManyConnections: "there were too many connections, and it had said nothing yet"
            case .tooMuchAtOnce: "it sent more at once than a connection may"
            case .nonsense: "it kept sending what is of no use"
            case .badHandshake: "its handshake failed; it may be of another release, or no part of orchestrion"
            }
        }
    }

    /// The peer's IP address; empty when it was gone too soon to tell.
    package var address: String
    /// The public key that it proved to hold.
    package var key: String?
    package var reason: Reason
    /// Where it can still be told so.
    package var connection: ConnectionID?

    package init(address: String, key: String? = nil, reason: Reason, connection: ConnectionID? = nil) {
        self.address = address
        self.key = key
        self.reason = reason
        self.connection = connection
    }
}
