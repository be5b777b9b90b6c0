import ClusterMetrics
import CoreMetrics
import MetricRegistry
package import MetricSnapshots
import SongPlan

/// What an engine counts and measures. All is made beforehand for the levels that it serves, so that a step allocates nothing
/// for it. Any thread.
final class EngineMetrics: Sendable {
    private struct Level: Sendable {
        let step: Recorder
        let prefill: Recorder
        let rows: Recorder
        let tokens: Counter
    }

    private let registry = MetricRegistry(WorkerMetric.counted)
    /// By level; nil where it is not served.
    private let levels: [Level?]
    private let run: UInt64
    private let start: Duration
    private let clock: @Sendable () -> Duration
    private let usedMemory: @Sendable () -> UInt64

    init(_ options: Worker.Options) {
        run = options.run ?? .random(in: 1 ... .max)
        (clock, usedMemory) = (options.clock, options.usedMemory)
        start = options.clock()
        let levels = options.levels
        self.levels = (0...(levels.max() ?? 0)).map { [registry] level in
            guard levels.contains(level) else { return nil }
            return Level(
                step: registry.recorder(WorkerMetric.step, "\(level)"),
                prefill: registry.recorder(WorkerMetric.prefill, "\(level)"),
                rows: registry.recorder(WorkerMetric.rows, "\(level)"),
                tokens: registry.counter(WorkerMetric.tokens, "\(level)"))
        }
    }

    /// A step has ended.
    ///
    /// - Parameters:
    ///   - rows: that it computed.
    ///   - tokens: that it drew.
    func stepEnded(level: Int, seconds: Double, rows: Int, tokens: Int) {
        guard rows > 0, let level = levels[level] else { return }
        level.step.record(seconds)
        level.rows.record(rows)
        level.tokens.increment(by: tokens)
    }

    /// A window has its first new token.
    func prefillEnded(level: Int, seconds: Double) { levels[level]?.prefill.record(seconds) }

    /// As they go with a heartbeat.
    var figures: WorkerFigures {
        let snapshot = registry.snapshot()
        var figures = WorkerFigures(
            run: run, seconds: (clock() - start) / .seconds(1), memory: usedMemory())
        func forEach(
            _ metric: MetricDefinition, _ take: (inout WorkerFigures.Level, MetricSnapshot.Value) -> Void
        ) {
            for sample in snapshot[metric.name]?.samples ?? [] {
                guard let level = sample.labels.first.flatMap({ Int($0.value) }) else { continue }
                take(&figures.levels[level, default: WorkerFigures.Level()], sample.value)
            }
        }
        forEach(WorkerMetric.step) { if case .histogram(let counts) = $1 { $0.step = counts } }
        forEach(WorkerMetric.prefill) { if case .histogram(let counts) = $1 { $0.prefill = counts } }
        forEach(WorkerMetric.rows) { if case .histogram(let counts) = $1 { $0.rows = counts } }
        forEach(WorkerMetric.tokens) { if case .count(let count) = $1 { $0.tokens = count } }
        return figures
    }
}

extension Worker {
    /// What this worker counted and measured, for whoever asks it and not its coordinator. Any thread.
    package var metrics: MetricSnapshot {
        let figures = engineMetrics.figures
        var snapshot = MetricSnapshot()
        snapshot.add(figures.levels, memory: figures.memory)
        return snapshot
    }
}
