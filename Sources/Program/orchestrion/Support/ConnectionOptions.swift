import ArgumentParser
import ClusterProtocol
import Foundation
import ZeroMQTransport

/// How workers and clients reach a coordinator.
struct ConnectionOptions: ParsableArguments {
    static let defaultEndpoint = "tcp://127.0.0.1:5550"

    @Option(help: ArgumentHelp("The coordinator; also $ORCHESTRION_CONNECT.", valueName: "tcp://host:port"))
    var connect: String =
        ProcessInfo.processInfo.environment["ORCHESTRION_CONNECT"].flatMap { $0.isEmpty ? nil : $0 }
        ?? defaultEndpoint

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
        let endpoint: TCPEndpoint
        do { endpoint = try TCPEndpoint(parsing: connect) } catch { throw ValidationError("--connect: \(error)") }
        guard endpoint.canBeConnectedTo else {
            throw ValidationError("--connect is \(connect); it must name one host and its port, as tcp://HOST:PORT")
        }
        if insecure, serverKey != nil || key != nil {
            throw ValidationError("--insecure is without keys; leave it away, or --server-key and --key")
        }
        if serverKey == nil, key != nil {
            throw ValidationError("--key needs --server-key, the coordinator's public key: it prints it when it starts")
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

    /// - Throws: `ZeroMQError` when there is no such host.
    func checkHost() throws { try TCPEndpoint(parsing: connect).checkHost() }

    /// Why nobody can be reached there just now, when the system says so at once.
    func refusal() throws -> String? { try TCPEndpoint(parsing: connect).refusal() }

    func makeTransport() throws -> ZeroMQClient {
        try ZeroMQClient(connect: connect, security: security(), context: ZeroMQContext())
    }
}
