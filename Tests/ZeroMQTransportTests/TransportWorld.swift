import ClusterProtocol
import ZeroMQTransport

/// The transports that must all behave alike.
enum TransportKind: CaseIterable, Sendable {
    case inMemory
    case openTCP
    case curveTCP

    func makeWorld() throws -> any TransportWorld {
        switch self {
        case .inMemory: InMemoryWorld()
        case .openTCP: try ZeroMQWorld(keys: nil)
        case .curveTCP: try ZeroMQWorld(keys: (.generate(), .generate()))
        }
    }
}

/// One server at a time and any number of clients.
protocol TransportWorld: AnyObject {
    func makeServer() throws -> any Transport
    func makeClient() throws -> any Transport
    /// What the server must see as the clients' proved key.
    var clientKey: String? { get }
}

final class InMemoryWorld: TransportWorld {
    let network = InMemoryNetwork()
    let clientKey: String? = "a key"

    func makeServer() -> any Transport { network.makeServer() }
    func makeClient() -> any Transport { network.makeClient(key: clientKey) }
}

final class ZeroMQWorld: TransportWorld {
    let keys: (server: CurveKeyPair, client: CurveKeyPair)?
    private let serverContext: ZeroMQContext
    private let clientContext: ZeroMQContext
    private var endpoint = "tcp://127.0.0.1:0"

    init(keys: (CurveKeyPair, CurveKeyPair)?) throws {
        self.keys = keys
        serverContext = try ZeroMQContext()
        clientContext = try ZeroMQContext()
    }

    var clientKey: String? { keys?.client.publicKey.z85 }

    /// The first server chooses the port, the ones after it take the same.
    func makeServer() throws -> any Transport {
        let security: ServerSecurity =
            if let keys { .curve(keys.server, allowed: [keys.client.publicKey]) } else { .open }
        let server = try retryingWhileThePortIsTaken {
            try ZeroMQServer(listen: endpoint, security: security, context: serverContext)
        }
        endpoint = server.endpoint
        return server
    }

    func makeClient() throws -> any Transport {
        let security: ClientSecurity =
            if let keys { .curve(keys.client, server: keys.server.publicKey) } else { .open }
        return try ZeroMQClient(connect: endpoint, security: security, context: clientContext)
    }
}

/// libzmq frees the port of a closed server on its own thread, some milliseconds later.
func retryingWhileThePortIsTaken<Result>(_ body: () throws -> Result) throws -> Result {
    let deadline = ContinuousClock.now + .seconds(120)
    while true {
        do {
            return try body()
        } catch  where "\(error)".contains("in use") && ContinuousClock.now < deadline {
            waitBriefly()
        }
    }
}
