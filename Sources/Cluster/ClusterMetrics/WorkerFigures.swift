package import MetricSnapshots

/// What a worker's engine counted and measured since it began, as it travels with heartbeats.
package struct WorkerFigures: Sendable, Hashable {
    package struct Level: Sendable, Hashable {
        package var step = HistogramValue(bounds: WorkerMetric.step.bounds)
        package var prefill = HistogramValue(bounds: WorkerMetric.prefill.bounds)
        package var rows = HistogramValue(bounds: WorkerMetric.rows.bounds)
        package var tokens: UInt64 = 0

        package init() {}
    }

    /// Drawn when it began: figures of another one begin anew.
    package var run: UInt64
    /// For how long it has counted.
    package var seconds: Double
    package var levels: [Int: Level]
    /// Bytes that its process has.
    package var memory: UInt64
    /// What it computes on, for people; empty where it does not say.
    package var device = ""
    /// Levels whose weights are in memory, from the top down.
    package var residentLevels: [Int] = []

    package init(run: UInt64, seconds: Double, levels: [Int: Level] = [:], memory: UInt64 = 0) {
        (self.run, self.seconds, self.levels, self.memory) = (run, seconds, levels, memory)
    }
}

extension WorkerFigures.Level {
    /// What came since an earlier report of the same run; nil where it is none.
    package func since(_ earlier: WorkerFigures.Level) -> WorkerFigures.Level? {
        guard let step = step.since(earlier.step), let prefill = prefill.since(earlier.prefill),
            let rows = rows.since(earlier.rows), tokens >= earlier.tokens
        else { return nil }
        var level = WorkerFigures.Level()
        (level.step, level.prefill, level.rows) = (step, prefill, rows)
        level.tokens = tokens - earlier.tokens
        return level
    }

    package mutating func add(_ other: WorkerFigures.Level) {
        step.add(other.step)
        prefill.add(other.prefill)
        rows.add(other.rows)
        let (sum, overflow) = tokens.addingReportingOverflow(other.tokens)
        tokens = overflow ? .max : sum
    }
}

extension MetricSnapshot {
    /// The figures of one worker or of many, as metrics.
    package mutating func add(_ levels: [Int: WorkerFigures.Level], memory: UInt64) {
        func byLevel(_ value: (WorkerFigures.Level) -> Value) -> [String: Value] {
            Dictionary(uniqueKeysWithValues: levels.map { ("\($0)", value($1)) })
        }
        add(WorkerMetric.step, byLevel { .histogram($0.step) })
        add(WorkerMetric.prefill, byLevel { .histogram($0.prefill) })
        add(WorkerMetric.rows, byLevel { .histogram($0.rows) })
        add(WorkerMetric.tokens, byLevel { .count($0.tokens) })
        add(WorkerMetric.memory, .count(memory))
    }
}
