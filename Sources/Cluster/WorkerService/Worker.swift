package import ClusterProtocol
import Foundation
package import JukeboxModel
import Sampling
import SongPlan
import Synchronization
import Tensor
import WorkerCore

/// Why a worker stopped of itself.
package struct WorkerStopped: Error, CustomStringConvertible {
    package var description: String
}

/// A worker: samples the windows that a coordinator assigns.
///
/// The thread that calls `run` owns the transport and answers the coordinator; a second one, the engine, computes.
/// Heartbeats never wait for arithmetic.
package final class Worker: Sendable {
    package struct Options: Sendable {
        /// For people: host and process.
        package var name: String
        /// Levels to serve; their priors are loaded before the first HELLO.
        package var levels: [Int]
        package var threads: Int
        /// Windows in the running batch; nil for 16, or fewer when memory is short.
        package var slots: Int?
        /// Bytes for weights and windows; nil for nine tenths of what is free.
        package var memory: Int?
        package var log: @Sendable (String) -> Void

        package init(
            name: String, levels: [Int], threads: Int, slots: Int? = nil, memory: Int? = nil,
            log: @escaping @Sendable (String) -> Void = { _ in }
        ) {
            self.name = name
            self.levels = levels
            self.threads = threads
            self.slots = slots
            self.memory = memory
            self.log = log
        }
    }

    private let options: Options
    private let modelName: String
    private let fingerprints: [Int: String]
    /// By level, what an assignment must keep to.
    private let checks: [Int: AssignmentCheck]
    /// Windows in the running batch.
    package let slots: Int
    private let desk: WorkDesk
    private let engine: Engine
    private let identity = UUID().uuidString
    private let stopping = Atomic(false)

    /// Loads the priors of the levels.
    ///
    /// - Throws: what reading the model throws; `MemoryShortage`.
    package init(model: Model, options: Options) throws {
        self.options = options
        modelName = model.name
        var fingerprints: [Int: String] = [:]
        for level in options.levels { fingerprints[level] = try model.fingerprint(level: level) }
        self.fingerprints = fingerprints
        let backend = CPUBackend(model: model, team: ThreadTeam(threads: options.threads))
        engine = try Engine(model: model, backend: backend, options: options)
        checks = Dictionary(
            uniqueKeysWithValues: Set(options.levels).map { ($0, AssignmentCheck(model: model, level: $0)) })
        slots = engine.slots
        var scheduler = BatchScheduler(
            settings: BatchScheduler.Settings(slots: engine.slots), blockLengths: engine.blockLengths)
        scheduler.setResident(engine.residentLevels)
        desk = WorkDesk(scheduler: scheduler)
    }

    /// Makes `run` return soon, after a goodbye. Any thread.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// Serves until `stop`.
    ///
    /// - Throws: `WorkerStopped` when the coordinator refuses the worker, with its reason; `TransportError`.
    package func run(transport: any Transport) throws {
        desk.waker.withLock { $0 = transport.waker }
        let thread = Thread { [engine, desk] in engine.run(desk: desk) }
        thread.stackSize = 8 << 20
        thread.name = "engine"
        thread.start()
        defer { desk.close() }
        var conversation = Conversation(
            transport: transport, desk: desk, options: options, slots: slots, modelName: modelName, identity: identity,
            fingerprints: fingerprints, checks: checks)
        while !stopping.load(ordering: .relaxed) { try conversation.turn() }
        conversation.leave()
    }
}

/// What the network thread and the engine share, behind one lock.
final class WorkDesk: Sendable {
    struct State {
        var scheduler: BatchScheduler
        /// What the engine needs to begin a task, or to go on with one that it began ahead of its lease, by the task's
        /// number; kept until it has.
        var assignments: [Int: WireAssignment] = [:]
        /// What is prefilled ahead of its lease, as it was asked for last.
        var ahead: [TaskID: WireAssignment] = [:]
        var outgoing: [Chunk] = []
        var failures: [(task: TaskID, epoch: Epoch, reason: String)] = []
        /// New tokens since the start, for the measured speed.
        var sampled = 0
        var isClosed = false
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

    func close() {
        state.withLock { $0.isClosed = true }
        signalEngine()
    }
}
