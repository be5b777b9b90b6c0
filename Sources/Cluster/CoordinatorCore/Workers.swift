import SongPlan

/// What a task needs and a worker has: a level of one exact model.
struct Skill: Sendable, Hashable, Comparable {
    var level: Int
    var fingerprint: String

    static func < (left: Skill, right: Skill) -> Bool {
        (left.level, left.fingerprint) < (right.level, right.fingerprint)
    }
}

/// A worker that is connected, or that held a lease when the coordinator stopped and may come back.
struct Worker: Sendable {
    var description: WorkerDescription
    let skills: [Skill]
    /// nil until it says hello to this run of the coordinator.
    var peer: Peer?
    var lastHeard: Instant
    /// In the order in which they were granted.
    private(set) var tasks: [TaskID]
    /// Those of `tasks` that it prefills ahead: they have a slot, but most of the time they wait for tokens.
    private var ahead: Set<TaskID>
    /// By level, how many others there are; they share its time.
    private var running: [Int: Int]
    /// By level, tokens a second of all its windows of the level together if it had no others: as it says, or as measured
    /// from its chunks.
    var throughput: [Int: Double]
    /// The levels at which it says itself how fast it is.
    var hasSaid: Set<Int> = []
    /// A suspect that it has in hand: until that brings tokens, the worker gets nothing else.
    var suspect: TaskID?

    /// - Parameter former: the worker under the same name, whose tasks and speeds it keeps.
    init(_ description: WorkerDescription, at peer: Peer?, now: Instant, former: Worker? = nil) {
        self.description = description
        skills = description.fingerprints.map { Skill(level: $0.key, fingerprint: $0.value) }
        self.peer = peer
        lastHeard = now
        tasks = former?.tasks ?? []
        (ahead, running) = (former?.ahead ?? [], former?.running ?? [:])
        throughput = former?.throughput ?? [:]
        hasSaid = former?.hasSaid ?? []
        suspect = former?.suspect
    }

    var freeSlots: Int { suspect == nil ? max(0, description.slots - tasks.count) : 0 }

    mutating func begin(_ task: TaskID, isAhead: Bool) {
        tasks.append(task)
        if isAhead { ahead.insert(task) } else { running[task.level, default: 0] += 1 }
    }

    mutating func end(_ task: TaskID) {
        guard let place = tasks.firstIndex(of: task) else { return }
        tasks.remove(at: place)
        guard ahead.remove(task) == nil, let others = running[task.level] else { return }
        running[task.level] = others > 1 ? others - 1 : nil
    }

    /// Of what it does at a level, the part that each of its windows of the level gets, and so many more: levels share
    /// its time, and windows of a level what that has. Of a worker that says nothing of its speeds, all windows share
    /// what was measured.
    func part(_ level: Int, joining more: Int = 0) -> Double {
        if hasSaid.isEmpty { return 1 / Double(max(1, running.values.reduce(more, +))) }
        let levels = running.count + (running[level] == nil ? 1 : 0)
        return 1 / Double(levels * max(1, (running[level] ?? 0) + more))
    }

    var isMeasured: Bool { !throughput.isEmpty || description.tokensPerSecond > 0 }

    /// Of its speed what a slot has when all are busy, whatever the level.
    var share: Int {
        let speed = throughput.values.max() ?? description.tokensPerSecond
        return max(1, Int(speed.isFinite ? min(speed, 1e9) : 1) / max(1, description.slots))
    }

    /// Tokens a second that each of its windows gets; nil when it was not measured at that level yet.
    func speedOfSlot(_ level: Int) -> Double? { throughput[level].map { $0 * part(level) } }
}

/// The workers, and which of them have free slots for what.
struct WorkerPool: Sendable {
    private(set) var workers: [WorkerID: Worker] = [:]
    private var peers: [Peer: WorkerID] = [:]
    private var shelves: [Skill: Shelf] = [:]
    /// Of all workers that are connected.
    private(set) var slots = 0
    /// Tokens a second of the fastest worker so far. One that was not measured yet may be as fast: it gets work, and
    /// so is measured.
    private var fastest = 1.0
    private var unmeasured: Set<WorkerID> = []
    /// The same by level.
    private var fastestAt: [Int: Double] = [:]
    /// Seconds of measurements that a speed is made of, about: what a slot gets changes from chunk to chunk, since
    /// levels share the time.
    private static let memory = 5.0

