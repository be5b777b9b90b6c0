import ClusterMetrics
import ClusterProtocol
import Foundation
import MetricSnapshots
import ModelTestSupport
import Testing

@testable import CoordinatorService

/// `metrics`, as clients meet it over the in-memory transport.
@Suite(.serialized) struct MetricsRequestTests {
    /// All pages of an answer.
    private func metrics(_ coordinator: ServedCoordinator, as peer: InMemoryClient? = nil) throws -> [WireMetricFamily]
    {
        var families: [WireMetricFamily] = []
        var query = WireMetricsQuery()
        repeat {
            let page = try coordinator.ask(.metrics(query), as: peer)
            try #require(page.error.isEmpty)
            families += page.metrics.families
            query.after = page.metrics.next
        } while !query.after.isEmpty
        return families
    }

    private func value(_ families: [WireMetricFamily], _ metric: MetricDefinition, _ label: String? = nil) -> Double? {
        let samples = families.first { $0.name == metric.name }?.samples
        guard let sample = samples?.first(where: { label == nil || $0.labels.first?.value == label }) else {
            return nil
        }
        switch sample.value {
        case .count(let count): return Double(count)
        case .number(let number): return number
        case .histogram(let histogram): return Double(histogram.counts.reduce(0, +))
        case nil: return nil
        }
    }

    @Test func `a snapshot has what is defined, once each, and what happened`() throws {
        let coordinator = try ServedCoordinator()
        let request = #"{"model":"two-level-unlabelled","sample_length":32768,"samples":[{},{}]}"#
        #expect(try coordinator.submit("song-1", request).error.isEmpty)
        #expect(!(try coordinator.submit("song-2", #"{"model":"nothing"}"#).error.isEmpty))
        let families = try metrics(coordinator)
        let names = families.map(\.name)
        #expect(Set(names).count == names.count)
        // Without a quota or a copy, and where connections cost nothing, these have no value.
        let absent = [
            CoordinatorMetric.quota, CoordinatorMetric.used, CoordinatorMetric.connections,
            CoordinatorMetric.connectionLimit, CoordinatorMetric.turnedAway, CoordinatorMetric.tokensSampled,
            CoordinatorMetric.windowsCompleted, CoordinatorMetric.leasesGranted,
            CoordinatorMetric.copyBehind, CoordinatorMetric.copyPending, CoordinatorMetric.copyBytes,
            CoordinatorMetric.copyFailures,
        ]
        #expect(Set(names) == Set(CoordinatorMetric.all.map(\.name)).subtracting(absent.map(\.name)))
        for family in families {
            let metric = try #require(CoordinatorMetric.all.first { $0.name == family.name })
            #expect(family.help == metric.help && family.unit == metric.unit)
            #expect(family.samples.allSatisfy { $0.labels.map(\.name) == [metric.label].compactMap(\.self) })
        }
        #expect(value(families, CoordinatorMetric.songsSubmitted) == 1)
        #expect(value(families, CoordinatorMetric.songsRefused) == 1)
        #expect(value(families, CoordinatorMetric.songs, "sampling") == 1)
        #expect(value(families, CoordinatorMetric.songs, "parked") == 0)
        let pending = ["0", "1"].compactMap { value(families, CoordinatorMetric.windowsPending, $0) }
        let ready = ["0", "1"].compactMap { value(families, CoordinatorMetric.windowsReady, $0) }
        // Both samples have a first window at the top; the level below waits for it.
        #expect(ready == [0, 2] && pending[0] > 0 && pending[1] >= 2)
        #expect(value(families, CoordinatorMetric.commit) ?? 0 >= 1)
        #expect(value(families, CoordinatorMetric.turn) ?? 0 >= 2)
        #expect(value(families, CoordinatorMetric.journalBytes) ?? 0 > 4096)
        #expect(value(families, CoordinatorMetric.diskFree) ?? 0 > 0)
        #expect(value(families, CoordinatorMetric.memory) ?? 0 > 1_000_000)
        #expect(value(families, CoordinatorMetric.build, ProgramVersion.current) == 1)
        #expect(abs((value(families, CoordinatorMetric.start) ?? 0) - Date().timeIntervalSince1970) < 86_400)
        coordinator.finish()
    }

