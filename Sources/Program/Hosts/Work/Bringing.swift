import Foundation

/// What is to be on the hosts.
package struct Cargo: Sendable {
    package var program: ProgramPayload
    /// Nil where nothing is copied.
    package var model: ModelPayload?
    /// Of the model here, as `model inspect` says them; nil where it is not here.
    package var fingerprints: [String]?
    /// The public half of the person's key.
    package var adminKey: String

    package init(program: ProgramPayload, model: ModelPayload?, fingerprints: [String]?, adminKey: String) {
        (self.program, self.model, self.fingerprints, self.adminKey) = (program, model, fingerprints, adminKey)
    }

    var version: String { program.payload.digest }
}

/// What all hosts agree on before anything is started.
struct Agreed: Sendable {
    var owner: String
    /// By host, the model's path there.
    var models: [String: String]
    var coordinatorKey: String
    var address: String
    /// Keys that are let in no more, when their hosts have been stopped.
    var strangers: [String]
}

extension ClusterHosts {
    /// Brings program, model and keys to all hosts.
    ///
    /// - Throws: `HostFault` when the coordinator's host fails: without it there is no cluster, and nothing is changed that runs.
    func bring(_ cargo: Cargo) throws -> Agreed {
        let hosts = file.hosts
        probe(hosts, makesFolder: true)
        checkArchitecture(hosts, cargo.program.architecture)
        try needCoordinator()
        let owner = try agreeOnOwner(hosts)
        each(hosts) { host in try self.bringProgram(cargo, to: host) }
        try needCoordinator()
        let models = try bringModel(cargo)
        try needCoordinator()
        let (key, strangers) = try exchangeKeys(cargo)
        return Agreed(
            owner: owner, models: models, coordinatorKey: key, address: try coordinatorAddress(), strangers: strangers)
    }

    func needCoordinator() throws {
        guard let fault = report(of: file.coordinator.host).fault else { return }
        throw HostFault(
            "the coordinator's host \(file.coordinator.host) failed (\(fault)), and without it nothing is started; what runs was "
                + "left alone")
    }

    func checkArchitecture(_ hosts: [String], _ wanted: String) {
        for host in good(hosts) {
            guard let has = report(of: host).state?.architecture else { continue }
            if has != wanted, !(has == "arm64" && wanted == "aarch64") {
                fail(
                    host,
                    "it is \(has), and the program is for \(wanted); build it there, and run `up` from a machine of its kind"
                )
            }
        }
    }

    /// Whose the hosts' folders are: so that two clusters of one name do not meet in one.
    private func agreeOnOwner(_ hosts: [String]) throws -> String {
        let of = report(of: file.coordinator.host).state?.owner
        let owner = of ?? records.last?.owner ?? "\(file.name) \(UUID().uuidString)"
        each(hosts) { host in
            if let its = try self.state(of: host).owner, its != owner {
                throw HostFault(
                    "its folder \(try self.state(of: host).folder) belongs to another cluster, \(HostFault.plain(its)): give one of "
                        + "them another name or folder; if that cluster is gone, remove the file `cluster` in the folder"
                )
            }
            try self.shell(of: host).own(owner)
        }
        try needCoordinator()
        return owner
    }

    private func bringProgram(_ cargo: Cargo, to host: String) throws {
        let (shell, state) = (shell(of: host), try state(of: host))
        try deliver(cargo.program.payload, "versions", "the program", to: host, state, isFull: true)
        let version = try shell.tryProgram(cargo.version)
        change(host) { $0.version = version }
    }

    private func deliver(
        _ payload: Payload, _ kind: String, _ name: String, to host: String, _ state: HostState, isFull: Bool
    ) throws {
        let delivery = Delivery(shell: shell(of: host), payload: payload, kind: kind, state: state) {
            [self] done, total in
            tell(.transfer(host: host, done: done, total: total))
        }
        defer { tell(.transferEnd(host: host)) }
        if try delivery.run(isFull: isFull) { tell(host, "\(name) is there (\(payload.bytes >> 20) MiB)") }
    }

