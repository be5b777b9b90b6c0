import Digest
import Foundation

/// A durable name of this machine, the same for all workers on it: how a coordinator tells machines from processes.
enum MachineIdentity {
    /// What an option or the environment says; a random name, which is kept in a file beside the key, or else in
    /// `$XDG_STATE_HOME/orchestrion`; where none can be kept, a hash of the system's own, and then the name of the host.
    ///
    /// - Parameter key: the file of our key pair.
    static func find(key: String?, environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let given = environment["ORCHESTRION_MACHINE"], !given.isEmpty { return given }
        let folders = [key.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }, stateFolder(environment)]
        for folder in folders.compactMap(\.self) {
            if let random = kept(in: folder) {
                // One file may be seen from many machines (a home on the network).
                return hostID.map { hash("\(random) \($0)") } ?? random
            }
        }
        return hostID.map { hash($0) } ?? ProcessInfo.processInfo.hostName
    }

    private static func stateFolder(_ environment: [String: String]) -> String? {
        let given = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (given ?? environment["HOME"].map { "\($0)/.local/state" }).map { "\($0)/orchestrion" }
    }

    /// What systemd draws for a machine.
    private static let hostID: String? = {
        guard let data = FileManager.default.contents(atPath: "/etc/machine-id") else { return nil }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }()

    private static func hash(_ text: String) -> String {
        let bytes = Array("orchestrion machine \(text)".utf8)
        return String(bytes.withUnsafeBytes(Digest.sha256).prefix(16))
    }

    /// The name in a folder's file, which is made where it is not there. Of processes that do so at once, one wins.
    private static func kept(in folder: String) -> String? {
        let path = "\(folder)/machine-id"
        if let known = read(path) { return known }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let name = String(format: "%016llx", UInt64.random(in: 1...UInt64.max))
        let draft = "\(path).\(getpid())"
        guard (try? Data("\(name)\n".utf8).write(to: URL(fileURLWithPath: draft))) != nil else { return nil }
        defer { unlink(draft) }
        return link(draft, path) == 0 ? name : read(path)
    }

    private static func read(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 100 else { return nil }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let isFit = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return isFit ? text : nil
    }
}
