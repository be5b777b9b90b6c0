import SongPlan

/// The workers, and which of them have free slots for what.
struct WorkerPool: Sendable {
    private(set) var workers: [WorkerID: Worker] = [:]
    /// Of all workers that are connected.
    private(set) var slots = 0
    private(set) var speeds = SpeedBook()
    private var peers: [Peer: WorkerID] = [:]
    private var candidates: [Skill: Candidates] = [:]
    /// Machines that get nothing for now.
    private var suspended: Set<MachineID> = []
    /// Seconds of measurements that a speed is made of, about: what a slot gets changes from chunk to chunk, since
    /// levels share the time.
    private static let memory = 5.0

    subscript(id: WorkerID) -> Worker? { workers[id] }

    func worker(at peer: Peer) -> Worker? { peers[peer].flatMap { workers[$0] } }

    /// In the order of their names, so that what follows is the same every time.
    var sortedIDs: [WorkerID] { workers.keys.sorted() }

    var connected: [Worker] { workers.values.filter { $0.peer != nil } }

    /// Whether a worker that is connected has it.
    func serves(_ skill: Skill) -> Bool { candidates[skill] != nil }

    // MARK: Coming and going

    /// Admits a worker at a peer, with the tasks that it had under the same name.
    mutating func connect(_ description: WorkerDescription, at peer: Peer, now: Instant, isSetAside: Bool = false) {
        let former = workers[description.id]
        var description = description
        description.tokensPerSecond = Self.possible(description.tokensPerSecond) ?? 0
        remove(description.id)
        var worker = Worker(description, at: peer, now: now, former: former)
        worker.isSetAside = isSetAside
        workers[description.id] = worker
        if worker.isMeasured { noteSpeed(description.tokensPerSecond) }
        slots += description.slots
        peers[peer] = description.id
        for skill in worker.skills { candidates[skill, default: Candidates()].connect(description.id) }
        updateCandidate(description.id)
    }

    /// Nothing more is sent to the worker or given to it; its tasks are still its own.
    mutating func disconnect(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        for skill in worker.skills {
            candidates[skill]?.disconnect(id)
            if candidates[skill]?.connected.isEmpty == true { candidates[skill] = nil }
        }
        if let peer = worker.peer {
            peers[peer] = nil
            slots -= worker.description.slots
        }
        workers[id]?.disconnect()
    }

    mutating func remove(_ id: WorkerID) {
        disconnect(id)
        workers[id] = nil
    }

    mutating func hear(_ id: WorkerID, now: Instant) {
        let wasQuiet = workers[id]?.isQuiet ?? false
        workers[id]?.hear(now)
        if wasQuiet { updateCandidate(id) }
    }

    /// Who was silent for `patience` gets nothing until it is heard.
    mutating func noticeSilence(of patience: Duration, now: Instant) {
        for (id, worker) in workers where !worker.isQuiet && worker.peer != nil && now - worker.lastHeard >= patience {
            workers[id]?.setQuiet()
            updateCandidate(id)
        }
    }

    /// Whether a worker may be given anything.
    func isUsable(_ id: WorkerID) -> Bool { workers[id]?.isUsable ?? false }

    /// A machine's workers get nothing, or get windows again.
    ///
    /// - Returns: those workers.
    mutating func setAside(_ machine: MachineID, _ isSetAside: Bool) -> [WorkerID] {
        let own = workers.filter { $0.value.machine == machine && $0.value.isSetAside != isSetAside }.keys.sorted()
        for id in own {
            workers[id]?.isSetAside = isSetAside
            updateCandidate(id)
        }
        return own
    }

    /// A worker leaves, or does not.
    ///
    /// - Returns: whether that is news.
    mutating func setLeaving(_ id: WorkerID, _ isLeaving: Bool) -> Bool {
        guard let worker = workers[id], worker.isLeaving != isLeaving else { return false }
        workers[id]?.isLeaving = isLeaving
        updateCandidate(id)
        return true
    }

    /// A worker is drained, or gets windows again.
    ///
    /// - Returns: whether that is news.
    mutating func setDrained(_ id: WorkerID, _ isDrained: Bool) -> Bool {
        guard let worker = workers[id], worker.isDrained != isDrained else { return false }
        workers[id]?.isDrained = isDrained
        updateCandidate(id)
        return true
    }

    /// All of them count as heard just now.
    mutating func hearAll(now: Instant) { for id in Array(workers.keys) { workers[id]?.restartSilence(now) } }

