import ClusterProtocol
import CoordinatorCore

/// Who asks, and so which songs there are for it.
struct Asker: Sendable, Hashable {
    var connection: ConnectionID
    /// The public key that it proved; nil where there are no keys.
    var key: String?
    var roles = PeerRoles.admin

    init(_ message: ReceivedMessage) {
        (connection, key, roles) = (message.connection, message.peerKey, message.roles)
    }

    /// Whether it sees everybody's songs, and what of the cluster is nobody's own.
    var isAdmin: Bool { roles == .admin }

    /// Whether a song is its own, or it is an admin.
    func mayUse(_ submission: Submission) -> Bool { isAdmin || submission.owner == key }
}
