import ClusterProtocol
import CoordinatorCore
import WorkerCore
import WorkerService

/// A machine with a worker's process, which may be killed and started again.
final class SimulatedWorker {
    /// What stays when its process is gone.
    struct Machine {
        var slots: Int
        /// Seconds of a step.
        var step: Double
        /// The share of its windows of which it says wrong tokens.
        var lies: Double
    }

    let index: Int
    let machine: Machine
    private let network: SimulatedNetwork
    private let clock: EngineClock
    /// nil while no process runs.
    private var process: (worker: SteppedWorker, transport: WorkerTransport, backend: HashBackend)?
    /// Of processes so far: what was planned for a former one does not happen.
    private(set) var number = 0
    /// Whether it neither hears nor speaks, nor computes (SIGSTOP).
    var isStopped = false
    /// How many times slower it is.
    var slowness = 1.0 { didSet { process?.backend.secondsOfStep = machine.step * slowness } }
    /// Whether a step of its engine is planned.
    var isComputing = false
    private let settings: Session.Settings
    private let chunk: Int

    init(
        _ index: Int, _ machine: Machine, chunk: Int, session: Session.Settings, network: SimulatedNetwork,
        clock: VirtualClock
    ) {
        (self.index, self.machine, self.chunk, settings) = (index, machine, chunk, session)
        self.network = network
        self.clock = EngineClock(clock)
    }

    var isRunning: Bool { process != nil }
    var name: String { "w\(index + 1)" }
    var count: Int { process?.worker.count ?? 0 }
    var hasMail: Bool { process?.transport.hasMail ?? false }

    /// - Throws: what no machine of the simulation should meet.
    func start() throws {
        number += 1
        isComputing = false
        let clock = clock
        var options = WorkerService.Worker.Options(
            name: name, levels: [2, 1, 0], threads: 1, slots: machine.slots, session: settings)
        options.identity = "\(name).\(number)"
        options.machine = "m\(index + 1)"
        options.chunk = chunk
        options.clock = { clock.time }
        // The same every time.
        options.run = UInt64(index) << 32 + UInt64(number)
        options.usedMemory = { 1 << 20 }
        let transport = WorkerTransport(network, link: index)
        let backend = HashBackend(clock: clock, secondsOfStep: machine.step * slowness, lies: machine.lies)
        let worker = try SteppedWorker(HashModel.served, backend: backend, options: options, transport: transport)
        process = (worker, transport, backend)
    }

    func kill() {
        process = nil
        isStopped = false
    }

    /// Samples nothing more, and hands in what there is.
    func beginLeaving() { try? process?.worker.beginLeaving() }

    func leave() { process?.worker.leave() }

    func deliver(_ payload: [UInt8]) { process?.transport.deliver(payload) }

    /// - Throws: `WorkerStopped` when it ends of itself.
    func talk() throws { try process?.worker.talk() }

    /// Computes a step.
    ///
    /// - Returns: the seconds that it takes; nil when there was nothing to do.
    func compute() -> Double? {
        guard let process else { return nil }
        clock.ahead = 0
        defer { clock.ahead = 0 }
        return process.worker.compute() ? clock.ahead : nil
    }
}
