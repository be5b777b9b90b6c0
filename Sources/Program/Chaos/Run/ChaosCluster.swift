import ClusterClient
import ClusterProtocol
import Foundation
import SongFiles
import SongPlan
import SystemErrors
import ZeroMQTransport

/// A coordinator and workers of this program, as processes of their own, which can be killed, stopped and started again.
final class ChaosCluster {
    let network: any ChaosNetwork
    let disk: SmallDisk?
    let fileLimit = FileLimit()
    private let settings: ChaosSettings
    private let place: URL
    private(set) var coordinator: OwnProcess?
    private(set) var workers: [OwnProcess?]
    /// What a worker finds in its environment besides, by number.
    var faults: [Int: String] = [:]

    var state: String { place.appendingPathComponent("state").path }

    /// - Throws: `ChaosError`, `SystemError`, `ZeroMQError`.
    init(_ settings: ChaosSettings, count: Int) throws {
        (self.settings, place) = (settings, settings.place)
        workers = Array(repeating: nil, count: count)
        try Isolation.makeReady()
        let isInside = settings.network == .namespace
        network =
            isInside
            ? try NamespaceNetwork(workers: count) : try ProxyNetwork(workers: count, seed: settings.seed)
        let state = place.appendingPathComponent("state").path
        try OutputFolder.make(state)
        disk = settings.kinds.contains(.diskFull) ? try SmallDisk(folder: state) : nil
        if settings.usesKeys { try makeKeys() }
    }

    private func makeKeys() throws {
        try KeyFile.writeNew(CurveKeyPair.generate(), to: "\(state)/coordinator.key")
        let list = AllowListFile(path: "\(state)/allowed-keys")
        let roles: [(String, PeerRoles)] = [("own", .admin)] + workers.indices.map { (ChaosSettings.name($0), .worker) }
        for (name, roles) in roles {
            let pair = try CurveKeyPair.generate()
            try KeyFile.writeNew(pair, to: key(name))
            _ = try list.add(AllowList.Entry(key: pair.publicKey, name: name, roles: roles))
        }
    }

    private func key(_ name: String) -> String { place.appendingPathComponent("\(name).key").path }

    private func connection(_ endpoint: String, _ name: String) -> [String] {
        ["--connect", endpoint]
            + (settings.usesKeys
                ? ["--server-key", "\(state)/coordinator.key.pub", "--key", key(name)] : ["--insecure"])
    }

    func log(of name: String) -> String { place.appendingPathComponent("\(name).log").path }

    // MARK: starting

    func startCoordinator() throws {
        let process = try OwnProcess(
            "coordinator",
            [
                "coordinator", "--listen", network.listen, "--state", state, "--lease", "\(settings.lease)",
                "--verify-share", "\(settings.verifyShare)", "--profile", settings.profile, "--threads", "1",
                settings.usesKeys ? "--secure" : "--insecure", "--wait-for-room", "--model",
                settings.request.specification.model,
            ], log: log(of: "coordinator"))
        coordinator = process
        try fileLimit.follow(process)
    }

    func startWorker(_ worker: Int) throws {
        let name = ChaosSettings.name(worker)
        var environment = [
            "ORCHESTRION_MACHINE": "machine-\(name)", "ORCHESTRION_TOKEN_COUNT": counter(worker),
        ]
        if let fault = faults[worker] { environment["ORCHESTRION_FAULT"] = fault }
        workers[worker] = try OwnProcess(
            name,
            [
                "worker", "--name", name, "--threads", "1", "--model", settings.request.specification.model,
                "--profile",
                settings.profile,
            ] + (settings.slots.map { ["--slots", "\($0)"] } ?? []) + connection(network.endpoint(of: worker), name),
            log: log(of: name), prefix: network.prefix(of: worker), environment: environment)
    }

    /// The process of a worker in which its engine runs.
    func engine(of worker: Int) -> pid_t? { workers[worker]?.children.first }

    private func counter(_ worker: Int) -> String {
        place.appendingPathComponent("\(ChaosSettings.name(worker)).tokens").path
    }

    /// Tokens that a worker's engines have drawn, since the first.
    func drawn(by worker: Int) -> Int {
        guard let file = FileManager.default.contents(atPath: counter(worker)), file.count == 8 else { return 0 }
        return Int(clamping: file.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }

    var drawn: Int { workers.indices.reduce(0) { $0 + drawn(by: $1) } }

    func makeClient() throws -> ClusterClient {
        let security: ClientSecurity =
            settings.usesKeys
            ? .curve(
                try KeyFile.readPair(key("own")), server: try KeyFile.readPublicKey("\(state)/coordinator.key.pub"))
            : .open
        let transport = try ZeroMQClient(connect: network.direct, security: security, context: ZeroMQContext())
        return ClusterClient(
            ClientConnection(transport: transport, place: network.direct, status: { transport.status }))
    }

    /// Processes that ended although nobody ended them.
    var unexpectedEnd: String? {
        for case let process? in [coordinator] + workers {
            guard let ending = process.ending else { continue }
            return "\(process.name) ended by itself with \(ending); it said:\n\(process.logged.suffix(1500))"
        }
        return nil
    }

    // MARK: faults

    func killCoordinator() {
        coordinator?.kill()
        coordinator = nil
    }

    func kill(_ worker: Int) {
        workers[worker]?.kill()
        workers[worker] = nil
    }

    func close() {
        for worker in workers.indices { kill(worker) }
        killCoordinator()
        network.close()
        disk?.close()
    }
}
