import ArgumentParser
import ClusterClient
import Foundation
import Hosts
import Synchronization
import SystemErrors

/// Something that is done with a cluster's hosts, with what a person sees of it.
struct HostWork {
    let file: ClusterFile
    let records: ClusterRecords
    let hosts: ClusterHosts
    private let progress: HostProgress

    /// - Parameter path: of the cluster's file.
    init(_ path: String, makesRecords: Bool) throws {
        let file = try ClusterOptions.read(path)
        let records = try ClusterRecords(name: file.name, beside: path)
        if makesRecords { try records.prepare() }
        let progress = HostProgress()
        (self.file, self.records, self.progress) = (file, records, progress)
        hosts = try ClusterHosts(file, records: records) { progress.show($0) }
    }

    /// Runs something; connections end with it, also when a signal ends the program.
    func run(_ body: (ClusterHosts) throws -> Void) throws {
        let folder = hosts.controlFolder
        let cleanup = Signals.cleanUp { folder.remove() }
        defer { Signals.forget(cleanup) }
        defer { hosts.close() }
        try body(hosts)
    }

    /// - Throws: `ExitCode` when a host failed.
    func tell(json: Bool, client: String? = nil) throws {
        let report = hosts.report
        print(json ? try Terminal.json(ClusterDocument(report, client: client)) : HostTable.text(report))
        if !report.isGood { throw ExitCode(1) }
    }

    static func status(_ path: String, json: Bool) throws {
        let work = try HostWork(path, makesRecords: false)
        try work.run { $0.status() }
        try work.tell(json: json)
    }

    // MARK: bringing up

    func up(_ settings: UpSettings, isTrial: Bool, json: Bool) throws {
        let lock = isTrial ? nil : try records.lock()
        let scratch = ScratchFolder()
        try FileManager.default.createDirectory(at: scratch.url, withIntermediateDirectories: true)
        let cargo = try ClusterOptions.cargo(file, records, scratch: scratch.url.path)
        do {
            try run { if isTrial { $0.look(cargo) } else { try $0.up(cargo, settings) } }
        } catch let fault as HostFault {
            // What is known of the hosts says more than the fault alone.
            Terminal.note("Error: \(fault)")
            try tell(json: json)
            throw ExitCode(1)
        }
        withExtendedLifetime(lock) {}
        guard !isTrial else { return try tell(json: json) }
        let isReached = try keepConnection()
        if !json { sayHow(isReached) }
        try tell(json: json, client: records.clientFile)
    }

    /// Writes how this machine reaches the coordinator.
    ///
    /// - Returns: whether it does.
    private func keepConnection() throws -> Bool {
        guard let place = hosts.coordinatorPlace else { return false }
        let connection = ConnectionFile(connect: place.endpoint, server_key: "coordinator.key.pub", key: "admin.key")
        try OutputFile.replace(records.coordinatorKey, with: place.key + "\n")
        try OutputFile.replace(records.clientFile, with: try Terminal.json(connection) + "\n")
        let settings = try ConnectionSettings([
            ConnectionLayer(connect: place.endpoint, serverKey: records.coordinatorKey, key: records.adminKey)
        ])
        guard let client = try? ConnectionOptions.client(settings) else { return false }
        defer { client.close() }
        return (try? client.troubles()) != nil
    }

    private func sayHow(_ isReached: Bool) {
        guard let place = hosts.coordinatorPlace else { return }
        let config = "ORCHESTRION_CONFIG=\(Self.quoted(records.clientFile))"
        var lines = ["To use it:  export \(config)", "            orchestrion submit --seconds 20 --wait --out mysong"]
        if !isReached {
            lines += [
                "This machine does not reach the coordinator at \(place.endpoint). Let the port through, or go by ssh:",
                "            ssh -N -L \(file.coordinator.port):127.0.0.1:\(file.coordinator.port) \(file.coordinator.host) &",
                "            orchestrion submit --connect tcp://127.0.0.1:\(file.coordinator.port) --server-key "
                    + "\(Self.quoted(records.coordinatorKey)) --key \(Self.quoted(records.adminKey)) …",
            ]
        }
        Terminal.note(lines.joined(separator: "\n"))
    }

    private static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "/._-".utf8.contains(byte)
        }
        return isPlain ? path : ShellWord.quoted(path)
    }
}

/// What happens on several hosts, on standard error.
private final class HostProgress: Sendable {
    private struct State {
        var transfers: [String: (done: Int, total: Int)] = [:]
        var line: (total: Int, progress: ProgressLine)?
    }
    private let state = Mutex(State())

    func show(_ event: HostEvent) {
        state.withLock { state in
            switch event {
            case .note(let host, let text):
                state.line?.progress.finish()
                Terminal.note("\(host): \(text)")
            case .transfer(let host, let done, let total):
                state.transfers[host] = (done, total)
                Self.draw(&state)
            case .transferEnd(let host):
                state.transfers[host] = nil
                if state.transfers.isEmpty {
                    state.line?.progress.finish()
                    state.line = nil
                }
            }
        }
    }

    private static func draw(_ state: inout State) {
        let total = state.transfers.values.reduce(0) { $0 + $1.total }
        if state.line?.total != total {
            state.line?.progress.finish()
            let names = state.transfers.keys.sorted().joined(separator: ", ")
            state.line = (total, ProgressLine("copying to \(names)", total: total))
        }
        state.line?.progress.update(state.transfers.values.reduce(0) { $0 + $1.done })
    }
}
