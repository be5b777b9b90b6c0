package import SongPlan

/// Continuous batching, apart from the engine: which rows run next, and which chunks go out when.
///
/// The caller runs `nextStep()`'s step, gives the tokens to `completed`, and carries the effects out.
/// Tasks may come and go at any time, between a step and its completion too.
package struct BatchScheduler: Sendable {
    /// The figures of the scheduler.
    package struct Settings: Sendable, Hashable {
        /// Sequences that run at the same time, over all levels.
        package var slots: Int
        /// New tokens in a full chunk.
        package var chunk: Int
        /// Chunks that may be on their way at the same time: so many that a far coordinator makes nobody wait. After a
        /// silence there are `probes` at most, until something is acknowledged.
        package var unacknowledgedChunks: Int
        package var probes = 4
        /// Rows of prefill beside one step of decoding.
        package var prefillRows: Int
        /// A task with this many chunks that are not acknowledged pauses.
        package var waitingChunks: Int
        /// Steps after which the levels whose weights are in memory give way to those that wait.
        package var stepsInMemory: Int

        package init(
            slots: Int, chunk: Int = 128, unacknowledgedChunks: Int = 256, prefillRows: Int = 64,
            waitingChunks: Int = 64, stepsInMemory: Int = 2048
        ) {
            self.slots = slots
            self.chunk = chunk
            self.unacknowledgedChunks = unacknowledgedChunks
            self.prefillRows = prefillRows
            self.waitingChunks = waitingChunks
            self.stepsInMemory = stepsInMemory
        }
    }

    package let settings: Settings
    /// By level that is served: rows of an attention block (`block_ctx`); a run of prefill stays in one.
    private let blockLengths: [Int: Int]
    /// In the order in which they came; at most one for each task.
    private var jobs: [Job] = []
    private var added = 0
    /// Levels that are served, from the top down.
    private let levels: [Int]
    /// By level, the seconds that its steps took, each times its weight then; the least has its turn.
    private var spent: [Int: Double]
    /// What the level of the last step had spent before it, and its weight.
    private var turn = (spent: 0.0, weight: 1.0)
    /// By level, what steps without prefill bring.
    private var paces: [Int: Pace] = [:]
    /// Levels whose weights are in memory, and for how many steps they have been.
    private var resident: Set<Int>
    private var residentSteps = 0
    /// What was sent was not acknowledged for long, and nothing since.
    private var isProbing = false

    package init(settings: Settings, blockLengths: [Int: Int]) {
        self.settings = settings
        self.blockLengths = blockLengths
        resident = Set(blockLengths.keys)
        levels = blockLengths.keys.sorted(by: >)
        spent = blockLengths.mapValues { _ in 0 }
        paces = blockLengths.mapValues { _ in Pace() }
    }

    /// By level that was sampled, new tokens in a second of its own steps, without those that prefill.
    package var levelSpeeds: [Int: Double] { paces.compactMapValues(\.speed) }

    /// Tokens and seconds of steps, the last few seconds of them.
    private struct Pace {
        private static let memory = 2.0
        var tokens = 0.0
        var seconds = 0.0
        var speed: Double? { seconds > 0 && tokens > 0 ? tokens / seconds : nil }

        mutating func add(tokens: Int, seconds: Double) {
            self.tokens += Double(tokens)
            self.seconds += seconds
            guard self.seconds > 2 * Self.memory else { return }
            self.tokens /= 2
            self.seconds /= 2
        }
    }

    /// The levels whose weights are in memory from now on; at first all. A step of another level asks the caller to
    /// bring its weights in.
    package mutating func setResident(_ levels: Set<Int>) {
        resident = levels
        residentSteps = 0
    }

    /// The levels whose weights are in memory, from the top down.
    package var residentLevels: [Int] { levels.filter(resident.contains) }

    // MARK: Tasks

    /// Takes a task on. A newer epoch replaces the task; the same or an older one changes nothing.
    ///
    /// What was prefilled ahead goes on with its lease, or with more of its prime; what is prefilled must be the same.
    /// Without a free slot a task gets the slot of one that is prefilled ahead.
    ///
    /// - Returns: the task's number, which its seats have, too; nil when nothing changed.
    package mutating func add(_ work: WorkerTask) throws(AdmissionError) -> Int? {
        guard blockLengths[work.task.level] != nil else {
            throw .unknownLevel(work.task, levels: blockLengths.keys.sorted())
        }
        guard work.prefillRows >= 1, work.done >= 0, work.done < work.newTokens else {
            throw .badCounts(work)
        }
        if let place = jobs.firstIndex(where: { $0.work.task == work.task }) {
            let former = jobs[place].work
            if former.isAhead, former.prefillRows < work.prefillRows, !former.hasWholePrime {
                jobs[place].goOn(work)
                return jobs[place].number
            }
            guard former.epoch < work.epoch else { return nil }
            if former.hasWholePrime, former.prefillRows == work.prefillRows, work.done == 0 {
                jobs[place].takeLease(work)
                return nil
            }
            jobs.remove(at: place)
        }
        guard let slot = freeSlot(for: work) else { throw .noFreeSlot(work.task, slots: settings.slots) }
        jobs.append(Job(work, number: added, slot: slot))
        added += 1
        return added - 1
    }

    private mutating func freeSlot(for work: WorkerTask) -> Int? {
        let busy = Set(jobs.compactMap(\.slot))
        if let free = (0..<settings.slots).first(where: { !busy.contains($0) }) { return free }
        guard !work.isAhead, let place = jobs.firstIndex(where: { $0.work.isAhead && $0.slot != nil }) else {
            return nil
        }
        return jobs.remove(at: place).slot
    }

    /// Drops a task, with all of it that is not acknowledged, unless it came again with a newer epoch.
    ///
    /// - Returns: chunks of other tasks whose turn it is now.
    package mutating func revoke(_ task: TaskID, epoch: Epoch) -> [WorkerEffect] {
        jobs.removeAll { $0.work.task == task && $0.work.epoch <= epoch }
        return sendable()
    }

    /// `count` of the window's new tokens are journaled.
    package mutating func acknowledged(_ task: TaskID, epoch: Epoch, count: Int) -> [WorkerEffect] {
        guard let place = jobs.firstIndex(where: { $0.work.task == task && $0.work.epoch == epoch }) else {
            return []
        }
        isProbing = false
        jobs[place].acknowledge(count)
        if jobs[place].isSampled, jobs[place].chunks.isEmpty { jobs.remove(at: place) }
        return sendable()
    }

    /// What must be sent again after a reconnect, once the coordinator has welcomed the worker (its
    /// acknowledgements of the HELLO come first).
    package mutating func resendAll() -> [WorkerEffect] {
        for place in jobs.indices { (jobs[place].sent, jobs[place].looked) = (0, nil) }
        isProbing = false
        return sendable()
    }

    /// What must be sent again of tasks that had chunks on their way when this was called last, and of which nothing was
    /// acknowledged since.
    package mutating func resendStalled() -> [WorkerEffect] {
        for place in jobs.indices {
            let job = jobs[place]
            if job.sent > 0, job.looked == job.acknowledged {
                (jobs[place].sent, jobs[place].looked) = (0, nil)
                isProbing = true
            } else {
                jobs[place].looked = job.sent > 0 ? job.acknowledged : nil
            }
        }
        return sendable()
    }

    /// Nothing more is sampled: tokens that no chunk has yet go into one.
    ///
    /// - Returns: chunks whose turn it is.
    package mutating func handIn() -> [WorkerEffect] {
        for place in jobs.indices { jobs[place].handIn() }
        return sendable()
    }

    /// Whether all that was sampled is journaled.
    package var isHandedIn: Bool { jobs.allSatisfy { $0.work.isAhead || $0.chunks.isEmpty && $0.loose.isEmpty } }

    /// What HELLO and heartbeats list: a task stays until its last chunk is acknowledged.
    package var held: [HeldLease] { jobs.filter { !$0.work.isAhead }.map(\.held) }

    /// Whether a task is here, with its lease or ahead of it, of which not all is acknowledged.
    package func has(_ task: TaskID) -> Bool { jobs.contains { $0.work.task == task } }

    /// Numbers of the tasks that are here.
    package var numbers: [Int] { jobs.map(\.number) }

    /// The epoch that a task has now; nil when it is gone.
    package func epoch(ofJob number: Int) -> Epoch? { jobs.first { $0.number == number }?.work.epoch }

    /// Drops what is prefilled ahead, of one task or of all: who asked for it does so no more.
    package mutating func dropAhead(_ task: TaskID? = nil) {
        jobs.removeAll { $0.work.isAhead && (task == nil || $0.work.task == task) }
    }

    package var freeSlots: Int { settings.slots - jobs.count { $0.slot != nil } }

    /// Tasks that are here.
    package var count: Int { jobs.count }

    /// Whether no task is left.
    package var isEmpty: Bool { jobs.isEmpty }

    // MARK: Steps

    /// The next pass; nil when no slot can go on.
    package mutating func nextStep() -> Step? {
        var step = Step()
        return next(&step) ? step : nil
    }

    /// Makes `step` the next pass; false when no slot can go on. Does not change what the step after it would be, other
    /// than the turn of levels. Allocates nothing when `step` has been a pass before.
    package mutating func next(_ step: inout Step) -> Bool {
        guard let level = nextLevel() else { return false }
        step.level = level
        step.decodes.removeAll(keepingCapacity: true)
        step.prefills.removeAll(keepingCapacity: true)
        for job in jobs where job.work.task.level == level && canRun(job) {
            if !job.isPrefilling {
                if let seat = seat(job) { step.decodes.append(seat) }
            } else if step.prefills.isEmpty, let prefill = prefill(job) {
                step.prefills.append(prefill)
            }
        }
        return true
    }

    private func canRun(_ job: Job) -> Bool {
        job.slot != nil && job.chunks.count < settings.waitingChunks && (job.isPrefilling || job.work.isSampled)
    }

    /// Levels share the time, those in memory as long as they have work, until others have waited long.
    ///
    /// The level with the longest path to its song's end gets four times what the next gets, and so on: with segments the top
    /// level is one chain that all others wait for, and would end last if it had one row's share of a batch.
    private mutating func nextLevel() -> Int? {
        residentSteps += 1
        var (here, elsewhere): (Int?, Int?)
        for level in levels {
            let own = spent[level, default: 0]
            if path(of: level) == nil {
                // Who has nothing to do saves up no turns.
                spent[level] = max(own, turn.spent)
            } else if resident.contains(level) {
                if here.map({ own < spent[$0, default: 0] }) ?? true { here = level }
            } else if elsewhere.map({ own < spent[$0, default: 0] }) ?? true {
                elsewhere = level
            }
        }
        let chosen = here == nil || residentSteps > settings.stepsInMemory ? elsewhere ?? here : here
        guard let chosen, let path = path(of: chosen) else { return nil }
        let before = levels.count { level in
            self.path(of: level).map { ($0, level) > (path, chosen) } ?? false
        }
        turn = (spent[chosen, default: 0], Double(1 << (2 * before)))
        return chosen
    }

    /// The longest path of a level's tasks that can run; nil when none can.
    private func path(of level: Int) -> Int? {
        var longest: Int?
        for job in jobs where job.work.task.level == level && canRun(job) {
            longest = max(longest ?? 0, job.work.path)
        }
        return longest
    }

    /// The step has run.
    ///
    /// - Parameters:
    ///   - tokens: one for each seat of `step.sampled`, in that order.
    ///   - seconds: how long it took.
    package mutating func completed(_ step: Step, tokens: [UInt16], seconds: Double = 1) -> [WorkerEffect] {
        precondition(tokens.count == step.sampledCount, "a step must bring one token for each sampled seat")
        spent[step.level, default: 0] += seconds * turn.weight
        if step.prefills.isEmpty { paces[step.level, default: Pace()].add(tokens: tokens.count, seconds: seconds) }
        var finished: [WorkerEffect] = []
        for (seat, token) in zip(step.decodes, tokens) { take(token, seat, &finished) }
        var sampled = step.decodes.count
        for prefill in step.prefills {
            if let place = place(prefill.seat) { jobs[place].row = prefill.rows.upperBound }
            guard prefill.samples else { continue }
            take(tokens[sampled], prefill.seat, &finished)
            sampled += 1
        }
        let chunks = sendable()
        return finished.isEmpty ? chunks : chunks + finished
    }

    private mutating func take(_ token: UInt16, _ seat: Step.Seat, _ finished: inout [WorkerEffect]) {
        guard let place = place(seat) else { return }
        jobs[place].append(token, chunkSize: settings.chunk)
        guard jobs[place].isSampled else { return }
        jobs[place].slot = nil
        finished.append(.finished(seat.task, epoch: jobs[place].work.epoch, job: seat.job))
    }

    private func seat(_ job: Job) -> Step.Seat? {
        job.slot.map { Step.Seat(slot: $0, task: job.work.task, job: job.number) }
    }

    /// Where the task of a seat is, if it still runs there.
    private func place(_ seat: Step.Seat) -> Int? { jobs.firstIndex { $0.number == seat.job } }

    private func prefill(_ job: Job) -> Step.Prefill? {
        guard let seat = seat(job), let block = blockLengths[job.work.task.level] else { return nil }
        let blockEnd = (job.row / block + 1) * block
        let end = min(job.row + settings.prefillRows, blockEnd, job.work.prefillRows)
        return Step.Prefill(
            seat: seat, rows: job.row..<end, samples: end == job.work.prefillRows && job.work.isSampled)
    }

    /// The chunks whose turn it is: oldest task first, in order within a task, a bounded number on the way.
    package mutating func sendable() -> [WorkerEffect] {
        let most = settings.unacknowledgedChunks
        var room = (isProbing ? min(settings.probes, most) : most) - jobs.reduce(0) { $0 + $1.sent }
        var effects: [WorkerEffect] = []
        for place in jobs.indices where !jobs[place].work.isAhead {
            while room > 0, jobs[place].sent < jobs[place].chunks.count {
                effects.append(.chunkReady(jobs[place].chunks[jobs[place].sent]))
                jobs[place].sent += 1
                room -= 1
            }
        }
        return effects
    }
}
