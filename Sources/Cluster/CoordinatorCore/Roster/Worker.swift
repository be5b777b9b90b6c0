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
    private(set) var description: WorkerDescription
    let skills: [Skill]
    /// nil until it says hello to this run of the coordinator.
    private(set) var peer: Peer?
    private(set) var lastHeard: Instant
    /// In the order in which they were granted.
    private(set) var tasks: [TaskID]
    /// By level, tokens a second of all its windows of the level together if it had no others: as it says, or as measured
    /// from its chunks.
    private(set) var throughput: [Int: Double]
    /// It has missed two heartbeats.
    private(set) var isQuiet = false
    /// Seconds from a chunk to its acknowledgement, as it says; 0 where it does not.
    var roundTrip = 0.0
    /// Its machine is set aside.
    var isSetAside = false
    /// It will say goodbye soon.
    var isLeaving: Bool
    /// Somebody drained it: it gets nothing until somebody says otherwise.
    var isDrained: Bool
    /// A suspect that it has in hand: until that brings tokens, the worker gets nothing else.
    private(set) var suspect: TaskID?
    /// Those of `tasks` that it prefills ahead: they have a slot, but most of the time they wait for tokens.
    private var ahead: Set<TaskID>
    /// By level, how many others there are; they share its time.
    private var running: [Int: Int]
    /// The levels at which it says itself how fast it is.
    private var reported: Set<Int>

    /// - Parameter former: the worker under the same name, whose tasks and speeds it keeps.
    init(_ description: WorkerDescription, at peer: Peer?, now: Instant, former: Worker? = nil) {
        self.description = description
        skills = description.fingerprints.map { Skill(level: $0.key, fingerprint: $0.value) }
        self.peer = peer
        lastHeard = now
        tasks = former?.tasks ?? []
        (ahead, running) = (former?.ahead ?? [], former?.running ?? [:])
        throughput = former?.throughput ?? [:]
        reported = former?.reported ?? []
        suspect = former?.suspect
        isLeaving = description.isLeaving
        isDrained = former?.peer == nil ? description.isDrained || former?.isDrained == true : former?.isDrained == true
    }

    var id: WorkerID { description.id }
    /// What counts of it when somebody tells processes of one machine apart from machines.
    var machine: MachineID { description.machine ?? description.id }
    /// Whether it may be given anything.
    var isUsable: Bool { peer != nil && !isQuiet && !isOut }
    var freeSlots: Int { suspect == nil && !isQuiet && !isOut ? max(0, description.slots - tasks.count) : 0 }
    /// Whether it gets nothing until more happens than that it is heard.
    var isOut: Bool { isSetAside || isLeaving || isDrained }

    // MARK: What happens to it

    mutating func disconnect() { peer = nil }

    mutating func hear(_ now: Instant) { (lastHeard, isQuiet) = (now, false) }

    mutating func setQuiet() { isQuiet = true }

    /// What silence there was does not count for its leases; it is still quiet until it is heard.
    mutating func restartSilence(_ now: Instant) { lastHeard = now }

    /// Nobody listened for `gap`.
    mutating func excuse(_ gap: Duration) { lastHeard = lastHeard + gap }

    mutating func begin(_ task: TaskID, isSuspect: Bool, isAhead: Bool) {
        tasks.append(task)
        if isAhead { ahead.insert(task) } else { running[task.level, default: 0] += 1 }
        if isSuspect { suspect = task }
    }

    mutating func end(_ task: TaskID) {
        clear(task)
        guard let place = tasks.firstIndex(of: task) else { return }
        tasks.remove(at: place)
        guard ahead.remove(task) == nil, let others = running[task.level] else { return }
        running[task.level] = others > 1 ? others - 1 : nil
    }

    /// The task brought tokens, so it is no suspect any more.
    mutating func clear(_ task: TaskID) { if suspect == task { suspect = nil } }

    // MARK: How fast it is

    mutating func setSpeed(_ tokensPerSecond: Double) { description.tokensPerSecond = tokensPerSecond }

    mutating func setReported(_ speed: Double, level: Int) {
        throughput[level] = speed
        reported.insert(level)
    }

    func reports(_ level: Int) -> Bool { reported.contains(level) }

    /// A speed as measured over some seconds; older measurements fade.
    mutating func mix(_ total: Double, weight: Double, level: Int) {
        throughput[level] = throughput[level].map { (1 - weight) * $0 + weight * total } ?? total
    }

    /// The part of what it does at a level that each of its windows of the level gets, with `more` of them.
    ///
    /// Levels share its time, and windows of a level share what that has. Of a worker that says nothing of its speeds,
    /// all windows share what was measured.
    func part(_ level: Int, joining more: Int = 0) -> Double {
        if reported.isEmpty { return 1 / Double(max(1, running.values.reduce(more, +))) }
        let levels = running.count + (running[level] == nil ? 1 : 0)
        return 1 / Double(levels * max(1, (running[level] ?? 0) + more))
    }

    var isMeasured: Bool { !throughput.isEmpty || description.tokensPerSecond > 0 }

    /// What a slot has of its speed when all are busy, whatever the level.
    var share: Int {
        let speed = throughput.values.max() ?? description.tokensPerSecond
        return max(1, Int(speed.isFinite ? min(max(speed, 0), 1e9) : 1) / max(1, description.slots))
    }

    /// Tokens a second that each of its windows gets; nil when it was not measured at that level yet.
    func speedOfSlot(_ level: Int) -> Double? { throughput[level].map { $0 * part(level) } }
}
