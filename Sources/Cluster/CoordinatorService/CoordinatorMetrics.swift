import ClusterMetrics
import CoordinatorCore
import CoreMetrics
import Foundation
import Journal
import MetricRegistry
import MetricSnapshots
import Synchronization

/// What a coordinator counts and measures itself. Totals go on from what the journal has. Any thread.
final class CoordinatorMetrics: Sendable {
    /// When the coordinator began, in seconds since 1970.
    let start = Date().timeIntervalSince1970
    private let registry = MetricRegistry(CoordinatorMetric.totals + CoordinatorMetric.histograms)
    let acknowledgement: Recorder
    let commit: Recorder
    let turn: Recorder
    private let preparation: Recorder
    private let decoding: Recorder
    /// Counts that no record brings along: they wait for the next transaction.
    private let waiting = Mutex<[Total: UInt64]>([:])
    private let counters = Mutex<[Total: Counter]>([:])

    init() {
        acknowledgement = registry.recorder(CoordinatorMetric.acknowledgement)
        commit = registry.recorder(CoordinatorMetric.commit)
        turn = registry.recorder(CoordinatorMetric.turn)
        preparation = registry.recorder(CoordinatorMetric.preparation)
        decoding = registry.recorder(CoordinatorMetric.decoding)
        // A series is there before anything is counted, so that its first count is a change.
        for metric in CoordinatorMetric.totals where metric.label == nil { add([Total(metric): 0]) }
        for (metric, labels) in Self.labels { for label in labels { add([Total(metric, label): 0]) } }
    }

    private static let labels: [(MetricDefinition, [String])] = [
        (CoordinatorMetric.leasesLost, LeaseEnding.words), (CoordinatorMetric.windowFailures, Blame.words),
        (CoordinatorMetric.songsEnded, ["finished", "failed", "cancelled"]),
        (CoordinatorMetric.messagesRefused, ["damaged", "foreign"]),
        (CoordinatorMetric.enginesDied, ["signal", "exit", "hung"]),
    ]

    /// The jobs of a kind that are measured.
    func recorder(_ kind: BackgroundWork.Kind) -> Recorder? {
        switch kind {
        case .preparation: preparation
        case .decoding: decoding
        case .checking, .reading, .receiving, .hashing, .cutting, .upkeep: nil
        }
    }

    /// What is journaled, or was by an earlier process.
    func add(_ counts: [Total: UInt64]) {
        counters.withLock { counters in
            for (total, count) in counts {
                if counters[total] == nil { counters[total] = counter(total) }
                counters[total]?.increment(by: Int64(clamping: count))
            }
        }
    }

    private func counter(_ total: Total) -> Counter? {
        // A later release may have counted more.
        guard let metric = CoordinatorMetric.totals.first(where: { $0.name == total.name }),
            (metric.label == nil) == total.label.isEmpty
        else { return nil }
        return registry.counter(metric, total.label.isEmpty ? nil : total.label)
    }

    /// Something happened that no record tells.
    func count(_ metric: MetricDefinition, _ label: String = "", _ count: Int = 1) {
        guard count > 0 else { return }
        let total = Total(metric, label)
        waiting.withLock { $0[total, default: 0] += UInt64(count) }
        add([total: UInt64(count)])
    }

    // MARK: on their way to the journal

    /// What waits to be journaled with the next records; it stays until `settle`.
    var unjournaled: [Total: UInt64] { waiting.withLock { $0 } }

    /// It is journaled.
    func settle(_ counts: [Total: UInt64]) {
        waiting.withLock { waiting in
            for (total, count) in counts {
                let left = (waiting[total] ?? 0) - min(count, waiting[total] ?? 0)
                waiting[total] = left > 0 ? left : nil
            }
        }
    }

    func snapshot() -> MetricSnapshot { registry.snapshot() }
}
