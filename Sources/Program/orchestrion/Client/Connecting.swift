import ClusterClient
import ZeroMQTransport

extension ConnectionOptions {
    /// A client of the coordinator that the options name.
    ///
    /// - Throws: `ZeroMQError` when there is no such host.
    func client() throws -> ClusterClient {
        let endpoint = try endpoint()
        try endpoint.checkHost()
        let transport = try makeTransport()
        return ClusterClient(
            ClientConnection(
                transport: transport, place: endpoint.description, status: { transport.status },
                refusal: { endpoint.refusal() }))
    }
}
