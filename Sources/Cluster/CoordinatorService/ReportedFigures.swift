import ClusterMetrics
import CoordinatorCore
import MetricSnapshots

/// What workers tell of themselves, added up. Workers come and go, and their counts begin anew; the sums only grow.
struct ReportedFigures {
    private struct Known {
        var figures: WorkerFigures
        /// Seconds of the coordinator's clock.
        var at: Double
    }

    /// By worker, what it said last.
    private var known: [WorkerID: Known] = [:]
    /// By level, of all workers since the coordinator began.
    private(set) var levels: [Int: WorkerFigures.Level] = [:]

    private static let most = 4096
    /// Steps and tokens that no worker has in a second.
    private static let (mostSteps, mostTokens) = (1e6, 1e9)

    /// Takes in what a worker says. What cannot be is left away.
    ///
    /// - Parameter now: seconds since the coordinator began.
    mutating func take(_ figures: WorkerFigures, of worker: WorkerID, at now: Double) {
        let former = known[worker]
        if former == nil, known.count >= Self.most { forgetOldest() }
        known[worker] = Known(figures: figures, at: now)
        let isSameRun = former?.figures.run == figures.run
        // What an engine did before this coordinator began was another one's to count.
        guard isSameRun || figures.seconds <= now + Self.slack else { return }
        let seconds = isSameRun ? now - (former?.at ?? now) : figures.seconds
        for (level, current) in figures.levels {
            let earlier = isSameRun ? former?.figures.levels[level] : nil
            guard let news = earlier.map({ current.since($0) }) ?? current, Self.isPossible(news, in: seconds) else {
                continue
            }
            levels[level, default: WorkerFigures.Level()].add(news)
        }
    }

    private static let slack = 5.0

    private static func isPossible(_ news: WorkerFigures.Level, in seconds: Double) -> Bool {
        let time = max(0, seconds) + 1
        let steps = Double(max(news.step.count, news.prefill.count, news.rows.count))
        // Waiting for the first token may have begun long before, and rows are as many as a step has.
        return steps <= mostSteps * time && Double(news.tokens) <= mostTokens * time
    }

    /// What a worker said last of itself; nil where it says nothing.
    func latest(of worker: WorkerID) -> WorkerFigures? { known[worker]?.figures }

    /// Bytes that the processes of some workers have.
    func memory(of workers: some Sequence<WorkerID>) -> UInt64 {
        workers.reduce(0) { sum, worker in
            sum.addingReportingOverflow(known[worker]?.figures.memory ?? 0).partialValue
        }
    }

    private mutating func forgetOldest() {
        let oldest = known.sorted { $0.value.at < $1.value.at }.prefix(Self.most / 8)
        for (worker, _) in oldest { known[worker] = nil }
    }
}
