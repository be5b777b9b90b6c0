import Foundation

/// How a cluster is brought up.
package struct UpSettings: Sendable {
    /// Seconds that a worker is given to end its windows before it is replaced; 0: it hands them over at once.
    package var drain: Int
    /// Until a coordinator listens and workers are let in.
    package var patience: Duration
    /// Seconds that a part may take to leave after SIGTERM.
    package var grace: Int

    package init(drain: Int = 0, patience: Duration = .seconds(600), grace: Int = 30) {
        (self.drain, self.patience, self.grace) = (drain, patience, grace)
    }
}

extension ClusterHosts {
    /// Brings everything to all hosts, and lets run there what the file says: what runs so already is left alone, what is another
    /// version or has other options is replaced one after another, what is no more in the file is stopped.
    ///
    /// - Throws: `HostFault` when the coordinator's host fails.
    package func up(_ cargo: Cargo, _ settings: UpSettings) throws {
        try checkCoordinatorStays()
        let agreed = try bring(cargo)
        setPlace(agreed)
        let plan = try StartPlan(self, cargo, agreed, settings)
        try record(agreed)
        stopSurplus(settings)
        // Not before: what they hand in is still taken.
        each([file.coordinator.host]) { host in
            try self.shell(of: host).disallow(agreed.strangers, version: cargo.version)
        }
        try plan.run()
        finish(cargo, agreed)
    }

    /// The songs are on the coordinator's host, in the cluster's folder.
    private func checkCoordinatorStays() throws {
        guard let last = records.last else { return }
        let isSame = last.coordinator == file.coordinator.host
        guard !isSame || last.folder != file.folder else { return }
        let (former, now) =
            isSame
            ? ("the folder on the hosts was \(last.folder)", file.folder)
            : ("the coordinator was on \(last.coordinator), where the songs are", file.coordinator.host)
        throw HostFault(
            "\(former), and the file now says \(now). Write the former again; or stop all with the former file (orchestrion down), "
                + "move \(last.folder)/state to its new place, and remove \(records.folder)/hosts.json")
    }

    private func record(_ agreed: Agreed) throws {
        let reached = file.hosts + records.formerHosts(file)
        try records.keep(
            ClusterRecords.Last(
                owner: agreed.owner, coordinator: file.coordinator.host, hosts: reached, folder: file.folder))
    }

    /// What runs on hosts and is no more in the file.
    private func stopSurplus(_ settings: UpSettings) {
        let former = records.formerHosts(file)
        probe(former, makesFolder: false)
        each(file.hosts + former) { host in
            let wanted =
                self.file.workers(on: host).map(\.unit) + (host == self.file.coordinator.host ? ["coordinator"] : [])
            let surplus = try self.state(of: host).units.map(\.name).filter { !wanted.contains($0) }
            let (stopped, killed) = try self.shell(of: host).stop(
                surplus, cluster: self.file.name, grace: settings.grace)
            if !stopped.isEmpty { self.tell(host, "\(stopped.joined(separator: ", ")): stopped, no more in the file") }
            for unit in killed { self.warn(host, "\(unit) did not leave in \(settings.grace) s and was killed") }
        }
    }

    /// Forgets hosts that have nothing left, and removes what nothing uses.
    private func finish(_ cargo: Cargo, _ agreed: Agreed) {
        let left = records.formerHosts(file).filter { report(of: $0).fault != nil }
        for host in left {
            warn(
                file.coordinator.host,
                "\(host), which is no more in the file, could not be stopped; its key is not let in any more")
        }
        try? records.keep(
            ClusterRecords.Last(
                owner: agreed.owner, coordinator: file.coordinator.host, hosts: file.hosts + left, folder: file.folder))
        let used = [cargo.version] + (cargo.model.map { [$0.payload.digest] } ?? [])
        let hosts = good(file.hosts)
        // Hosts that share a home may have something under way there.
        guard hosts.count == file.hosts.count else { return }
        each(hosts) { host in try self.shell(of: host).prune(keeping: used) }
    }
}

/// What is to be started where, and in which order.
struct StartPlan {
    let all: ClusterHosts
    let cargo: Cargo
    let agreed: Agreed
    let settings: UpSettings
    /// By host.
    private let workers: [String: [PartCommand]]
    private let coordinator: PartCommand

    private var first: String { all.file.coordinator.host }

    init(_ all: ClusterHosts, _ cargo: Cargo, _ agreed: Agreed, _ settings: UpSettings) throws {
        (self.all, self.cargo, self.agreed, self.settings) = (all, cargo, agreed, settings)
        let file = all.file
        coordinator = file.coordinatorCommand(
            on: try all.state(of: file.coordinator.host), program: cargo.version,
            model: agreed.models[file.coordinator.host] ?? "music-box")
        workers = try all.good(file.hosts).reduce(into: [:]) { result, host in
            result[host] = file.workerCommands(
                host, on: try all.state(of: host), program: cargo.version, model: agreed.models[host] ?? "music-box",
                address: agreed.address, key: agreed.coordinatorKey)
        }
    }