    /// The connected workers that have a skill.
    private struct Shelf {
        var connected: Set<WorkerID> = []
        /// Those with free slots. There may be a thousand, and the best is looked for all the time.
        var idle: [WorkerID: Offer] = [:]
        /// The best of the idle, once it was looked for, until something of it may have changed.
        var best: WorkerID?

        /// What a worker offers has changed; nil is nothing.
        mutating func update(_ id: WorkerID, _ offer: Offer?) {
            idle[id] = offer
            if best == id { best = nil }
            guard let offer, let best, let other = idle[best] else { return }
            if offer.precedes(other) { self.best = id }
        }
    }

    /// What decides between workers with free slots.
    private struct Offer {
        var speed: Double
        var freeSlots: Int
        var id: WorkerID

        init(_ worker: Worker, speed: Double) {
            self.speed = speed
            (freeSlots, id) = (worker.freeSlots, worker.description.id)
        }

        func precedes(_ other: Offer) -> Bool {
            if speed != other.speed { return speed > other.speed }
            if freeSlots != other.freeSlots { return freeSlots > other.freeSlots }
            return id < other.id
        }
    }

    func worker(at peer: Peer) -> Worker? { peers[peer].flatMap { workers[$0] } }

    /// In the order of their names, so that what follows is the same every time.
    var sortedIDs: [WorkerID] { workers.keys.sorted() }

    /// Admits a worker at a peer, with the tasks that it had under the same name.
    mutating func connect(_ description: WorkerDescription, at peer: Peer, now: Instant) {
        let former = workers[description.id]
        remove(description.id)
        let worker = Worker(description, at: peer, now: now, former: former)
        workers[description.id] = worker
        if worker.isMeasured {
            know(description.id, description.tokensPerSecond)
        } else {
            unmeasured.insert(description.id)
        }
        slots += description.slots
        peers[peer] = description.id
        for skill in worker.skills { shelves[skill, default: Shelf()].connected.insert(description.id) }
        index(description.id)
    }

    /// Nothing more is sent to the worker or given to it; its tasks are still its own.
    mutating func disconnect(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        unindex(worker)
        unmeasured.remove(id)
        if let peer = worker.peer {
            peers[peer] = nil
            slots -= worker.description.slots
        }
        workers[id]?.peer = nil
    }

    mutating func remove(_ id: WorkerID) {
        disconnect(id)
        workers[id] = nil
    }

    mutating func heard(_ id: WorkerID, now: Instant) { workers[id]?.lastHeard = now }

    mutating func measured(_ id: WorkerID, tokensPerSecond: Double) {
        if tokensPerSecond.isFinite, tokensPerSecond > 0 {
            workers[id]?.description.tokensPerSecond = tokensPerSecond
            // It counts where nothing was measured, and only there.
            if workers[id]?.throughput.isEmpty == true { index(id) }
            know(id, tokensPerSecond)
        }
    }

    private mutating func know(_ id: WorkerID, _ speed: Double) {
        unmeasured.remove(id)
        guard speed > 1.1 * fastest else { return }
        fastest = speed
        for other in unmeasured.sorted() { index(other) }
    }

    private mutating func know(_ level: Int, _ speed: Double) {
        guard speed > 1.1 * (fastestAt[level] ?? 0) else { return }
        fastestAt[level] = speed
        for (id, worker) in workers where worker.throughput.count < worker.skills.count { index(id) }
    }

    /// The worker says how fast it is at a level: it knows better than its chunks tell, since levels share its time.
    mutating func said(_ id: WorkerID, level: Int, _ speed: Double) {
        guard speed.isFinite, speed > 0, let worker = workers[id], worker.description.fingerprints[level] != nil
        else { return }
        workers[id]?.throughput[level] = speed
        workers[id]?.hasSaid.insert(level)
        if worker.freeSlots > 0 { index(id) }
        know(id, speed)
        know(level, speed)
    }

    /// A window of the worker got so many tokens a second over some seconds; older measurements fade.
    mutating func measured(
        _ id: WorkerID, level: Int, tokensPerSecondOfSlot speed: Double, over seconds: Double = .infinity
    ) {
        guard let worker = workers[id], speed > 0, !worker.hasSaid.contains(level) else { return }
        let total = speed / worker.part(level)
        let weight = min(0.3, seconds * worker.part(level) / Self.memory)
        workers[id]?.throughput[level] =
            worker.throughput[level].map { (1 - weight) * $0 + weight * total } ?? total
        if worker.freeSlots > 0 { index(id) }
        know(id, total)
        know(level, total)
    }

