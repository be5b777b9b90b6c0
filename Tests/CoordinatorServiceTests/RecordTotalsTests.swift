import ClusterMetrics
import CoordinatorCore
import Journal
import MetricSnapshots
import SongPlan
import Testing

@testable import CoordinatorService

/// What records add to the totals.
struct RecordTotalsTests {
    private let task = TaskID(stream: StreamID(song: "a", sample: 0, level: 1), window: 2)

    /// The window ends at 100.
    private func counts(_ records: Record...) -> [Total: UInt64] {
        RecordTotals(records) { $0 == task ? 100 : nil }.counts
    }

    @Test func `tokens count by level, and the last of a window completes it`() {
        let counts = counts(
            .tokens(task.stream, start: 90, [1, 2], .sampled(task, 1, "w")),
            .tokens(task.stream, start: 92, Array(repeating: 0, count: 8), .sampled(task, 1, "w")),
            .tokens(task.stream, start: 0, [7, 7, 7], .known))
        #expect(
            counts == [
                Total(CoordinatorMetric.tokensSampled, "1"): 10, Total(CoordinatorMetric.windowsCompleted, "1"): 1,
                Total(CoordinatorMetric.chunksJournaled): 2,
            ])
    }

    @Test func `a chunk that is compared is one chunk, whether or not its tokens count with it`() {
        let counts = counts(
            .claimed(task, 1, "w", start: 90, [1]),
            .claimed(task, 2, "v", start: 90, [1]),
            .tokens(task.stream, start: 90, [1], .sampled(task, 2, "v")),
            .tokens(task.stream, start: 91, [1], .sampled(task, 2, "v")))
        #expect(counts[Total(CoordinatorMetric.chunksJournaled)] == 3)
        #expect(counts[Total(CoordinatorMetric.tokensSampled, "1")] == 2)
    }

    @Test func `every ending of a lease, of a song and every charge has its own word`() {
        let endings: [LeaseEnding] = [
            .lost(.unreachable), .lost(.left), .lost(.silent), .lost(.refused), .lost(.replaced), .lost(.died),
            .notHeld, .moved, .beaten, .reported("x"), .crashed("x"), .displaced, .misbehaved("x"), .brought, .disputed,
            .withdrawn, .other("x"),
        ]
        let records: [Record] =
            endings.map { .leaseEnded(task, 1, of: "w", $0) }
            + [SongState.sampling, .finished, .failed(reason: "x"), .cancelled, .parked(reason: "x")].map {
                .songState("a", $0)
            }
            + [
                .workerBlamed(task, "w", .vanished), .workerBlamed(task, "w", .reported(reason: "x")),
                .workerBlamed(task, "w", .crashed("x", isAlone: true)),
                .workerBlamed(task, "w", .crashed("x", isAlone: false)),
            ]
        let counts = RecordTotals(records) { _ in nil }.counts
        let expected =
            LeaseEnding.words.map { Total(CoordinatorMetric.leasesLost, $0) }
            + ["finished", "failed", "cancelled"].map { Total(CoordinatorMetric.songsEnded, $0) }
            + [Total(CoordinatorMetric.songsParked)]
            + Blame.words.map { Total(CoordinatorMetric.windowFailures, $0) }
        #expect(counts == Dictionary(uniqueKeysWithValues: expected.map { ($0, 1) }))
    }

    @Test func `counts that no record brings along wait until they are journaled`() {
        let metrics = CoordinatorMetrics()
        metrics.add([Total(CoordinatorMetric.songsRefused): 7, Total("of_a_later_release"): 1])
        metrics.count(CoordinatorMetric.songsRefused)
        let refused = Total(CoordinatorMetric.songsRefused)
        #expect(metrics.unjournaled == [refused: 1])
        metrics.count(CoordinatorMetric.songsRefused)
        metrics.settle([refused: 1])
        #expect(metrics.unjournaled == [refused: 1])
        metrics.settle([refused: 1])
        #expect(metrics.unjournaled.isEmpty)
        #expect(metrics.snapshot()[CoordinatorMetric.songsRefused.name]?.samples.map(\.value) == [.count(9)])
    }

    @Test func `a series is there before anything was counted`() {
        let snapshot = CoordinatorMetrics().snapshot()
        for metric in CoordinatorMetric.totals where metric.label != "level" {
            let samples = snapshot[metric.name]?.samples ?? []
            #expect(!samples.isEmpty && samples.allSatisfy { $0.value == .count(0) }, "\(metric.name)")
        }
        for metric in CoordinatorMetric.histograms {
            #expect(snapshot[metric.name]?.samples.count == 1, "\(metric.name)")
        }
    }
}
