import SongPlan

/// A task given to a worker.
struct Lease: Sendable {
    var task: TaskID
    var epoch: Epoch
    var worker: WorkerID
    var granted: Instant
    /// New tokens of the window that the worker has and that are journaled, whoever brought them.
    var reached: Int
    /// Since when `unmeasured` tokens have come: the grant, then the last time its speed was measured.
    var heard: Instant
    var unmeasured = 0
    /// Whether it has brought tokens. Before the first there is the prefill.
    var hasSpoken = false
}

/// One level of one sample, as far as it exists.
struct Stream: Sendable {
    var tokens: [UInt16] = []
    /// Index of the first window that is not complete.
    var window = 0
    /// Who has the window: nobody, one worker, or two while a copy of a straggler's task runs.
    var leases: [Lease] = []
    /// Its only lease is a straggler's: a faster worker may have a copy.
    var isStraggling = false
    /// The entry of the ready index that stands for this stream, if it is in there.
    var queued: ReadyTask?
    /// What is held against workers for the current window, since its last journaled token.
    var blames: [(worker: WorkerID, blame: Blame)] = []
}

/// A song with its tokens. Streams are in the order sample, then level.
struct Song: Sendable {
    let submission: Submission
    let plan: Plan
    let paths: CriticalPaths
    /// Its place in the order of submissions.
    let order: Int
    var state: SongState
    var streams: [Stream]
    /// Whether its tasks may be handed out. A song waits unopened until slots are free for it.
    var isOpen = false
    /// Leases of its tasks.
    var running = 0
    /// Whether any task of it was ever handed out.
    var begun = false
    /// What status shows after the tokens are gone.
    var final: [LevelProgress]?

    init(submission: Submission, plan: Plan, paths: CriticalPaths, order: Int) {
        self.submission = submission
        self.plan = plan
        self.paths = paths
        self.order = order
        state = submission.awaitsTokens ? .preparing : .sampling
        streams = Array(repeating: Stream(), count: submission.samples * plan.levels.count)
    }

    var id: SongID { submission.song }
    var levels: Int { plan.levels.count }

    func index(_ stream: StreamID) -> Int { stream.sample * levels + stream.level }
    func stream(at index: Int) -> StreamID {
        StreamID(song: id, sample: index / levels, level: index % levels)
    }
    func contains(_ stream: StreamID) -> Bool {
        (0..<submission.samples).contains(stream.sample) && (0..<levels).contains(stream.level)
    }

    func isComplete(_ index: Int) -> Bool {
        streams[index].tokens.count == plan.levels[index % levels].total
    }
    var isSampled: Bool { streams.indices.allSatisfy(isComplete) }

    /// The window that the stream is at; nil when it has all of them.
    func window(_ index: Int) -> Window? {
        let windows = plan.levels[index % levels].windows
        let current = streams[index].window
        return windows.indices.contains(current) ? windows[current] : nil
    }

    /// The task that could be handed out next: the window's prime and slice above exist, and nobody has it, or a
    /// straggler.
    func readyTask(_ index: Int) -> ReadyTask? {
        let leases = streams[index].leases
        guard state == .sampling, leases.isEmpty || leases.count == 1 && streams[index].isStraggling,
            let window = window(index)
        else { return nil }
        guard streams[index].tokens.count >= window.new.lowerBound else { return nil }
        if let above = window.above, streams[index + 1].tokens.count < above.upperBound { return nil }
        let stream = stream(at: index)
        return ReadyTask(
            path: path(index), isCopy: !leases.isEmpty, task: TaskID(stream: stream, window: window.index))
    }

    /// Tokens of the longest chain from where the stream is to the song's end.
    func path(_ index: Int) -> Int {
        guard let window = window(index) else { return 0 }
        let done = streams[index].tokens.count - window.new.lowerBound
        return paths.length(level: index % levels, window: window.index) - max(0, done)
    }

    /// What a worker must be able to do for the level.
    func skill(_ level: Int) -> Skill {
        Skill(level: level, fingerprint: submission.fingerprints[level] ?? "")
    }

    /// What workers must be able to do for the tasks that are ready now.
    var wantedSkills: [Skill] {
        var levels: Set<Int> = []
        for index in streams.indices where readyTask(index) != nil { levels.insert(index % self.levels) }
        return levels.sorted().map(skill)
    }

    /// New tokens of the window that the stream is at which are journaled.
    func journaled(_ index: Int) -> Int {
        guard let window = window(index) else { return 0 }
        return streams[index].tokens.count - window.new.lowerBound
    }

    /// Lets the tokens go.
    mutating func end(_ state: SongState) {
        final = progress(in: state)
        self.state = state
        streams = []
        running = 0
        isOpen = false
    }
}

/// Plans by what they are a function of, so that ten thousand songs of one shape keep one plan.
struct PlanCache: Sendable {
    private var plans: [PlanInputs: (plan: Plan, paths: CriticalPaths, users: Int)] = [:]

    func plan(_ inputs: PlanInputs) throws(GeometryError) -> Plan {
        if let known = plans[inputs] { return known.plan }
        return try inputs.plan()
    }

    var count: Int { plans.count }

    mutating func retain(_ inputs: PlanInputs, _ plan: Plan) -> CriticalPaths {
        plans[inputs, default: (plan, CriticalPaths(plan), 0)].users += 1
        return plans[inputs]?.paths ?? CriticalPaths(plan)
    }

    mutating func release(_ inputs: PlanInputs) {
        guard let entry = plans[inputs] else { return }
        plans[inputs] = entry.users > 1 ? (entry.plan, entry.paths, entry.users - 1) : nil
    }
}