    @Test func `every client may ask, and a worker may not`() throws {
        let coordinator = try ServedCoordinator()
        #expect(try !metrics(coordinator, as: coordinator.peer(key: "c", roles: .client)).isEmpty)
        let worker = coordinator.peer(key: "w", roles: .worker)
        #expect(try coordinator.ask(.metrics(WireMetricsQuery()), as: worker).error.contains("not as client"))
        coordinator.finish()
    }

    @Test func `an answer goes on after the name that it is asked for, and after none that is unknown`() throws {
        let coordinator = try ServedCoordinator()
        let all = try metrics(coordinator).map(\.name)
        var query = WireMetricsQuery()
        query.after = all[3]
        #expect(try coordinator.ask(.metrics(query)).metrics.families.map(\.name) == Array(all[4...]))
        query.after = "unknown"
        let none = try coordinator.ask(.metrics(query)).metrics
        #expect(none.families.isEmpty && none.next.isEmpty)
        coordinator.finish()
    }

    @Test func `what no message has room for comes in several, and each is small enough`() {
        let help = String(repeating: "x", count: 5000)
        let whole = MetricSnapshot(
            families: (0..<40).map {
                MetricSnapshot.Family(
                    name: "metric_\($0)", kind: .gauge, unit: "", help: help, samples: [.init([], .count(1))])
            })
        var (families, after, pages) = ([MetricSnapshot.Family](), "", 0)
        repeat {
            let page = MetricPage(of: whole, after: after)
            families += page.snapshot.families
            #expect(WireMetrics(page).families.map(\.byteCount).reduce(0, +) < TransportLimits.maximumMessageSize)
            (after, pages) = (page.next ?? "", pages + 1)
        } while !after.isEmpty
        #expect(families == whole.families && pages == 5)
    }

    @Test func `what a worker's engine counted is told without its name, and only of one that is known`() throws {
        let coordinator = try ServedCoordinator()
        var heartbeat = WireHeartbeat()
        heartbeat.figures.run = 3
        heartbeat.figures.memoryBytes = 77
        var level = WireLevelFigures()
        level.step.counts = Array(repeating: 0, count: WorkerMetric.step.bounds.count + 1)
        level.step.counts[2] = 5
        level.step.sum = 0.01
        level.tokens = 9
        heartbeat.figures.levels = [level]
        try coordinator.send(WireToCoordinator(kind: .heartbeat(heartbeat)).payload())
        #expect(value(try metrics(coordinator), WorkerMetric.memory) == 0)
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name, hello.slots) = (ProtocolVersion.current, "secret", "secret", 3)
        (hello.model, hello.fingerprints) = ("two-level-unlabelled", try fingerprints())
        try coordinator.send(WireToCoordinator(kind: .hello(hello)).payload())
        try coordinator.send(WireToCoordinator(kind: .heartbeat(heartbeat)).payload())
        // What is told is kept for a moment.
        let deadline = ContinuousClock.now + .seconds(300)
        var families = try metrics(coordinator)
        while value(families, WorkerMetric.memory) != 77, ContinuousClock.now < deadline {
            families = try metrics(coordinator)
        }
        #expect(value(families, WorkerMetric.memory) == 77)
        #expect(value(families, WorkerMetric.tokens, "0") == 9 && value(families, WorkerMetric.step, "0") == 5)
        #expect(value(families, CoordinatorMetric.workers, "idle") == 1)
        #expect(value(families, CoordinatorMetric.slots) == 3)
        #expect(!"\(families)".contains("secret"))
        coordinator.finish()
    }

    private func fingerprints() throws -> [UInt32: String] {
        let registry = ModelRegistry()
        try registry.add(path: Fixture.twoLevel.folder.path)
        return Dictionary(
            uniqueKeysWithValues: try registry.fingerprints(of: registry.model("two-level-unlabelled")).map {
                (UInt32($0.key), $0.value)
            })
    }
}
