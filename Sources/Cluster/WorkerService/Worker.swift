package import ClusterProtocol
import Foundation
package import JukeboxModel
import ProcessLimits
package import ProgramLog
import Sampling
import SongPlan
import Synchronization
import Tensor
package import WorkerCore

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
        /// How often it says hello, and when it sends again what nobody acknowledges.
        package var session: Session.Settings
        package var log: Log
        /// New tokens in a full chunk.
        package var chunk = 128
        /// The time since any fixed moment.
        package var clock: @Sendable () -> Duration = SteadyClock.time
        /// What tells its figures from those of another process; nil draws a number.
        package var run: UInt64?
        /// Bytes that its process has.
        package var usedMemory: @Sendable () -> UInt64 = { ProcessUse.memory }
        /// What the worker is called in the protocol; nil draws one.
        package var identity: String?
        /// A durable name of the machine.
        package var machine: String?
        /// Where steps are told.
        package var board: StepBoard?
        /// When a step counts as hung, so that `run` throws; nil is never.
        package var hang: HangSettings?

        /// - Parameter log: gets the words of each line.
        package init(
            name: String, levels: [Int], threads: Int, slots: Int? = nil, memory: Int? = nil,
            session: Session.Settings = Session.Settings(),
            log: @escaping @Sendable (String) -> Void = { _ in }
        ) {
            self.name = name
            self.levels = levels
            self.threads = threads
            self.slots = slots
            self.memory = memory
            self.session = session
            self.log = Log(log)
        }
    }

    private let options: Options
    private let modelName: String
    private let fingerprints: [Int: String]
    /// By level, what an assignment must keep to.
    private let checks: [Int: AssignmentCheck]
    /// Windows in the running batch.
    package let slots: Int
    /// What the engine computes on, for people.
    private let device: String
    private let batch: SharedBatch
    private let engine: Engine
    var engineMetrics: EngineMetrics { engine.metrics }
    private let identity: String
    private let pulse = StepPulse()
    private let stopping = Atomic(false)
    /// By when it has left; nil until it is asked to leave.
    private let leaving = Mutex<ContinuousClock.Instant?>(nil)

    /// Loads the priors of the levels.
    ///
    /// - Throws: what reading the model throws; `MemoryShortage`.
    package init(model: Model, options: Options) throws {
        self.options = options
        identity = options.identity ?? UUID().uuidString
        modelName = model.name
        let team = ThreadTeam(threads: options.threads)
        device = "CPU, \(options.threads) \(options.threads == 1 ? "thread" : "threads"), \(Kernels.active.name)"
        var identities: [Int: WeightIdentity] = [:]
        func makeEngine(_ pulse: StepPulse, isFresh: Bool) throws -> Engine {
            for level in options.levels { identities[level] = try model.identity(level: level, isFresh: isFresh) }
            let backend = CPUBackend(model: model, team: team, announced: identities)
            precondition(backend.profile == model.profile, "the backend has another profile than the model")
            return try Engine(
                model: ServedModel(model, levels: options.levels, fingerprints: identities.mapValues(\.fingerprint)),
                backend: backend, options: options, pulse: pulse)
        }
        do {
            engine = try makeEngine(pulse, isFresh: false)
        } catch is ModelChanged {
            // Nothing was announced yet, so what is there now is as good.
            engine = try makeEngine(pulse, isFresh: true)
        }
        fingerprints = identities.mapValues(\.fingerprint)
        checks = ServedModel(model, levels: options.levels, fingerprints: fingerprints).checks
        slots = engine.slots
        var scheduler = BatchScheduler(
            settings: BatchScheduler.Settings(slots: engine.slots, chunk: options.chunk),
            blockLengths: engine.blockLengths)
        scheduler.setResident(engine.residentLevels)
        batch = SharedBatch(scheduler: scheduler)
    }

    /// Makes `run` return soon, after a goodbye. Any thread.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// Makes `run` return when all that was sampled is journaled, with nothing more sampled; after `grace` at the latest. Its
    /// windows then go on with others, from there. Any thread.
    package func leave(within grace: Duration) {
        let deadline = ContinuousClock.now + grace
        leaving.withLock { $0 = $0 ?? deadline }
        batch.wakeNetwork()
    }

    /// Serves until `stop` or `leave`.
    ///
    /// - Parameter place: the coordinator's address, for people.
    /// - Throws: `WorkerStopped` when the coordinator refuses the worker, with its reason; `EngineHung`; `TransportError`.
    package func run(transport: any Transport, place: String = "the coordinator") throws {
        batch.waker.withLock { $0 = transport.waker }
        let thread = Thread { [engine, batch] in engine.run(batch) }
        thread.stackSize = 8 << 20
        thread.name = "engine"
        thread.start()
        defer { batch.close() }
        var conversation = Conversation(
            transport: transport, place: place, batch: batch, metrics: engine.metrics,
            introduction: Conversation.Introduction(
                options: options, slots: slots, device: device, modelName: modelName, identity: identity,
                fingerprints: fingerprints),
            checks: checks)
        var watch = HangWatch()
        while !stopping.load(ordering: .relaxed) {
            let deadline = leaving.withLock { $0 }
            if deadline != nil { try conversation.beginLeaving() }
            try conversation.turn()
            if options.hang != nil { try watch.look(pulse, now: .now) }
            guard let deadline else { continue }
            if conversation.hasHandedIn { break }
            if deadline <= .now {
                options.log("the time to leave is over; what is not acknowledged is sampled again by others", .warning)
                break
            }
        }
        conversation.leave()
    }
}
