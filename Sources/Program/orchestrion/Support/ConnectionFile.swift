import Foundation
import SystemErrors

/// The file that says once how to reach a coordinator.
///
///     {"connect": "tcp://studio:5550", "server_key": "coordinator.key.pub", "key": "me.key"}
struct ConnectionFile: Codable, Equatable {
    var connect: String?
    var server_key: String?
    var key: String?
    var insecure: Bool?

    private static let names = ["connect", "server_key", "key", "insecure"]

    /// Where it is looked for.
    static func path(_ environment: [String: String]) -> String {
        if let path = environment["ORCHESTRION_CONFIG"], !path.isEmpty { return path }
        let configuration =
            environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? "\(environment["HOME"] ?? NSHomeDirectory())/.config"
        return "\(configuration)/orchestrion/client.json"
    }

    /// What the file says, with the paths in it as seen from its folder; nothing where there is no file, unless the
    /// environment names it.
    ///
    /// - Throws: `CommandError` that names the file.
    static func layer(_ environment: [String: String]) throws -> ConnectionLayer {
        let path = path(environment)
        let isNamed = environment["ORCHESTRION_CONFIG"].map { !$0.isEmpty } ?? false
        guard isNamed || FileManager.default.fileExists(atPath: path) else { return ConnectionLayer() }
        let file: ConnectionFile
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            file = try JSONDecoder().decode(ConnectionFile.self, from: data)
            let unknown = (try JSONSerialization.jsonObject(with: data) as? [String: Any])?.keys
                .filter { !names.contains($0) }.sorted()
            if let name = unknown?.first {
                throw CommandError("it has no setting \(name); the settings are \(names.joined(separator: ", "))")
            }
        } catch {
            throw CommandError("the connection in \(path) cannot be used: \(error.explanation); correct or remove it")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        func located(_ name: String?) -> String? {
            name.map { $0.hasPrefix("/") ? $0 : folder.appendingPathComponent($0).standardizedFileURL.path }
        }
        // A server's key may stand there itself.
        let serverKey = file.server_key.map { ConnectionOptions.isKey($0) ? $0 : located($0) ?? $0 }
        return ConnectionLayer(
            connect: file.connect, serverKey: serverKey, key: located(file.key), insecure: file.insecure ?? false,
            names: .file(path))
    }

    /// Writes it where it is looked for.
    ///
    /// - Returns: its path.
    func save(_ environment: [String: String]) throws -> String {
        let path = Self.path(environment)
        try OutputFolder.make(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        try OutputFile.replace(path, with: Array((try Terminal.json(self) + "\n").utf8))
        return path
    }
}
