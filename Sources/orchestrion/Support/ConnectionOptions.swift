import ArgumentParser
import ClusterProtocol
import Foundation
import ZeroMQTransport

/// How workers and clients reach a coordinator.
struct ConnectionOptions: ParsableArguments {
    static let defaultEndpoint = "tcp://127.0.0.1:5550"

    @Option(help: ArgumentHelp("The coordinator; also $ORCHESTRION_CONNECT.", valueName: "tcp://host:port"))
    var connect: String = ProcessInfo.processInfo.environment["ORCHESTRION_CONNECT"] ?? defaultEndpoint

    @Option(
        help: ArgumentHelp(
            "The coordinator's public key, or a file with it; needed unless it listens on loopback.",
            valueName: "key|file"))
    var serverKey: String?

    @Option(help: ArgumentHelp("Our own key pair (made by orchestrion keys).", valueName: "file"))
    var key: String?

    @Flag(
        help: "Talk to a coordinator on another machine without encryption; anyone on the way can read and change it.")
    var insecure = false

    func validate() throws {
        guard let endpoint = try? TCPEndpoint(parsing: connect) else {
            throw ValidationError("--connect is \(connect); it must look like tcp://HOST:PORT")
        }
        if serverKey == nil, !endpoint.isLoopback, !insecure {
            throw ValidationError(
                "\(connect) is another machine: give --server-key (the coordinator prints it) and --key (from "
                    + "orchestrion keys new), or --insecure on a network that you trust")
        }
        if serverKey != nil, key == nil {
            throw ValidationError("--server-key needs --key, our own key pair: orchestrion keys new FILE makes one")
        }
    }

    func security() throws -> ClientSecurity {
        guard let serverKey, let key else { return .open }
        let server =
            FileManager.default.fileExists(atPath: serverKey)
            ? try KeyFile.readPublicKey(serverKey) : try CurvePublicKey(z85: serverKey)
        return .curve(try KeyFile.readPair(key), server: server)
    }

    func makeTransport() throws -> ZeroMQClient {
        try ZeroMQClient(connect: connect, security: security(), context: ZeroMQContext())
    }
}
