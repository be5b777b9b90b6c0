import ClusterMetrics
import ClusterProtocol
import MetricSnapshots
import SongPlan
import Testing

@testable import WorkerService

/// What a worker counts of itself, and tells with its heartbeats.
@Suite(.serialized) struct WorkerMetricsTests {
    private static let song = Result { try SmallSong() }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    @Test func `heartbeats tell what the engine counted, by level`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1], slots: 4)
        try coordinator.begin(heartbeat: 50)
        let first = try #require(try coordinator.heartbeat())
        #expect(first.hasFigures && first.figures.run != 0 && first.figures.memoryBytes > 1_000_000)
        #expect(first.figures.levels.allSatisfy { $0.tokens == 0 && $0.step.counts.reduce(0, +) == 0 })
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        let tokens = try #require(try coordinator.collect([assignment])[assignment.task.taskID]?.count)
        var last: WireLevelFigures?
        // Those that were on their way are from before.
        for _ in 0..<200 where last?.tokens != UInt64(tokens) {
            let figures = try #require(try coordinator.heartbeat()).figures
            #expect(figures.run == first.figures.run && figures.seconds > first.figures.seconds)
            last = figures.levels.first { $0.level == 0 }
        }
        let level = try #require(last)
        let steps = level.step.counts.reduce(0, +)
        #expect(level.tokens == UInt64(tokens))
        // One window alone: a row a token, and some steps of its prefill.
        #expect(steps >= UInt64(tokens) && level.rows.counts.reduce(0, +) == steps)
        #expect(level.rows.sum >= Double(tokens) && level.step.sum > 0)
        #expect(level.prefill.counts.reduce(0, +) == 1 && level.prefill.sum > 0)
        #expect(level.step.counts.count == WorkerMetric.step.bounds.count + 1)
        coordinator.finish()
    }

    @Test func `a worker's own snapshot has what is defined, and as a coordinator would read it`() {
        let metrics = EngineMetrics(Worker.Options(name: "w", levels: [0, 2], threads: 1))
        metrics.stepEnded(level: 2, seconds: 0.5, rows: 3, tokens: 2)
        metrics.stepEnded(level: 2, seconds: 0.5, rows: 0, tokens: 0)
        metrics.prefillEnded(level: 2, seconds: 40)
        // A level that is not served.
        metrics.stepEnded(level: 1, seconds: 1, rows: 1, tokens: 1)
        let figures = metrics.figures
        #expect(Set(figures.levels.keys) == [0, 2])
        #expect(figures.levels[2]?.tokens == 2 && figures.levels[2]?.step.count == 1)
        #expect(figures.levels[2]?.prefill.sum == 40 && figures.levels[2]?.rows.sum == 3)
        #expect(figures.levels[0] == WorkerFigures.Level())
        var snapshot = MetricSnapshot()
        snapshot.add(figures.levels, memory: figures.memory)
        #expect(snapshot.families.map(\.name) == WorkerMetric.all.map(\.name))
    }
}
