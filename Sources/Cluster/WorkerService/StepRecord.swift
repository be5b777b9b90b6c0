import SongPlan
import Synchronization
import WorkerCore

/// Writes what is in each step on the board before it runs. Most steps have the windows of the one before, and then a
/// number or two is all.
struct StepRecord {
    private let board: StepBoard?
    private let fault: FaultInjection?
    /// Numbers of the tasks that are on the board.
    private var written: [Int] = []
    private var struck: Set<TaskID> = []

    init(board: StepBoard?, fault: FaultInjection?) { (self.board, self.fault) = (board, fault) }

    /// - Returns: whether windows of the step are to fail, for a test.
    mutating func begin(_ step: Step, _ shared: SharedBatch) -> Bool {
        guard board != nil || fault != nil else { return false }
        let count = step.decodes.count + step.prefills.count
        let isSame =
            written.count == count && zip(step.decodes, written).allSatisfy { $0.job == $1 }
            && zip(step.prefills, written.dropFirst(step.decodes.count)).allSatisfy { $0.seat.job == $1 }
        let held: Int
        if isSame {
            held = shared.state.withLock { $0.scheduler.count }
        } else {
            written.removeAll(keepingCapacity: true)
            held = shared.state.withLock { state in
                for seat in step.decodes { add(seat, state.scheduler) }
                for prefill in step.prefills { add(prefill.seat, state.scheduler) }
                return state.scheduler.count
            }
        }
        board?.begin(windows: count, held: held)
        return fault.map { strike($0, step, held: held) } ?? false
    }

    private mutating func add(_ seat: Step.Seat, _ scheduler: BatchScheduler) {
        board?.set(written.count, seat.task, scheduler.epoch(ofJob: seat.job) ?? 0)
        written.append(seat.job)
    }

    private mutating func strike(_ fault: FaultInjection, _ step: Step, held: Int) -> Bool {
        struck = Set((step.decodes + step.prefills.map(\.seat)).map(\.task).filter { fault.strikes($0, held: held) })
        guard !struck.isEmpty else { return false }
        fault.strike()
        return true
    }

    func isStruck(_ task: TaskID) -> Bool { struck.contains(task) }

    func end() { board?.end() }

    /// A task has another epoch than the board says.
    mutating func forget() { written.removeAll(keepingCapacity: true) }
}
