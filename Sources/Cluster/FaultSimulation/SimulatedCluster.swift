import ClusterProtocol
import ClusterSimulation
import CoordinatorCore
import SongPlan

/// A whole cluster in virtual time, with one thread: what happens next is what is due next.
final class SimulatedCluster {
    enum Happening {
        case packet(Packet)
        /// The coordinator's process has a turn.
        case turn(process: Int)
        case talk(Int, process: Int)
        case compute(Int, process: Int)
        case connect(Int)
        case forget(ConnectionID)
        case startWorker(Int, process: Int)
        case startCoordinator(process: Int)
        case client
        case fault(Int)
        case end(Int)
        case calm
    }

    let seed: UInt64
    let clock = VirtualClock()
    let trace: Trace
    let disk: SimulatedDisk
    let network: SimulatedNetwork
    let finished = FinishedSongs()
    let checks: Checks
    let scenario: Scenario
    var schedule: FaultSchedule
    /// Faults that are to strike.
    let wanted: Int
    /// When faults ended; nil until then.
    var calmSince: Double?
    let workers: [SimulatedWorker]
    var client: SimulatedClient
    var coordinator: SimulatedCoordinator?
    /// Of the coordinator's processes so far.
    private(set) var process = 0
    var isCoordinatorStopped = false
    /// What happens to the disk when the coordinator's process dies by itself.
    var willLosePower = false
    var dice: Dice
    /// What lasts for a while, and how it ends; nil when it has.
    var lasting: [(() -> Void)?] = []
    var fired: [Fault.Kind: Int] = [:]
    /// By fault, how often it found nothing to strike.
    var misses: [Int: Int] = [:]
    private var queue = EventQueue<Happening>()
    private(set) var events = 0
    private var isTurnDue = false
    private var talksDue: Set<Int> = []

    private static let tick = 0.2
    /// With so few faults, songs are short.
    private static let fewFaults = 20
    /// Without a fault there is still a song.
    private static let leastSeconds = 2.0
    /// How long songs may take when no fault happens any more.
    static let patience = 300.0

    /// - Throws: `SimulationError`.
    init(seed: UInt64, faults: Int, print: ((String) -> Void)? = nil) throws {
        self.seed = seed
        scenario = Scenario(seed: seed, isShort: faults <= Self.fewFaults)
        schedule = FaultSchedule(dice: Dice(seed: seed, part: 2), workers: scenario.machines.count)
        wanted = faults
        trace = Trace(clock, print: print)
        disk = try SimulatedDisk(clock)
        network = SimulatedNetwork(links: scenario.machines.count, clock: clock, dice: Dice(seed: seed, part: 3))
        checks = Checks(hasLiar: scenario.hasLiar)
        dice = Dice(seed: seed, part: 4)
        client = SimulatedClient(scenario)
        let (clock, network, scenario) = (clock, network, scenario)
        workers = scenario.machines.enumerated().map { index, machine in
            SimulatedWorker(
                index, machine, chunk: scenario.settings.chunk, session: scenario.session, network: network,
                clock: clock)
        }
        network.launch = { [unowned self] packet, after in plan(.packet(packet), after: after) }
    }

    /// Faults that have struck.
    var struck: Int { fired.values.reduce(0, +) }

    func plan(_ happening: Happening, after seconds: Double) {
        queue.add(happening, at: clock.now + VirtualClock.after(max(0, seconds)))
    }

    // MARK: Running

    /// Runs until all songs have ended, or should have.
    ///
    /// - Throws: `Violation`.
    func run() throws {
        for worker in workers { trace.log("\(worker.name): \(worker.machine)") }
        plan(.startCoordinator(process: 0), after: 0)
        for worker in workers { plan(.startWorker(worker.index, process: 0), after: dice.between(0, 1)) }
        plan(.client, after: 0.1)
        if wanted > 0 { planFault() } else { plan(.calm, after: Self.leastSeconds) }
        while let (time, happening) = queue.next() {
            clock.advance(to: time)
            events += 1
            try happen(happening)
            if client.isDone { return try finish() }
            guard clock.seconds < (calmSince ?? clock.seconds) + Self.patience else {
                throw client.stuck(coordinator, workers)
            }
        }
    }

    /// Lets go of the disk.
    func close() {
        disk.kill()
        coordinator?.close()
        coordinator = nil
    }

    private func finish() throws {
        let counts = network.counts
        try Violation.unless(
            network.most < 2000, .growth, "\(network.most) of \(counts.messages) messages were on their way at once")
        try Violation.unless(disk.size < 20_000_000, .growth, "the disk has \(disk.size) bytes")
    }

    private func happen(_ happening: Happening) throws {
        switch happening {
        case .packet(let packet): arrive(packet)
        case .turn(let process): if process == self.process { try turn() }
        case .talk(let worker, let process): try talk(worker, process)
        case .compute(let worker, let process): compute(worker, process)
        case .connect(let worker): connect(worker)
        case .forget(let connection): network.forget(connection)
        case .startWorker(let worker, let process): try startWorker(worker, process)
        case .startCoordinator(let process): try startCoordinator(process)
        case .client:
            try client.act(self)
            plan(.client, after: 0.5)
        case .fault(let number): strike(number)
        case .end(let number): endLasting(number)
        case .calm: beCalm()
        }
    }