    /// The coordinator itself was not listening for `gap`: nobody's silence in it counts.
    mutating func excuse(_ gap: Duration) { for id in Array(workers.keys) { workers[id]?.excuse(gap) } }

    // MARK: Tasks

    /// A worker has one more task; one that is not known held it before a restart, and may come back.
    mutating func assign(
        _ task: TaskID, to id: WorkerID, now: Instant, isSuspect: Bool = false, isAhead: Bool = false
    ) {
        if workers[id] == nil {
            let unknown = WorkerDescription(id: id, name: id, model: "", fingerprints: [:], slots: 0)
            workers[id] = Worker(unknown, at: nil, now: now)
        }
        workers[id]?.begin(task, isSuspect: isSuspect, isAhead: isAhead)
        updateCandidate(id)
    }

    mutating func release(_ task: TaskID, of id: WorkerID) {
        workers[id]?.end(task)
        updateCandidate(id)
    }

    /// The task brought tokens, so it is no suspect any more.
    mutating func clear(_ task: TaskID, of id: WorkerID) {
        guard workers[id]?.suspect == task else { return }
        workers[id]?.clear(task)
        updateCandidate(id)
    }

    // MARK: Speeds

    /// A speed that arithmetic can go on with; nil for none.
    private static func possible(_ speed: Double) -> Double? {
        speed.isFinite && speed > 0 ? min(max(speed, 1e-6), 1e9) : nil
    }

    /// What a worker says of itself: it counts where nothing was measured, and only there.
    mutating func setSpeed(_ tokensPerSecond: Double, of id: WorkerID) {
        guard let tokensPerSecond = Self.possible(tokensPerSecond) else { return }
        workers[id]?.setSpeed(tokensPerSecond)
        updateCandidate(id)
        noteSpeed(tokensPerSecond)
    }

    /// Seconds until what a worker is sent is answered.
    mutating func setRoundTrip(_ seconds: Double, of id: WorkerID) {
        guard seconds.isFinite, (0...Self.longestRoundTrip).contains(seconds), workers[id]?.roundTrip != seconds else {
            return
        }
        workers[id]?.roundTrip = seconds
        updateCandidate(id)
    }

    private static let longestRoundTrip = 60.0

    /// The worker says how fast it is at a level: it knows better than its chunks tell, since levels share its time.
    mutating func setSpeed(_ speed: Double, of id: WorkerID, level: Int) {
        guard let speed = Self.possible(speed), let worker = workers[id],
            worker.description.fingerprints[level] != nil
        else { return }
        workers[id]?.setReported(speed, level: level)
        noteMeasured(speed, of: id, level: level)
    }

    /// A window of the worker got so many tokens a second over some seconds.
    mutating func measure(
        _ id: WorkerID, level: Int, tokensPerSecondOfSlot speed: Double, over seconds: Double = .infinity
    ) {
        guard let speed = Self.possible(speed), let worker = workers[id], !worker.reports(level) else { return }
        let total = speed / worker.part(level)
        workers[id]?.mix(total, weight: min(0.3, seconds * worker.part(level) / Self.memory), level: level)
        noteMeasured(total, of: id, level: level)
    }

    mutating func measurePrefill(level: Int, rows: Double, tokens: Double) {
        speeds.notePrefill(level: level, rows: rows, tokens: tokens)
    }

    private mutating func noteMeasured(_ speed: Double, of id: WorkerID, level: Int) {
        updateCandidate(id)
        let isFaster = speeds.note(speed)
        if speeds.note(speed, level: level) || isFaster { updateUnmeasured() }
    }

    private mutating func noteSpeed(_ speed: Double) {
        if speeds.note(speed) { updateUnmeasured() }
    }

    /// More is expected of workers that were not measured at every level.
    private mutating func updateUnmeasured() {
        for (id, worker) in workers where worker.throughput.count < worker.skills.count { updateCandidate(id) }
    }

    /// Tokens a second that one more window of a level would get of a worker.
    func speedOfNextSlot(_ id: WorkerID, _ level: Int) -> Double? {
        workers[id].map { speedOfNextSlot($0, level) }
    }

    /// A window that goes to another worker waits for its assignment, and those that need its tokens for its chunks.
    private func speedOfNextSlot(_ worker: Worker, _ level: Int) -> Double {
        let speed = speeds.expected(worker, level) * worker.part(level, joining: 1)
        return speed / (1 + speed * worker.roundTrip / Self.usualWindow)
    }

    /// New tokens of most windows.
    private static let usualWindow = 4096.0