    /// The coordinator itself was not listening for `gap`: nobody's silence in it counts.
    mutating func excuse(_ gap: Duration) {
        for id in Array(workers.keys) {
            guard let heard = workers[id]?.lastHeard else { continue }
            workers[id]?.lastHeard = heard + gap
        }
    }

    mutating func give(
        _ task: TaskID, to id: WorkerID, now: Instant, isSuspect: Bool = false, isAhead: Bool = false
    ) {
        if workers[id] == nil {
            let unknown = WorkerDescription(id: id, name: id, model: "", fingerprints: [:], slots: 0)
            workers[id] = Worker(unknown, at: nil, now: now)
        }
        workers[id]?.begin(task, isAhead: isAhead)
        if isSuspect { workers[id]?.suspect = task }
        index(id)
    }

    mutating func take(_ task: TaskID, from id: WorkerID) {
        workers[id]?.end(task)
        if workers[id]?.suspect == task { workers[id]?.suspect = nil }
        index(id)
    }

    /// The task brought tokens, so it is no suspect any more.
    mutating func clear(_ task: TaskID, on id: WorkerID) {
        guard workers[id]?.suspect == task else { return }
        workers[id]?.suspect = nil
        index(id)
    }

    func hasFreeSlot(_ skill: Skill) -> Bool { shelves[skill]?.idle.isEmpty == false }

    /// The worker with a free slot that would run one more window fastest; nil when there is none.
    mutating func best(for skill: Skill) -> WorkerID? {
        if let known = shelves[skill]?.best { return known }
        let best = best(for: skill, blamed: [])
        shelves[skill]?.best = best
        return best
    }

    /// The same for a task that failed before.
    /// A worker that is blamed for the task gets it only if every worker that could run it is blamed.
    ///
    /// - Parameters:
    ///   - holder: has the task already.
    ///   - isFit: what else is asked of the worker.
    func best(
        for skill: Skill, blamed: Set<WorkerID>, holder: WorkerID? = nil,
        where isFit: (WorkerID) -> Bool = { _ in true }
    ) -> WorkerID? {
        guard let shelf = shelves[skill] else { return nil }
        let spared = blamed.isEmpty || shelf.connected.isSubset(of: blamed) ? [] : blamed
        var best: Offer?
        for offer in shelf.idle.values where offer.id != holder && !spared.contains(offer.id) {
            if let other = best, !offer.precedes(other) { continue }
            guard isFit(offer.id) else { continue }
            best = offer
        }
        return best?.id
    }

    /// What a worker offers may have changed.
    private mutating func index(_ id: WorkerID) {
        guard let worker = workers[id], worker.peer != nil else { return }
        for skill in worker.skills {
            let offer = worker.freeSlots > 0 ? Offer(worker, speed: speedOfNextSlot(worker, skill.level)) : nil
            shelves[skill]?.update(id, offer)
        }
    }

    /// Tokens a second that one more window of a level would get of a worker.
    func speedOfNextSlot(_ id: WorkerID, _ level: Int) -> Double? {
        workers[id].map { speedOfNextSlot($0, level) }
    }

    private func speedOfNextSlot(_ worker: Worker, _ level: Int) -> Double {
        expected(worker, level) * worker.part(level, joining: 1)
    }

    /// Tokens a second of a worker that may not have been measured at a level: by its speed at another one beside the
    /// fastest's there.
    private func expected(_ worker: Worker, _ level: Int) -> Double {
        if let measured = worker.throughput[level] { return measured }
        let own = max(worker.description.tokensPerSecond, 1)
        guard let best = fastestAt[level] else { return worker.isMeasured ? own : fastest }
        guard let other = worker.throughput.keys.min(), let there = fastestAt[other] else {
            return worker.isMeasured ? best * min(1, own / fastest) : best
        }
        return best * worker.throughput[other]! / there
    }

    private mutating func unindex(_ worker: Worker) {
        let id = worker.description.id
        for skill in worker.skills {
            shelves[skill]?.update(id, nil)
            shelves[skill]?.connected.remove(id)
            if shelves[skill]?.connected.isEmpty == true { shelves[skill] = nil }
        }
    }
}
