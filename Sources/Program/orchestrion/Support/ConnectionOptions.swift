import ArgumentParser
import ClusterProtocol
import Foundation
import Synchronization
import ZeroMQTransport

/// How workers and clients reach a coordinator: as options say, then the environment, then a file.
struct ConnectionOptions: ParsableArguments {
    static let defaultEndpoint = "tcp://127.0.0.1:5550"

    @Option(
        help: ArgumentHelp(
            "The coordinator (default: \(defaultEndpoint)).",
            discussion: """
                An option comes before the environment ($ORCHESTRION_CONNECT, $ORCHESTRION_SERVER_KEY, \
                $ORCHESTRION_KEY, $ORCHESTRION_INSECURE=1), and that before the file that orchestrion connect writes \
                ($ORCHESTRION_CONFIG, or orchestrion/client.json in $XDG_CONFIG_HOME or ~/.config).
                """, valueName: "tcp://host:port"))
    var connect: String?

    @Option(
        help: ArgumentHelp(
            "A file with the coordinator's public key, or the key in single quotes; needed unless it listens on "
                + "loopback.", valueName: "file|key"))
    var serverKey: String?

    @Option(help: ArgumentHelp("Our own key pair (made by orchestrion keys new).", valueName: "file"))
    var key: String?

    @Flag(
        help: "Talk to a coordinator on another machine without encryption; anyone on the way can read and change it.")
    var insecure = false

    func validate() throws {
        let settings: ConnectionSettings
        do {
            if insecure, key != nil {
                throw CommandError("--insecure is without keys; leave it away, or --server-key and --key")
            }
            settings = try self.settings()
        } catch let error as CommandError {
            throw ValidationError(error.description)
        }
        try Self.check(settings, isKeyGiven: key != nil)
    }

    /// - Throws: `ValidationError` for what cannot reach a coordinator.
    static func check(_ settings: ConnectionSettings, isKeyGiven: Bool) throws {
        let (place, name) = (settings.connect, settings.names.connect)
        let endpoint: TCPEndpoint
        do { endpoint = try TCPEndpoint(parsing: place) } catch { throw ValidationError("\(name): \(error)") }
        guard endpoint.canBeConnectedTo else {
            throw ValidationError("\(name) is \(place); it must name one host and its port, as tcp://HOST:PORT")
        }
        if settings.serverKey == nil, isKeyGiven {
            throw ValidationError(
                "--key needs --server-key, the coordinator's public key: orchestrion keys show prints it there")
        }
        if settings.serverKey == nil, !endpoint.isLoopback, !settings.insecure {
            throw ValidationError(
                "\(place) is another machine: give --server-key (a copy of its STATE/coordinator.key.pub) and --key "
                    + "(from orchestrion keys new), or --insecure on a network that you trust; orchestrion connect "
                    + "keeps them for all commands")
        }
        if settings.serverKey != nil, settings.key == nil {
            throw ValidationError(
                "\(settings.names.serverKey) needs --key, our own key pair: orchestrion keys new FILE makes one")
        }
    }

    /// What options, environment and file say together.
    ///
    /// - Throws: `CommandError`.
    func settings() throws -> ConnectionSettings {
        try Self.settings(
            ConnectionLayer(connect: connect, serverKey: serverKey, key: key, insecure: insecure))
    }

    /// - Parameter options: what comes before environment and file.
    static func settings(_ options: ConnectionLayer = ConnectionLayer()) throws -> ConnectionSettings {
        let environment = ProcessInfo.processInfo.environment
        let (above, below) = configured.withLock { ($0.prefix(1), $0.dropFirst()) }
        let given = [options] + above + [.environment(environment)] + below
        // A file that is not needed may be damaged.
        if given.contains(where: \.isComplete) { return try ConnectionSettings(given) }
        return try ConnectionSettings(given + [ConnectionFile.layer(environment)])
    }

    /// What the settings of this command say, between the options and the file that `orchestrion connect` writes: those
    /// of its environment, then those of its file.
    private static let configured = Mutex<[ConnectionLayer]>([])

    static func setConfigured(_ layers: [ConnectionLayer]) { configured.withLock { $0 = layers } }

    static func isKey(_ text: String) -> Bool { (try? CurvePublicKey(z85: text)) != nil }

    private static func security(_ settings: ConnectionSettings) throws -> ClientSecurity {
        guard let serverKey = settings.serverKey, let key = settings.key else { return .open }
        let server: CurvePublicKey
        if FileManager.default.fileExists(atPath: serverKey) {
            server = try KeyFile.readPublicKey(serverKey)
        } else {
            do {
                server = try CurvePublicKey(z85: serverKey)
            } catch {
                throw CommandError(
                    "\(settings.names.serverKey): there is no file \(serverKey), and it is no key: \(error)")
            }
        }
        return .curve(try KeyFile.readPair(key), server: server)
    }

    func endpoint() throws -> TCPEndpoint { try TCPEndpoint(parsing: settings().connect) }

    /// - Throws: `ZeroMQError` when there is no such host.
    func checkHost() throws { try endpoint().checkHost() }

    func makeTransport() throws -> ZeroMQClient { try Self.makeTransport(settings()) }

    static func makeTransport(_ settings: ConnectionSettings) throws -> ZeroMQClient {
        try ZeroMQClient(connect: settings.connect, security: security(settings), context: ZeroMQContext())
    }
}
