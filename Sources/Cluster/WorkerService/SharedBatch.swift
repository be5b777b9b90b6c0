import ClusterProtocol
import Foundation
import SongPlan
import Synchronization
import WorkerCore

/// What the network thread and the engine share, behind one lock.
final class SharedBatch: Sendable {
    struct State {
        var scheduler: BatchScheduler
        /// What the engine needs to begin a task, or to go on with one that it began ahead of its lease, by the task's
        /// number; kept until it has.
        var assignments: [Int: WindowAssignment] = [:]
        /// What is prefilled ahead of its lease, as it was asked for last.
        var ahead: [TaskID: WindowAssignment] = [:]
        var announced = AnnouncedWindows()
        var outgoing: [Chunk] = []
        var failures: [(task: TaskID, epoch: Epoch, reason: String)] = []
        /// New tokens since the start, for the measured speed.
        var sampled = 0
        var isClosed = false
        /// Nothing is sampled any more: what there is is handed in.
        var isLeaving = false
        /// The engine is in a step.
        var isStepping = false
        /// Why the engine cannot go on, whatever the window: no song's fault.
        var fault: String?
    }

    let state: Mutex<State>
    let waker = Mutex<(any Waker)?>(nil)
    private let work = DispatchSemaphore(value: 0)

    init(scheduler: BatchScheduler) {
        state = Mutex(State(scheduler: scheduler))
    }

    /// Tells the engine that there may be something to do.
    func signalEngine() { work.signal() }

    /// Waits a little for `signalEngine`.
    func waitForWork() { _ = work.wait(timeout: .now() + .milliseconds(200)) }

    func wakeNetwork() { waker.withLock { $0?.wake() } }

    /// Nothing is sampled from now on.
    func beginLeaving() { state.withLock { $0.isLeaving = true } }

    func close() {
        state.withLock { $0.isClosed = true }
        signalEngine()
    }
}

extension SharedBatch.State {
    /// Whether the engine computes.
    var isOpen: Bool { !isClosed && !isLeaving }

    /// Whether nothing more comes of a worker that leaves.
    var hasLeft: Bool { isLeaving && !isStepping && outgoing.isEmpty && scheduler.isHandedIn }

    /// Begins a window, or goes on with it, ahead of its lease.
    ///
    /// - Returns: whether there is anything to do.
    mutating func addAhead(_ assignment: WindowAssignment, prefix: Int) -> Bool {
        leave(ahead: assignment.task, unlessIn: assignment)
        let work = WorkerTask(
            task: assignment.task, epoch: 0, prefillRows: prefix + assignment.tokens.count,
            newTokens: assignment.newTokens, path: assignment.path)
        guard let job = try? scheduler.add(work) else { return false }
        assignments[job] = assignment
        ahead[assignment.task] = assignment
        return true
    }

    /// Begins a window all of whose prime exists, ahead of its lease.
    mutating func addWhole(_ assignment: WindowAssignment, prefix: Int) {
        leave(ahead: assignment.task, unlessIn: assignment)
        let work = WorkerTask(
            task: assignment.task, epoch: 0, prefillRows: prefix + assignment.tokens.count + 1,
            newTokens: assignment.newTokens, path: assignment.path, hasWholePrime: true)
        guard let job = try? scheduler.add(work) else { return }
        assignments[job] = assignment
        ahead[assignment.task] = assignment
    }

    /// The worker is told the window after one that it has.
    mutating func announce(_ assignment: WindowAssignment, _ check: AssignmentCheck) {
        announced.keep(where: scheduler.has)
        guard scheduler.has(assignment.task.before) else { return }
        if let whole = announced.announce(assignment, check) { addWhole(whole, prefix: check.prefix) }
    }

    /// All tokens of a window exist: the next one is begun where it was announced.
    mutating func ended(_ task: TaskID, start: Int, tokens: [UInt16], _ check: AssignmentCheck) {
        announced.keep(where: scheduler.has)
        if let whole = announced.ended(task, start: start, tokens: tokens, check) {
            addWhole(whole, prefix: check.prefix)
        }
    }

    /// A lease is taken back: what was begun after its window goes with it.
    mutating func leave(after task: TaskID) {
        announced.forget(task)
        let next = TaskID(stream: task.stream, window: task.window + 1)
        guard ahead[next] != nil else { return }
        ahead[next] = nil
        scheduler.dropAhead(next)
    }

    /// Takes a window on.
    ///
    /// - Parameter prefix: lyric rows before the music.
    mutating func add(_ assignment: WindowAssignment, prefix: Int) throws(AdmissionError) {
        leave(ahead: assignment.task, unlessIn: assignment)
        ahead[assignment.task] = nil
        let work = WorkerTask(
            task: assignment.task, epoch: assignment.epoch, prefillRows: prefix + assignment.tokens.count + 1,
            newTokens: assignment.newTokens, done: assignment.tokens.count - assignment.prime, path: assignment.path)
        if let job = try scheduler.add(work) { assignments[job] = assignment }
    }

    /// Nobody asks any more for what was prefilled ahead, and what was to be sent comes again with the rest.
    mutating func dropAhead() {
        outgoing = []
        ahead = [:]
        announced = AnnouncedWindows()
        scheduler.dropAhead()
    }

    /// Drops what was prefilled of a task, unless the assignment goes on from there.
    private mutating func leave(ahead task: TaskID, unlessIn assignment: WindowAssignment) {
        guard let known = ahead[task], !assignment.goesOn(known) else { return }
        ahead[task] = nil
        scheduler.dropAhead(task)
    }
}
