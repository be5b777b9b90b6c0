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
    /// Songs whose tasks may be handed out.
    var openSongs = 0
    var nextStragglerCheck: Instant
    /// By level, what a slot of a fast worker samples in a second, and of a slow one, as of the last check.
    var fastSpeeds: [Int: Double] = [:]
    var slowSpeeds: [Int: Double] = [:]
    /// The fastest free slot that no copy was worth since the last check.
    var declinedSpeeds: [Skill: Double] = [:]
    /// By level, how many tokens could be sampled in the time of a row of prefill; what waits for its turn takes longer.
    var prefillCosts: [Int: Double] = [:]
    var horizon: Horizon?
    /// Seconds that all open songs take if every slot is busy, as of the last check.
    var workLeft: Double?
    /// Of the windows that were kept for fast workers in the last search for a task, the one that would wait longest, and
    /// the slow worker that could have it until then.
    var kept: (task: ReadyTask, skill: Skill, worker: WorkerID)?
    /// The longest chain whose next window should be begun ahead, as soon as a slot is free for it.
    var waitingAhead: StreamID?
    /// Models that workers may serve, in the order in which they became known.
    var models: [(name: String, fingerprints: [Int: String])] = []
    /// Songs whose completed streams must be told again, because a restart forgot who was told.
    var unannounced: [Int] = []

    /// A coordinator that knows nothing yet.
    package init(settings: Settings = Settings(), now: Instant) {
        self.settings = settings
        self.now = now
        nextStragglerCheck = now
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
        markStragglers()
        serveAhead()
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
        case .heartbeat(let peer, let held, let speed, let levelSpeeds):
            heartbeat(peer, held: held, tokensPerSecond: speed, levelSpeeds: levelSpeeds)
        case .chunk(let peer, let chunk): take(chunk, from: peer)
        case .taskFailed(let peer, let task, let epoch, let reason):
            taskFailed(peer, task, epoch, reason: reason)
        case .goodbye(let peer): leave(peer, vanished: false)
        case .peerLost(let peer): leave(peer, vanished: true)
        case .cutChosen(let song, let sample, let seam, let position):
            cutChosen(song, sample: sample, seam: seam, position: position)
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

    /// The lease of a task that a worker has now; nil for tasks that do not exist, too.
    func lease(_ task: TaskID, of worker: WorkerID) -> Lease? {
        guard let place = songIndex[task.song], songs[place].contains(task.stream),
            !songs[place].streams.isEmpty
        else { return nil }
        return songs[place].streams[songs[place].index(task.stream)].leases.first {
            $0.task == task && $0.worker == worker
        }
    }

    /// Changes a lease, if there still is one of its epoch.
    mutating func change(_ lease: Lease, _ body: (inout Lease) -> Void) {
        guard let (place, index) = live(lease.task.stream),
            let own = songs[place].streams[index].leases.firstIndex(where: { $0.epoch == lease.epoch })
        else { return }
        body(&songs[place].streams[index].leases[own])
    }
}
