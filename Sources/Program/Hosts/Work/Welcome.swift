import Foundation

/// The part of `workers list --json` that is used.
struct WorkerList: Decodable, Sendable {
    struct Worker: Decodable, Sendable {
        var name: String
        var leaving: Bool
        var drained: Bool
        var busy: Int
        var slots: Int
    }
    var workers: [Worker]
}

extension ClusterHosts {
    /// Asks the coordinator by the program on its own machine.
    func askCoordinator(_ arguments: [String], version: String, seconds: Int = 30) throws -> Data {
        let listen = file.coordinator.listen
        let host = ["0.0.0.0", "*"].contains(listen) ? "127.0.0.1" : listen
        return try shell(of: file.coordinator.host).askCoordinator(
            arguments, at: "tcp://\(host):\(file.coordinator.port)", version: version, seconds: seconds)
    }

    /// Names of workers that the coordinator has let in.
    func welcomeWorkers(version: String) throws -> Set<String> {
        let answer = try askCoordinator(["workers", "list", "--json"], version: version)
        guard let list = try? JSONDecoder().decode(WorkerList.self, from: answer) else {
            throw HostFault("what the coordinator says of its workers cannot be read")
        }
        return Set(list.workers.filter { !$0.leaving }.map(\.name))
    }

    /// Waits until workers are let in.
    ///
    /// - Parameters:
    ///   - wanted: by host, its units.
    ///   - isLast: those that are not are faults of their hosts.
    /// - Returns: whether all were let in.
    func awaitWorkers(
        _ wanted: [String: [String]], version: String, patience: Duration, isLast: Bool
    ) throws -> Bool {
        let end = ContinuousClock.now + patience
        var left = wanted.flatMap { host, units in units.map { (host: host, unit: $0) } }
        var next = ContinuousClock.now + .seconds(10)
        while !left.isEmpty {
            let there = (try? welcomeWorkers(version: version)) ?? []
            for (host, units) in wanted { settle(host, units, there) }
            left.removeAll { isSettled($0.host, $0.unit) || report(of: $0.host).fault != nil }
            guard !left.isEmpty else { break }
            for (host, unit) in left {
                let look = try? shell(of: host).look(unit)
                let number = Int(unit.dropFirst(7)) ?? 1
                let isDead = look.map { !$0.isRunning || $0.deaths >= 3 } ?? false
                guard isDead || ContinuousClock.now >= end else { continue }
                if !isLast { return false }
                fail(
                    host,
                    "\(unit) (\(ClusterFile.workerName(host, number))) \(isDead ? "ends by itself" : "is not let in by the coordinator")",
                    lastWords: look?.lastWords ?? [])
            }
            if ContinuousClock.now >= next {
                next = .now + .seconds(10)
                for (host, unit) in left { tell(host, "waits until \(unit) is let in") }
            }
            Thread.sleep(forTimeInterval: 0.5)
        }
        return true
    }

    /// Notes which units of a host are let in.
    private func settle(_ host: String, _ units: [String], _ there: Set<String>) {
        change(host) { report in
            for index in report.units.indices where units.contains(report.units[index].name) {
                let number = Int(report.units[index].name.dropFirst(7)) ?? 0
                let isThere = there.contains(ClusterFile.workerName(host, number))
                report.units[index].state = isThere ? .works : .starting
            }
        }
    }

    private func isSettled(_ host: String, _ unit: String) -> Bool {
        report(of: host).units.contains { $0.name == unit && $0.state == .works }
    }
}
