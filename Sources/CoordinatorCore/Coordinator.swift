import SongPlan

/// The coordinator's decisions, apart from everything they touch: a state machine
/// `(event, now) → effects` without clock, randomness or I/O.
///
/// The caller hands every event to `handle` and carries the effects out in their order. A journaled record
/// must be durable before the next effect is carried out, so that nobody outside ever knows of something
/// that a restart would forget. Effects of one call may be journaled as one transaction together with those
/// of later calls, as long as the order is kept.
package struct Coordinator: Sendable {
    let settings: Settings
    var now: Instant
    var effects: [Effect] = []

    /// In the order of their submissions.
    var songs: [Song] = []
    var songIndex: [SongID: Int] = [:]
    var plans = PlanCache()
    var pool = WorkerPool()
    var ready = ReadyIndex()
    var waiting = WaitingSongs()
    var nextEpoch: Epoch = 1
    /// Models that workers may serve, in the order in which they became known.
    var models: [(name: String, fingerprints: [Int: String])] = []
    /// Songs whose completed streams must be told again, because a restart forgot who was told.
    var unannounced: [Int] = []

    /// A coordinator that knows nothing yet.
    package init(settings: Settings = Settings(), now: Instant) {
        self.settings = settings
        self.now = now
    }

    /// Takes in one event and says what must be done, in order.
    ///
    /// - Parameter now: monotonic; a time before that of the last call counts as that of the last call.
    ///   When calls lie further apart than half a lease, the coordinator was not listening, and the silence
    ///   of workers in that gap is not held against them.
    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        advance(to: now)
        announceAfterReplay()
        decide(event)
        dispatch()
        let result = effects
        effects = []
        return result
    }

    private mutating func advance(to instant: Instant) {
        guard instant > now else { return }
        let gap = instant - now
        if gap > settings.lease / 2 { pool.excuse(gap) }
        now = instant
    }

    private mutating func decide(_ event: Event) {
        switch event {
        case .submit(let submission): submit(submission)
        case .allowModel(let name, let fingerprints): allow(name: name, fingerprints: fingerprints)
        case .initialTokens(let song, let tokens): takeInitialTokens(song, tokens)
        case .preparationFailed(let song, let reason): preparationFailed(song, reason: reason)
        case .workerHello(let peer, let description): hello(peer, description)
        case .heartbeat(let peer, let held, let speed): heartbeat(peer, held: held, tokensPerSecond: speed)
        case .chunk(let peer, let chunk): take(chunk, from: peer)
        case .taskFailed(let peer, let task, let epoch, let reason):
            taskFailed(peer, task, epoch, reason: reason)
        case .goodbye(let peer): leave(peer, vanished: false)
        case .peerLost(let peer): leave(peer, vanished: true)
        case .cancel(let song): cancel(song)
        case .outputsWritten(let song): outputs(of: song, became: .finished)
        case .outputsFailed(let song, let reason): outputs(of: song, became: .failed(reason: reason))
        case .tick: expire()
        }
    }

    // MARK: What every decision is made of

    /// Journals a record and lets it happen. Replay lets the same records happen, so both agree.
    mutating func commit(_ record: Record) {
        effects.append(.journal(record))
        apply(record)
    }

    mutating func send(_ peer: Peer, _ message: Outgoing) { effects.append(.send(peer, message)) }

    mutating func send(to worker: WorkerID, _ message: Outgoing) {
        if let peer = pool.workers[worker]?.peer { send(peer, message) }
    }

    /// The lease that a task has now; nil for tasks that do not exist, too.
    func lease(_ task: TaskID) -> Lease? {
        guard let place = songIndex[task.song], songs[place].contains(task.stream),
            !songs[place].streams.isEmpty
        else { return nil }
        let lease = songs[place].streams[songs[place].index(task.stream)].lease
        return lease?.task == task ? lease : nil
    }

    /// New tokens of the task's window that are journaled; the task has a lease.
    func journaled(_ task: TaskID) -> Int {
        guard let place = songIndex[task.song] else { return 0 }
        let song = songs[place]
        let have = song.streams[song.index(task.stream)].tokens.count
        return have - song.plan.levels[task.level].windows[task.window].new.lowerBound
    }
}
