import ClusterClient
import Foundation

/// Does to a cluster what a schedule says, and undoes it in time. Of one thread, which calls `tick` often.
final class Injector {
    /// A fault, with what the report does not tell of it.
    struct Record {
        var fault: ChaosReport.Fault
        var victims: Set<String>
        /// Seconds since 1970 at its begin.
        var moment: Double
        /// When it was undone, in seconds of the run.
        var healed: Double?
    }

    private struct Active {
        var record: Int
        var plan: PlannedFault
        var workers: [Int]
        var until: Double
    }

    private let cluster: ChaosCluster
    private let watcher: Watcher
    private let clock: RunClock
    private let log: (String) -> Void
    private var schedule: Schedule
    private var next: PlannedFault?
    private var lastFault: Double
    private var active: [Active] = []
    private(set) var records: [Record] = []

    init(
        _ cluster: ChaosCluster, _ watcher: Watcher, _ clock: RunClock, schedule: Schedule,
        log: @escaping (String) -> Void
    ) {
        (self.cluster, self.watcher, self.clock, self.schedule, self.log) = (cluster, watcher, clock, schedule, log)
        lastFault = clock.seconds
        next = self.schedule.next()
    }

    var isIdle: Bool { active.isEmpty }
    /// When it last did or undid something, in seconds of the run.
    private(set) var lastChange = 0.0

    /// Undoes what is due, and does the next fault when it is due.
    ///
    /// - Parameter mayFire: false to do nothing new.
    func tick(mayFire: Bool) throws {
        let now = clock.seconds
        for item in active where item.until <= now { try heal(item, at: now) }
        active.removeAll { $0.until <= now }
        guard mayFire, let plan = next, now >= lastFault + plan.gap, let workers = victims(of: plan) else { return }
        next = schedule.next()
        lastFault = now
        try strike(plan, workers, at: now)
    }

    /// Undoes all, at once.
    func healAll() throws {
        let now = clock.seconds
        for item in active { try heal(item, at: now) }
        active = []
    }

    private func isBusy(_ kinds: Set<FaultKind>) -> Bool { active.contains { kinds.contains($0.plan.kind) } }

    /// The workers that it happens to; nil when it must wait, because what it needs is at fault already.
    private func victims(of plan: PlannedFault) -> [Int]? {
        let struck = Set(active.flatMap(\.workers))
        let free = cluster.workers.indices.filter { !struck.contains($0) && cluster.faults[$0] == nil }
        switch plan.kind {
        case .killCoordinator, .stopCoordinator: return isBusy([.killCoordinator, .stopCoordinator]) ? nil : []
        case .diskFull, .fileLimit: return isBusy([.diskFull, .fileLimit]) ? nil : []
        case .killAll: return struck.isEmpty ? Array(cluster.workers.indices) : nil
        default:
            // Somebody must be there to take the victim's windows.
            guard free.count > 1 || (cluster.workers.count == 1 && !free.isEmpty) else { return nil }
            return [free[plan.victim(of: free.count)]]
        }
    }

    // MARK: doing

    private func strike(_ plan: PlannedFault, _ workers: [Int], at now: Double) throws {
        let names = workers.map(ChaosSettings.name)
        let victim: String
        switch plan.kind {
        case .killCoordinator, .stopCoordinator: victim = "coordinator"
        case .diskFull: victim = "disk"
        case .fileLimit: victim = "coordinator"
        default: victim = workers.count == 1 ? "worker \(names[0])" : "all workers"
        }
        var record = Record(
            fault: .init(number: plan.number, kind: plan.kind, victim: victim, at: now), victims: Set(names),
            moment: Date().timeIntervalSince1970)
        record.fault.seen = try begin(plan, workers)
        records.append(record)
        let lasts = max(plan.duration, Self.least(plan.kind))
        active.append(Active(record: records.count - 1, plan: plan, workers: workers, until: now + lasts))
        lastChange = now
        log("fault \(plan.number): \(plan.kind.rawValue) of \(victim) for \(String(format: "%.1f", lasts)) s")
    }

    /// So long it is looked for what the fault did.
    private static func least(_ kind: FaultKind) -> Double {
        switch kind {
        case .reset: 0.5
        case .cut: 2
        default: 0
        }
    }

    /// - Returns: what was seen at once.
    private func begin(_ plan: PlannedFault, _ workers: [Int]) throws -> String? {
        switch plan.kind {
        case .killWorker, .killAll:
            let ended = workers.filter { worker in
                let process = cluster.workers[worker]
                cluster.kill(worker)
                return process?.ending == 128 + SIGKILL
            }
            return ended.isEmpty ? nil : "\(ended.count) processes ended by signal 9"
        case .killEngine:
            guard let engine = cluster.engine(of: workers[0]), kill(engine, SIGKILL) == 0 else { return nil }
            return "engine \(engine) was killed"
        case .killCoordinator:
            let process = cluster.coordinator
            cluster.killCoordinator()
            return process?.ending == 128 + SIGKILL ? "the process ended by signal 9" : nil
        case .stopWorker: cluster.workers[workers[0]]?.signal(SIGSTOP)
        case .stopCoordinator: cluster.coordinator?.signal(SIGSTOP)
        case .diskFull:
            _ = watcher.takeTrouble()
            try cluster.disk?.fill()
        case .fileLimit:
            _ = watcher.takeTrouble()
            try cluster.fileLimit.begin(cluster.coordinator)
        case .partition, .oneWay, .reset, .cut, .slowLink, .corrupt:
            _ = try cluster.network.begin(plan.kind, worker: workers[0], lot: plan.lot >> 32)
        case .straggler, .lie, .crashWindow, .crashingMachine: break
        }
        return nil
    }

    // MARK: undoing

    private func heal(_ item: Active, at now: Double) throws {
        let seen = try end(item)
        records[item.record].healed = now
        records[item.record].fault.seconds = now - records[item.record].fault.at
        if let seen { records[item.record].fault.seen = seen }
        lastChange = now
    }

    private func end(_ item: Active) throws -> String? {
        switch item.plan.kind {
        case .killWorker, .killAll: for worker in item.workers { try cluster.startWorker(worker) }
        case .killCoordinator: try cluster.startCoordinator()
        case .stopWorker: return Self.goOn(cluster.workers[item.workers[0]])
        case .stopCoordinator: return Self.goOn(cluster.coordinator)
        case .diskFull:
            let free = cluster.disk?.free
            cluster.disk?.empty()
            return free == 0 ? "0 bytes free\(wait)" : nil
        case .fileLimit: return cluster.fileLimit.end(cluster.coordinator) ? "files could not grow\(wait)" : nil
        case .partition, .oneWay, .reset, .cut, .slowLink, .corrupt:
            return try cluster.network.end(item.plan.kind, worker: item.workers[0])
        case .killEngine, .straggler, .lie, .crashWindow, .crashingMachine: break
        }
        return nil
    }

    /// What a disk without room made the coordinator do.
    private var wait: String { watcher.takeTrouble() ? ", the coordinator waited" : "" }

    private static func goOn(_ process: OwnProcess?) -> String? {
        guard let process else { return nil }
        let file = FileManager.default.contents(atPath: "/proc/\(process.pid)/stat") ?? Data()
        let isStopped = String(decoding: file, as: UTF8.self).split(separator: ")").last?.hasPrefix(" T") == true
        process.signal(SIGCONT)
        return isStopped ? "the process was stopped" : nil
    }

    // MARK: standing faults, and what a finished song tells

    func add(_ record: Record) { records.append(record) }

    func change(_ body: (inout Record) -> Void) { for place in records.indices { body(&records[place]) } }
}
