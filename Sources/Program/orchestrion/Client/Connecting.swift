import ClusterClient
import ZeroMQTransport

extension ConnectionOptions {
    /// A client of the coordinator that options, environment and file name.
    ///
    /// - Throws: `ZeroMQError` when there is no such host.
    func client() throws -> ClusterClient { try Self.client(settings()) }

    /// - Parameter mayWait: throws when there is no use in waiting for an answer any more.
    static func client(
        _ settings: ConnectionSettings, mayWait: @escaping @Sendable () throws -> Void = {}
    ) throws -> ClusterClient {
        let endpoint = try TCPEndpoint(parsing: settings.connect)
        try endpoint.checkHost()
        let transport = try makeTransport(settings)
        return ClusterClient(
            ClientConnection(
                transport: transport, place: endpoint.description, status: { transport.status },
                refusal: { endpoint.refusal() }), mayWait: mayWait)
    }
}
