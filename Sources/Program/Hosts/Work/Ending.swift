import Foundation

extension ClusterHosts {
    private var everywhere: [String] { file.hosts + records.formerHosts(file) }

    /// Stops all of the cluster: workers first, so that the coordinator takes what they hand in. Everything stays on the disks.
    ///
    /// - Parameter grace: seconds that a part may take to leave.
    package func down(grace: Int) {
        probe(everywhere, makesFolder: false)
        stop(everywhere, grace: grace) { $0 != "coordinator" }
        stop(everywhere, grace: grace) { $0 == "coordinator" }
    }

    private func stop(_ hosts: [String], grace: Int, which: @escaping @Sendable (String) -> Bool) {
        each(hosts) { host in
            let state = try self.state(of: host)
            let units = state.units.map(\.name).filter(which)
            let (stopped, killed) = try self.shell(of: host).stop(units, cluster: self.file.name, grace: grace)
            for unit in units {
                self.change(host) {
                    $0.units.append(.init(name: unit, state: .stopped, isChanged: stopped.contains(unit)))
                }
            }
            if !stopped.isEmpty { self.tell(host, "\(stopped.joined(separator: ", ")): stopped") }
            for unit in killed { self.warn(host, "\(unit) did not leave in \(grace) s and was killed") }
        }
    }

    /// Looks at all hosts, and changes nothing. What should run and does not is a fault.
    package func status() {
        let hosts = file.hosts
        probe(hosts, makesFolder: false)
        each(hosts) { host in
            guard let version = self.report(of: host).state?.version else { return }
            let said = try? self.shell(of: host).programVersion(version)
            self.change(host) { $0.version = said }
        }
        let version = report(of: file.coordinator.host).state?.version
        var there: Set<String>?
        if let version,
            report(of: file.coordinator.host).state?.units.contains(where: {
                $0.name == "coordinator" && $0.state == .running
            }) == true
        {
            do { there = try welcomeWorkers(version: version) } catch { fail(file.coordinator.host, "\(error)") }
        }
        for host in hosts where report(of: host).state != nil {
            let units = report(of: host).state?.units ?? []
            let wanted = (host == file.coordinator.host ? ["coordinator"] : []) + file.workers(on: host).map(\.unit)
            for unit in wanted {
                let runs = units.contains { $0.name == unit && $0.state == .running }
                let number = Int(unit.dropFirst(7)) ?? 0
                let isGood =
                    unit == "coordinator"
                    ? there != nil : there?.contains(ClusterFile.workerName(host, number)) ?? false
                change(host) {
                    $0.units.append(.init(name: unit, state: !runs ? .stopped : isGood ? .works : .starting))
                }
            }
        }
        each(hosts) { host in
            let report = self.report(of: host)
            guard let bad = report.units.first(where: { $0.state != .works }) else { return }
            let look = try self.shell(of: host).look(bad.name)
            let why = bad.state == .stopped ? "does not run" : "runs, and is not let in"
            self.fail(host, "\(bad.name) \(why)", lastWords: look.lastWords)
        }
    }

    /// - Parameter lines: of each part's log.
    /// - Returns: the ends of the logs of a host's parts.
    package func logs(of host: String, lines: Int) throws -> [String] {
        let shell = shell(of: host)
        let state = try shell.probe(makesFolder: false)
        return try shell.show(state.units.map(\.name), lines: lines)
    }

    /// What `up` would do, without doing it: hosts are looked at, and nothing is changed there.
    package func look(_ cargo: Cargo) {
        probe(file.hosts, makesFolder: false)
        checkArchitecture(file.hosts, cargo.program.architecture)
        for host in good(file.hosts) {
            guard let state = report(of: host).state else { continue }
            change(host) { report in
                let wanted = (report.isCoordinator ? ["coordinator"] : []) + self.file.workers(on: host).map(\.unit)
                for unit in wanted {
                    let runs = state.units.contains { $0.name == unit && $0.state == .running }
                    report.units.append(.init(name: unit, state: runs ? .starting : .stopped))
                }
            }
            tell(
                host,
                state.version == cargo.version
                    ? "has this program" : "gets this program (\(cargo.program.payload.bytes >> 20) MiB)")
            if let model = cargo.model { tell(host, "has or gets the model (\(model.payload.bytes >> 20) MiB)") }
        }
    }
}
