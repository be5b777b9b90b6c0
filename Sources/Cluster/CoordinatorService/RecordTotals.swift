import ClusterMetrics
import CoordinatorCore
import Journal
import MetricSnapshots
import SongPlan

extension Total {
    init(_ metric: MetricDefinition, _ label: String = "") { self.init(metric.name, label) }
}

/// What records add to the totals. They are journaled together, so that both are there, or none.
struct RecordTotals {
    private(set) var counts: [Total: UInt64] = [:]
    /// Of a claim that was the last record: the tokens that follow from it are of the same chunk.
    private var claim: (task: TaskID, epoch: Epoch)?

    /// - Parameter windowEnd: the place in the level after the last token of a task's window; nil of one that is not there.
    init(_ records: [Record], windowEnd: (TaskID) -> Int?) {
        for record in records {
            count(record, windowEnd)
            if case .claimed(let task, let epoch, _, _, _) = record { claim = (task, epoch) } else { claim = nil }
        }
    }

    private mutating func add(_ metric: MetricDefinition, _ label: String = "", _ count: Int = 1) {
        if count > 0 { counts[Total(metric, label), default: 0] += UInt64(count) }
    }

    private mutating func count(_ record: Record, _ windowEnd: (TaskID) -> Int?) {
        switch record {
        case .songSubmitted: add(CoordinatorMetric.songsSubmitted)
        case .tokens(_, let start, let tokens, .sampled(let task, let epoch, _)):
            add(CoordinatorMetric.tokensSampled, "\(task.level)", tokens.count)
            if windowEnd(task) == start + tokens.count { add(CoordinatorMetric.windowsCompleted, "\(task.level)") }
            if claim?.task != task || claim?.epoch != epoch { add(CoordinatorMetric.chunksJournaled) }
        case .claimed: add(CoordinatorMetric.chunksJournaled)
        case .leaseGranted(let task, _, _): add(CoordinatorMetric.leasesGranted, "\(task.level)")
        case .leaseEnded(_, _, of: _, let ending): add(CoordinatorMetric.leasesLost, ending.word)
        case .workerBlamed(_, _, let blame, machine: _):
            if let kind = blame.word { add(CoordinatorMetric.windowFailures, kind) }
        case .songState(_, let state): count(state)
        case .songResumed: add(CoordinatorMetric.songsResumed)
        case .songRemoved: add(CoordinatorMetric.songsRemoved)
        case .checkBegun: add(CoordinatorMetric.windowsCompared)
        case .verdict: add(CoordinatorMetric.machinesConvicted)
        case .tokens(_, _, _, .known), .cut, .songNoted, .machine, .checkEnded, .tokensDropped, .cutDropped,
            .verdictLifted:
            break
        }
    }

    private mutating func count(_ state: SongState) {
        switch state {
        case .preparing, .sampling, .decoding: break
        case .parked: add(CoordinatorMetric.songsParked)
        case .finished, .failed, .cancelled: add(CoordinatorMetric.songsEnded, state.word)
        }
    }
}

extension Blame {
    static let words = ["reported", "crashed", "suspected"]

    /// Without its details; nil for what counts for nothing.
    fileprivate var word: String? {
        switch self {
        case .vanished: nil
        case .reported: "reported"
        case .crashed(_, let isAlone): isAlone ? "crashed" : "suspected"
        }
    }
}
