import Foundation
import SystemErrors

/// What is kept of a cluster on the machine that starts it, in a folder beside its file: NAME.cluster.
package struct ClusterRecords: Sendable {
    package let folder: String
    /// What was up last; nil at first.
    package private(set) var last: Last?

    package struct Last: Codable, Sendable, Equatable {
        /// Tells this cluster from others of the same name.
        package var owner: String
        package var coordinator: String
        package var hosts: [String]
        /// On the hosts.
        package var folder: String
    }

    package var adminKey: String { "\(folder)/admin.key" }
    package var coordinatorKey: String { "\(folder)/coordinator.key.pub" }
    package var clientFile: String { "\(folder)/client.json" }
    package var digests: String { "\(folder)/digests.json" }
    private var hostsFile: String { "\(folder)/hosts.json" }

    /// - Parameter file: the cluster's.
    /// - Throws: `HostFault` for a record that cannot be read.
    package init(name: String, beside file: String) throws {
        folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("\(name).cluster").path
        guard let data = FileManager.default.contents(atPath: hostsFile) else { return }
        guard data.count < 1 << 20, let last = try? JSONDecoder().decode(Last.self, from: data) else {
            throw HostFault(
                "\(hostsFile) is damaged: remove it, and give all hosts in the file that have something of this cluster"
            )
        }
        self.last = last
    }

    /// Makes the folder, for its owner alone.
    package func prepare() throws {
        try OutputFolder.make(folder)
        chmod(folder, 0o700)
    }

    package func keep(_ last: Last) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.replace(hostsFile, with: Array(encoder.encode(last)))
    }

    /// Hosts that were up, and that the file has no more.
    package func formerHosts(_ file: ClusterFile) -> [String] {
        guard let last else { return [] }
        return last.hosts.filter { !file.hosts.contains($0) }
    }

    /// Keeps a second `orchestrion up` of the same cluster away while this one lives.
    ///
    /// - Returns: what holds it.
    /// - Throws: `HostFault` when there is another.
    package func lock() throws -> AnyObject {
        let descriptor = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("\(folder)/lock") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw HostFault("another orchestrion works on this cluster just now; wait until it has ended")
        }
        return handle
    }
}
