import ClusterMetrics
import ClusterProtocol
import MetricSnapshots
import Testing

@testable import CoordinatorService

/// What workers tell of themselves, added up.
struct ReportedFiguresTests {
    private func figures(
        _ steps: Int, run: UInt64 = 1, seconds: Double = 1, tokens: UInt64? = nil, memory: UInt64 = 0
    ) -> WorkerFigures {
        var level = WorkerFigures.Level()
        for _ in 0..<steps {
            level.step.record(0.25)
            level.rows.record(4)
        }
        level.tokens = tokens ?? UInt64(steps)
        return WorkerFigures(run: run, seconds: seconds, levels: [0: level], memory: memory)
    }

    @Test func `what came since the last report is added, whatever workers do`() throws {
        var all = ReportedFigures()
        all.take(figures(3), of: "a", at: 10)
        all.take(figures(3), of: "a", at: 11)
        all.take(figures(5), of: "a", at: 12)
        all.take(figures(2), of: "b", at: 12)
        // The engine of a began anew.
        all.take(figures(4, run: 2), of: "a", at: 20)
        let level = try #require(all.levels[0])
        #expect(level.step.count == 11 && level.step.sum == 2.75 && level.tokens == 11)
        #expect(level.rows.count == 11 && level.prefill.count == 0)
        // Less than before in one run is nothing that can be.
        all.take(figures(1, run: 2), of: "a", at: 21)
        #expect(all.levels[0] == level)
        all.take(figures(2, run: 2), of: "a", at: 22)
        #expect(all.levels[0]?.step.count == 12)
    }

    @Test func `what an engine did before the coordinator began is not counted, and what it does then is`() {
        var all = ReportedFigures()
        all.take(figures(1000, seconds: 500), of: "a", at: 3)
        #expect(all.levels[0] == nil)
        all.take(figures(1001, seconds: 501), of: "a", at: 4)
        #expect(all.levels[0]?.step.count == 1)
    }

    @Test func `more than any worker can do is not counted`() {
        var all = ReportedFigures()
        all.take(figures(0, tokens: 1 << 50), of: "liar", at: 10)
        #expect(all.levels[0] == nil)
        all.take(figures(0, tokens: 1 << 50 + 10), of: "liar", at: 11)
        #expect(all.levels[0]?.tokens == 10)
    }

    @Test func `memory is that of workers that are there, and workers without number cost little`() {
        var all = ReportedFigures()
        for number in 0..<20_000 { all.take(figures(1, memory: 3), of: "\(number)", at: Double(number)) }
        #expect(all.levels[0]?.step.count == 20_000)
        #expect(all.memory(of: ["19999", "19998", "0", "nobody"]) == 6)
    }

    @Test func `numbers of the wire are brought into range, and other ranges are left away`() {
        var wire = WireWorkerFigures()
        (wire.run, wire.seconds, wire.memoryBytes) = (7, .nan, .max)
        for level in [0, 15, 16, .max] as [UInt32] {
            var own = WireLevelFigures()
            own.level = level
            own.tokens = .max
            own.step.counts = Array(repeating: .max, count: WorkerMetric.step.bounds.count + 1)
            own.step.sum = -.infinity
            own.rows.counts = [1, 2]
            own.rows.sum = 3
            wire.levels.append(own)
        }
        wire.levels += Array(repeating: WireLevelFigures(), count: 100)
        let figures = WorkerFigures(wire)
        #expect(figures.seconds == 0 && figures.memory == 1 << 50 && Set(figures.levels.keys) == [0, 15])
        let level = figures.levels[15]
        #expect(level?.tokens == 1 << 50 && level?.step.counts.max() == 1 << 50 && level?.step.sum == 0)
        #expect(level?.rows.count == 0 && level?.rows.sum == 0)
        var all = ReportedFigures()
        all.take(figures, of: "liar", at: 1)
        #expect(all.levels.values.allSatisfy { $0.step.count == 0 })
    }
}