    /// - Returns: by host, the model's path there.
    private func bringModel(_ cargo: Cargo) throws -> [String: String] {
        let hosts = file.hosts
        if let model = cargo.model {
            each(hosts) { host in
                try self.deliver(
                    model.payload, "models", "the model", to: host, try self.state(of: host), isFull: false)
            }
        }
        let found = HostWords()
        each(hosts) { host in
            let (path, fingerprints) = try self.shell(of: host).inspect(
                self.modelPlace(cargo, try self.state(of: host)), version: cargo.version,
                options: self.file.modelOptions)
            found.set(host, path, fingerprints)
        }
        let wanted = cargo.fingerprints ?? found.lines(file.coordinator.host)
        for host in good(hosts) where found.lines(host) != wanted {
            fail(
                host,
                "its model is another one than \(cargo.fingerprints == nil ? "the coordinator's" : "the one here"): the fingerprints "
                    + "differ. Copy the folder anew")
        }
        return found.words
    }

    private func modelPlace(_ cargo: Cargo, _ state: HostState) -> String {
        if let model = cargo.model { return "\(state.folder)/models/\(model.payload.digest)/\(model.name)" }
        if case .there(let path) = file.model { return path }
        return "music-box"
    }

    // MARK: keys

    /// Names of our own entries on the coordinator's list begin so; others are left alone.
    private static let entry = "host "

    /// Each host makes its own pair; only public halves travel.
    private func exchangeKeys(_ cargo: Cargo) throws -> (key: String, strangers: [String]) {
        let found = HostWords()
        each(file.hosts) { host in
            let isWorker = !self.file.workers(on: host).isEmpty
            if isWorker { found.set(host, try self.shell(of: host).ownKey("worker.key", version: cargo.version), []) }
        }
        try needCoordinator()
        let (first, shell) = (file.coordinator.host, shell(of: file.coordinator.host))
        do {
            // For what is asked of the coordinator on its own machine.
            let own = try shell.ownKey("admin.key", version: cargo.version)
            let workers = found.words.sorted { $0.key < $1.key }.map { ($0.value, "worker", Self.entry + $0.key) }
            let keys = [(own, "admin", "\(Self.entry)\(first) itself"), (cargo.adminKey, "admin", "person")] + workers
            let allowed = try shell.allow(keys, version: cargo.version)
            if let refusal = allowed.refusals.first {
                throw HostFault("a key could not be let in: \(HostFault.plain(refusal))")
            }
            if allowed.isNew, records.last != nil {
                warn(first, "the coordinator's folder was empty, and has a new key and no songs")
            }
            return (allowed.key, strangers(allowed.lines, among: keys.map(\.0)))
        } catch {
            fail(first, "\(error)")
            try needCoordinator()
            throw error
        }
    }

    /// Keys of hosts that are no more of the cluster, or have another one now. What a host that failed just now had stays.
    private func strangers(_ lines: [String], among keys: [String]) -> [String] {
        let failed = Set(file.hosts).subtracting(good(file.hosts))
        return lines.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, words[1] == "role=worker", words[2].hasPrefix(Self.entry) else { return nil }
            let (key, host) = (String(words[0]), String(words[2].dropFirst(Self.entry.count)))
            return HostShell.isKey(key) && !keys.contains(key) && !failed.contains(host) ? key : nil
        }
    }

    /// How workers reach the coordinator.
    func coordinatorAddress() throws -> String {
        if let address = file.coordinator.address { return address }
        guard let (name, isBehindOther) = shell(of: file.coordinator.host).shell.address() else {
            throw HostFault("ssh -G does not say where \(file.coordinator.host) is; write coordinator.address")
        }
        let others = file.hosts.filter { $0 != file.coordinator.host }
        if isBehindOther {
            warn(
                file.coordinator.host,
                "ssh goes to it through another machine; the other hosts must reach it as \(name), else write coordinator.address"
            )
        }
        if ["localhost", "127.0.0.1", "::1"].contains(name), !others.isEmpty {
            throw HostFault(
                "the coordinator's host is \(name) for ssh, which is another machine on each host; write coordinator.address, by "
                    + "which \(others[0]) reaches it")
        }
        return name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
    }
}