    private func runs(_ host: String, _ unit: String) -> HostState.Unit? {
        all.report(of: host).state?.units.first { $0.name == unit && $0.state == .running }
    }

    func run() throws {
        let runsAlready = runs(first, coordinator.unit) != nil
        if !runsAlready { try startCoordinator() }
        // What does not run yet, all at once; what runs and shall be another, one after another, so that the others work on.
        all.each(all.file.hosts) { host in
            for command in workers[host] ?? [] where runs(host, command.unit)?.command != command.digest {
                if runs(host, command.unit) == nil { try start(command, on: host) }
            }
        }
        for host in all.file.hosts {
            for command in workers[host] ?? [] {
                guard let now = runs(host, command.unit), now.command != command.digest else { continue }
                all.each([host]) { host in try replace(command, on: host) }
            }
        }
        if runsAlready { try startCoordinator() }
        try awaitAll()
    }

    private func service(_ unit: String, on host: String) throws -> UserService? {
        let state = try all.state(of: host)
        switch all.file.start {
        case .process: return nil
        case .auto: return state.hasServices ? UserService(unit: unit, cluster: all.file.name, on: state) : nil
        case .service:
            guard state.hasServices else {
                throw HostFault(
                    "services of its user do not outlive the login there: loginctl enable-linger USER lets them, or write start = \"auto\""
                )
            }
            return UserService(unit: unit, cluster: all.file.name, on: state)
        }
    }

    private func start(_ command: PartCommand, on host: String) throws {
        let isNew = try all.shell(of: host).start(
            command, serverKey: command.unit == "coordinator" ? nil : agreed.coordinatorKey,
            service: service(command.unit, on: host), cluster: all.file.name, grace: settings.grace)
        if isNew { all.tell(host, "\(command.unit) is started") }
        all.change(host) { $0.units.append(.init(name: command.unit, state: .starting, isChanged: isNew)) }
    }

    private func startCoordinator() throws {
        do {
            try start(coordinator, on: first)
            try awaitCoordinator()
        } catch let fault as HostFault {
            all.fail(
                first, fault.description, lastWords: (try? all.shell(of: first).look("coordinator").lastWords) ?? [])
            try all.needCoordinator()
        }
    }

    /// - Throws: `HostFault` when it does not listen.
    private func awaitCoordinator() throws {
        let end = ContinuousClock.now + settings.patience
        while true {
            let look = try all.shell(of: first).look("coordinator")
            if look.isRunning, look.endpoint != nil { break }
            guard look.isRunning, look.deaths < 2 else {
                throw HostFault(look.deaths > 0 ? "the coordinator ends by itself" : "the coordinator does not run")
            }
            guard ContinuousClock.now < end else { throw HostFault("the coordinator does not listen in time") }
            Thread.sleep(forTimeInterval: 0.5)
        }
        all.change(first) { report in
            for index in report.units.indices where report.units[index].name == "coordinator" {
                report.units[index].state = .works
            }
        }
    }

    // MARK: one after another

    /// Lets a worker leave, and starts another in its place.
    private func replace(_ command: PartCommand, on host: String) throws {
        let name = ClusterFile.workerName(host, Int(command.unit.dropFirst(7)) ?? 1)
        if settings.drain > 0 {
            all.tell(host, "\(command.unit) ends its windows (for \(settings.drain) s at most)")
            // What is left after that is handed over by SIGTERM.
            _ = try? all.askCoordinator(
                ["drain", name, "--wait", "--timeout", "\(settings.drain)", "--json"], version: cargo.version,
                seconds: settings.drain + 10)
        }
        try start(command, on: host)
        // One that an older coordinator refuses is let in when that is replaced.
        _ = try all.awaitWorkers(
            [host: [command.unit]], version: cargo.version, patience: settings.patience, isLast: false)
    }

    private func awaitAll() throws {
        let wanted = all.good(all.file.hosts).reduce(into: [String: [String]]()) { result, host in
            result[host] = (workers[host] ?? []).map(\.unit)
        }
        // What was left alone is there, too.
        for (host, units) in wanted {
            all.change(host) { report in
                for unit in units where !report.units.contains(where: { $0.name == unit }) {
                    report.units.append(.init(name: unit, state: .starting))
                }
            }
        }
        _ = try all.awaitWorkers(wanted, version: cargo.version, patience: settings.patience, isLast: true)
    }
}