    // MARK: Machines

    func machine(of id: WorkerID) -> MachineID { workers[id]?.machine ?? id }

    /// Whether there is a machine for a task besides some, busy or suspended or not.
    func hasMachine(for skill: Skill, besides others: Set<MachineID>) -> Bool {
        candidates[skill]?.connected.contains { id in
            workers[id].map { !$0.isOut && !others.contains($0.machine) } ?? false
        } ?? false
    }

    /// A worker with a free slot, suspended or not, on another machine than some; the fastest.
    func anyFree(for skill: Skill, besides others: Set<MachineID>) -> WorkerID? {
        let free = (candidates[skill]?.connected ?? []).compactMap { workers[$0] }.filter {
            $0.freeSlots > 0 && !others.contains($0.machine)
        }
        return free.map {
            Candidate(speed: speedOfNextSlot($0, skill.level), freeSlots: $0.freeSlots, id: $0.id)
        }.min()?.id
    }

    /// Workers of these machines, and of no others, get nothing for now.
    mutating func suspend(_ machines: Set<MachineID>) {
        let changed = machines.symmetricDifference(suspended)
        guard !changed.isEmpty else { return }
        suspended = machines
        for (id, worker) in workers where changed.contains(worker.machine) { updateCandidate(id) }
    }

    // MARK: Who is free

    func hasFreeSlot(_ skill: Skill) -> Bool { candidates[skill]?.best != nil }

    /// The worker with a free slot that would run one more window fastest; nil when there is none.
    func best(for skill: Skill) -> WorkerID? { candidates[skill]?.best }

    /// The same for a task that failed before. A machine that it failed on gets it only if it failed on all that could
    /// run it.
    ///
    /// - Parameters:
    ///   - holder: has the task already.
    ///   - isFit: what else is asked of the worker.
    func best(
        for skill: Skill, blamed: Set<MachineID>, holder: WorkerID? = nil,
        where isFit: (WorkerID) -> Bool = { _ in true }
    ) -> WorkerID? {
        guard let candidates = candidates[skill] else { return nil }
        func isBlamed(_ id: WorkerID) -> Bool { workers[id].map { blamed.contains($0.machine) } ?? false }
        let spares = !blamed.isEmpty && candidates.connected.contains { isUsable($0) && !isBlamed($0) }
        return candidates.idle.first { $0.id != holder && !(spares && isBlamed($0.id)) && isFit($0.id) }?.id
    }

    /// What a worker offers may have changed.
    private mutating func updateCandidate(_ id: WorkerID) {
        guard let worker = workers[id], worker.peer != nil else { return }
        for skill in worker.skills {
            let offer = offer(worker, skill)
            candidates[skill]?.update(id, offer)
        }
    }

    private func offer(_ worker: Worker, _ skill: Skill) -> Candidate? {
        guard worker.freeSlots > 0, !suspended.contains(worker.machine) else { return nil }
        return Candidate(speed: speedOfNextSlot(worker, skill.level), freeSlots: worker.freeSlots, id: worker.id)
    }
}

extension WorkerPool {
    /// What of its indices differs from what its workers imply.
    ///
    /// - Parameter tasks: by worker, what it should have in hand.
    func faults(tasks: [WorkerID: [TaskID]]) -> [String] {
        var faults: [String] = []
        for (id, worker) in workers {
            let wanted = (tasks[id] ?? []).sorted { "\($0)" < "\($1)" }
            if worker.tasks.sorted(by: { "\($0)" < "\($1)" }) != wanted {
                faults.append("\(id) has \(worker.tasks) in hand, and should have \(wanted)")
            }
            if let peer = worker.peer, peers[peer] != id { faults.append("the peer of \(id) leads elsewhere") }
        }
        for id in tasks.keys where workers[id] == nil { faults.append("\(id) has tasks and is not known") }
        if peers.count != connected.count { faults.append("\(peers.count) peers for \(connected.count) workers") }
        if slots != connected.reduce(0, { $0 + $1.description.slots }) { faults.append("\(slots) slots are counted") }
        for (skill, own) in candidates {
            let having = connected.filter { $0.skills.contains(skill) }
            if own.connected != Set(having.map(\.id)) { faults.append("candidates of \(skill) are \(own.connected)") }
            let offers = having.compactMap { offer($0, skill) }.sorted()
            if own.idle.map(\.id) != offers.map(\.id) {
                faults.append("idle of \(skill) are \(own.idle), not \(offers)")
            }
        }
        return faults
    }
}