    private func arrive(_ packet: Packet) {
        guard network.arrive(packet) else { return trace.packet(packet, ", lost with its connection") }
        trace.packet(packet, "")
        switch packet.way {
        case .toCoordinator:
            coordinator?.deliver(packet.payload, from: packet.connection)
            wakeCoordinator()
        case .toWorker:
            workers[packet.link].deliver(packet.payload)
            wake(packet.link)
        }
    }

    // MARK: The coordinator

    private func wakeCoordinator() {
        guard !isTurnDue, coordinator != nil, !isCoordinatorStopped else { return }
        isTurnDue = true
        plan(.turn(process: process), after: 0)
    }

    private func turn() throws {
        let isTick = !isTurnDue
        isTurnDue = false
        guard let coordinator else { return }
        if !isCoordinatorStopped {
            do {
                try coordinator.turn()
            } catch is ProcessKilled {
                return coordinatorDied()
            } catch let violation as Violation {
                throw violation
            } catch {
                throw Violation(.process, "the coordinator ended: \(error)")
            }
        }
        if isTick { plan(.turn(process: process), after: Self.tick) }
    }

    private func startCoordinator(_ process: Int) throws {
        guard process == self.process, coordinator == nil else { return }
        do {
            coordinator = try SimulatedCoordinator(
                SimulatedCoordinator.Surroundings(
                    clock: clock, disk: disk, network: network, finished: finished, checks: checks, trace: trace,
                    settings: scenario.settings),
                dice: Dice(seed: seed, part: 1000 + UInt64(process)))
        } catch is ProcessKilled {
            return coordinatorDied()
        } catch let violation as Violation {
            throw violation
        } catch {
            guard error.isOfDiskNow else { throw Violation(.process, "the coordinator cannot start: \(error)") }
            trace.log("the coordinator cannot start yet: \(error)")
            self.process += 1
            disk.revive()
            return plan(.startCoordinator(process: self.process), after: 1)
        }
        trace.log("the coordinator runs")
        (isTurnDue, isCoordinatorStopped) = (false, false)
        plan(.turn(process: process), after: 0)
        for worker in workers where worker.isRunning { plan(.connect(worker.index), after: dice.between(0.01, 0.6)) }
    }

    /// The coordinator's process is gone, with its connections and what its disk had not synced where the power went.
    func coordinatorDied() {
        trace.log(willLosePower ? "the coordinator's machine lost its power" : "the coordinator died")
        disk.kill()
        coordinator?.close()
        coordinator = nil
        process += 1
        if willLosePower { disk.cutPower(dice.next()) } else { disk.revive() }
        willLosePower = false
        for worker in workers { network.disconnect(worker.index) }
        network.forgetAll()
        plan(.startCoordinator(process: process), after: dice.between(0.05, 1.5))
    }

    // MARK: Workers

    func wake(_ worker: Int, after seconds: Double = 0) {
        guard workers[worker].isRunning, !workers[worker].isStopped, talksDue.insert(worker).inserted else { return }
        plan(.talk(worker, process: workers[worker].number), after: seconds)
    }

    func startWorker(_ index: Int, _ process: Int) throws {
        let worker = workers[index]
        guard !worker.isRunning, worker.number == process else { return }
        try worker.start()
        trace.log("\(worker.name) runs")
        talksDue.remove(index)
        plan(.talk(index, process: worker.number), after: Self.tick)
        if coordinator != nil { plan(.connect(index), after: dice.between(0.01, 0.3)) }
    }

    func workerDied(_ index: Int, noticed: Double) {
        let worker = workers[index]
        guard worker.isRunning else { return }
        worker.kill()
        talksDue.remove(index)
        if let connection = network.disconnect(index) { plan(.forget(connection), after: noticed) }
        plan(.startWorker(index, process: worker.number), after: dice.between(0.1, 1.5))
    }

    private func connect(_ index: Int) {
        guard workers[index].isRunning, coordinator != nil, !network.isUp(index) else { return }
        network.connect(index)
        wake(index)
    }

    private func talk(_ index: Int, _ process: Int) throws {
        let worker = workers[index]
        guard worker.isRunning, worker.number == process else { return }
        let isTick = talksDue.remove(index) == nil
        if !worker.isStopped {
            do {
                try worker.talk()
            } catch {
                trace.log("\(worker.name) ended: \(error)")
                return workerDied(index, noticed: 0.1)
            }
            if worker.hasMail { wake(index) }
            if !worker.isComputing, worker.count > 0 {
                worker.isComputing = true
                plan(.compute(index, process: worker.number), after: 0)
            }
        }
        if isTick { plan(.talk(index, process: process), after: Self.tick) }
    }

    private func compute(_ index: Int, _ process: Int) {
        let worker = workers[index]
        guard worker.isRunning, worker.number == process, !worker.isStopped, let seconds = worker.compute() else {
            worker.isComputing = false
            return
        }
        plan(.compute(index, process: process), after: seconds)
        wake(index, after: seconds)
    }
}
