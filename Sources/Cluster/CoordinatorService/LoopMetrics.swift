import ClusterMetrics
import ClusterProtocol
import CoordinatorCore
import CoreMetrics
import Foundation
import Journal
import MetricSnapshots
import ProcessLimits
import SongPlan
import SystemErrors

/// What a coordinator tells of itself, kept for a moment: looking at everything takes its time.
struct KnownMetrics {
    fileprivate var snapshot: MetricSnapshot?
    fileprivate var next = 0.0
    /// When counts that no record brings along are journaled by themselves.
    fileprivate var nextFlush = 0.0
}

/// What the loop counts, and what it tells of it.
extension CoordinatorLoop {
    /// Journals records, and with them what they add to the totals.
    func append(_ records: [Record]) throws(JournalError) {
        let (waiting, own) = (metrics.unjournaled, totals(of: records))
        guard !records.isEmpty else { return }
        let start = ContinuousClock.now
        try journal.append(records, counting: own.merging(waiting, uniquingKeysWith: +))
        metrics.commit.record(start.duration(to: .now) / .seconds(1))
        metrics.settle(waiting)
        metrics.add(own)
    }

    private func totals(of records: [Record]) -> [Total: UInt64] {
        RecordTotals(records) { task in
            let plans = core.plans(of: task.song)
            guard plans.indices.contains(task.sample), plans[task.sample].levels.indices.contains(task.level) else {
                return nil
            }
            let segments = plans[task.sample].levels[task.level].segments
            guard segments.indices.contains(task.segment), segments[task.segment].windows.indices.contains(task.window)
            else { return nil }
            return segments[task.segment].windows[task.window].new.upperBound
        }.counts
    }

    /// Counts that no record brings along reach the disk within seconds, too. Where they cannot, they wait.
    func flushTotals(atOnce: Bool = false) {
        guard !gate.isHolding, atOnce || clock.seconds >= known.nextFlush else { return }
        known.nextFlush = clock.seconds + 10
        let waiting = metrics.unjournaled
        guard !waiting.isEmpty, (try? journal.append([], counting: waiting)) != nil else { return }
        metrics.settle(waiting)
    }

    /// Everything that is told, as of now or a moment ago.
    func snapshot() -> MetricSnapshot {
        let start = clock.seconds
        if let snapshot = known.snapshot, start < known.next { return snapshot }
        var snapshot = metrics.snapshot()
        addSongs(to: &snapshot)
        addWorkers(to: &snapshot)
        addDisk(to: &snapshot)
        addConnections(to: &snapshot)
        addCopy(to: &snapshot)
        snapshot.addProcess(since: metrics.start)
        known.snapshot = snapshot
        // A twentieth of the time at most.
        known.next = clock.seconds + max(0.2, 20 * (clock.seconds - start))
        return snapshot
    }

    private func addSongs(to snapshot: inout MetricSnapshot) {
        let census = core.census
        func byLevel(_ counts: [Int: Int]) -> [String: MetricSnapshot.Value] {
            Dictionary(uniqueKeysWithValues: counts.map { ("\($0)", .init($1)) })
        }
        snapshot.add(
            CoordinatorMetric.songs,
            Dictionary(uniqueKeysWithValues: SongState.words.map { ($0, .init(census.songs[$0] ?? 0)) }))
        snapshot.add(CoordinatorMetric.songsWaiting, .init(troubles.waitingSongs))
        snapshot.add(CoordinatorMetric.songsDamaged, .init(work.files.songs.count))
        snapshot.add(CoordinatorMetric.songsDoubtful, .init(work.doubts.songs.count))
        snapshot.add(CoordinatorMetric.windowsPending, byLevel(census.pending))
        snapshot.add(CoordinatorMetric.windowsReady, byLevel(census.ready))
        snapshot.add(CoordinatorMetric.windowsLeased, .init(census.leased))
        snapshot.add(CoordinatorMetric.troubles, .init(troubles.ofCoordinator.count))
    }

    private func addWorkers(to snapshot: inout MetricSnapshot) {
        let workers = core.workerStatuses
        let aside = Set(core.setAsides.map(\.machine))
        var states = ["busy": 0, "idle": 0, "set_aside": 0, "drained": 0, "absent": 0]
        for worker in workers {
            let isAside = aside.contains(worker.machine)
            let isDrained = worker.isDrained || worker.isLeaving
            let state =
                !worker.isConnected
                ? "absent" : isDrained ? "drained" : worker.busy > 0 ? "busy" : isAside ? "set_aside" : "idle"
            states[state, default: 0] += 1
        }
        let connected = workers.filter(\.isConnected)
        snapshot.add(CoordinatorMetric.workers, states.mapValues { .init($0) })
        snapshot.add(CoordinatorMetric.slots, .init(core.slots))
        snapshot.add(CoordinatorMetric.slotsBusy, .init(connected.reduce(0) { $0 + $1.busy }))
        snapshot.add(CoordinatorMetric.setAside, .init(aside.count))
        snapshot.add(figures.levels, memory: figures.memory(of: connected.map(\.worker)))
    }

    private func addDisk(to snapshot: inout MetricSnapshot) {
        snapshot.add(CoordinatorMetric.journalBytes, .count(journal.fileBytes))
        if let disk = DiskSpace.of(folder.path) {
            snapshot.add(CoordinatorMetric.diskFree, .init(disk.free))
            snapshot.add(CoordinatorMetric.diskSize, .init(disk.total))
        }
        if let quota = options.quota { snapshot.add(CoordinatorMetric.quota, .init(quota)) }
        if let used = work.use { snapshot.add(CoordinatorMetric.used, .init(used)) }
    }

    private func addConnections(to snapshot: inout MetricSnapshot) {
        guard let connections else { return }
        snapshot.add(CoordinatorMetric.connections, .init(connections.open))
        snapshot.add(CoordinatorMetric.connectionLimit, .init(connections.limit))
        snapshot.add(CoordinatorMetric.turnedAway, .count(connections.turnedAway))
    }
}

extension MetricSnapshot {
    /// What there is to say of the process, whatever it is at.
    ///
    /// - Parameter start: seconds since 1970.
    mutating func addProcess(since start: Double) {
        add(CoordinatorMetric.build, [ProgramVersion.current: .count(1)])
        add(CoordinatorMetric.start, .number(start))
        add(CoordinatorMetric.memory, .count(ProcessUse.memory))
        add(CoordinatorMetric.processor, .number(ProcessUse.processorSeconds))
    }
}
