import ArgumentParser
import ClusterClient
import ClusterProtocol
import Foundation
import ZeroMQTransport

struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Keep how a coordinator is reached, for all commands and workers of this user.",
        discussion: """
            Tries the connection, and where it works writes orchestrion/client.json in $XDG_CONFIG_HOME or ~/.config \
            ($ORCHESTRION_CONFIG names another file). Options and the environment come before the file.

            Example:
              orchestrion connect tcp://studio:5550 --server-key coordinator.key.pub --key me.key
            """)

    @Argument(help: ArgumentHelp("The coordinator.", valueName: "tcp://host:port"))
    var place: String

    @Option(
        help: ArgumentHelp(
            "A file with the coordinator's public key, or the key in single quotes.", valueName: "file|key"))
    var serverKey: String?

    @Option(help: ArgumentHelp("Our own key pair (made by orchestrion keys new).", valueName: "file"))
    var key: String?

    @Flag(help: "The coordinator uses no keys (--insecure there, too).")
    var insecure = false

    @Flag(help: "Keep it without trying it, such as before the coordinator's first start.")
    var untried = false

    /// What is kept, and nothing else: what the file says now would go with it.
    private var settings: ConnectionSettings {
        get throws {
            var layer = ConnectionLayer(connect: place, serverKey: serverKey, key: key, insecure: insecure)
            layer.names.connect = "the coordinator's address"
            return try ConnectionSettings([layer])
        }
    }

    func validate() throws {
        do {
            try ConnectionOptions.check(settings, isKeyGiven: key != nil)
        } catch let error as CommandError {
            throw ValidationError(error.description)
        }
    }

    func run() throws {
        func whole(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        // What does not work must not replace what does.
        if !untried { try tryConnection() }
        let file = ConnectionFile(
            connect: place,
            server_key: serverKey.map { FileManager.default.fileExists(atPath: $0) ? whole($0) : $0 },
            key: key.map(whole), insecure: insecure ? true : nil)
        print("kept in \(try file.save(ProcessInfo.processInfo.environment))")
    }

    private func tryConnection() throws {
        let client = try ConnectionOptions.client(settings)
        defer { client.close() }
        let status = try client.status()
        Terminal.note("connected: \(status.workers.count) workers, \(status.songs.count) songs")
    }
}
