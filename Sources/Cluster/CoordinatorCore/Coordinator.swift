package import SongPlan

/// The coordinator's decisions, apart from everything they touch: a state machine
/// `(event, now) → effects` without clock, randomness or I/O.
///
/// It has a handful of parts, each with private state: what the journal says (`truth`), what is known of workers and of
/// leases that run (`pool`, `leases`), what the rules of the schedule remember (`memory`), which cuts were asked for
/// (`cuts`), and which models may be served (`models`). All but the first is forgotten at a restart.
/// Events are handled first; then rules look at a view of all of it and say what should be done. Only this type does it.
///
/// The caller hands every event to `handle` and carries the effects out in their order. A journaled record
/// must be durable before the next effect is carried out, so that nobody outside ever knows of something
/// that a restart would forget. Effects of one call may be journaled as one transaction together with those
/// of later calls, as long as the order is kept.
package struct Coordinator: Sendable {
    let settings: Settings
    private(set) var truth = SongTable()
    private(set) var now: Instant
    var pool = WorkerPool()
    var leases = LeaseBook()
    var memory: ScheduleMemory
    var cuts = CutRequests()
    var models = ModelList()
    var checks = CheckMemory()
    var machines = MachineBook()
    /// By epoch, leases that ended with their workers a moment ago: what was at fault may still be told.
    var lostLeases: [Epoch: LostLease] = [:]
    /// Streams whose window failed somewhere.
    var accused: Set<StreamRef> = []
    private var nextWatch: Instant
    private var effects: [Effect] = []
    /// Streams that have more tokens or another lease since the rules last looked.
    private var grown: [StreamRef] = []
    /// Songs whose completed streams must be told again, because a restart forgot who was told.
    private var unannounced: [SongRef] = []
    var isPaused = false

    /// The rules, in their order: when one has moves, the next sees what has become of them.
    private static let rules: [Rule] = [
        Decisions.moves, PrefillAhead.grants, PrefillAhead.moves, Announcements.moves, Stragglers.moves,
        PrefillAhead.longestChain,
        Dispatch.moves,
    ]

    /// A coordinator that knows nothing yet.
    package init(settings: Settings = Settings(), now: Instant) {
        self.settings = settings
        self.now = now
        memory = ScheduleMemory(now: now)
        nextWatch = now
    }

    /// A coordinator as the journal left it.
    ///
    /// Leases that were open stay with their workers until `now` plus a lease, so that a worker that says
    /// hello again goes on as if nothing had happened. The first call of `handle` tells again of all
    /// completed streams and sampled songs that have not ended.
    ///
    /// - Throws: `ReplayError` when the records cannot come from one history.
    package init(
        replaying records: some Sequence<Record>, settings: Settings = Settings(), now: Instant
    ) throws(ReplayError) {
        self.init(settings: settings, now: now)
        truth = try SongTable(replaying: records)
        reviveVerdicts()
        for song in truth.songs where !song.state.isAtRest { revive(song) }
    }

    /// A coordinator as a journal left it of which some rows were lost: what does not fit any more is left away, and
    /// sampled again.
    ///
    /// - Parameters:
    ///   - leastEpoch: no lease gets a lower one.
    ///   - dropped: the places of records that were left away, and why.
    package init(
        mending records: [Record], leastEpoch: Epoch = 1, settings: Settings = Settings(), now: Instant,
        dropped: inout [DroppedRecord]
    ) {
        self.init(settings: settings, now: now)
        (truth, dropped) = SongTable.mended(records)
        truth.skipEpochs(below: leastEpoch)
        reviveVerdicts()
        for song in truth.songs where !song.state.isAtRest { revive(song) }
    }

    private mutating func revive(_ song: Song) {
        models.add(song.submission)
        for lease in song.streams.flatMap(\.holders.leases).sorted(by: { $0.epoch < $1.epoch }) {
            open(lease, LeaseProgress(granted: now, share: 1, reached: lease.reached))
        }
        for stream in song.streamRefs where song[stream].check != nil { checks.streams.insert(stream) }
        accused.formUnion(song.streamRefs.filter { song[$0].blames.contains(where: \.blame.isEvidence) })
        if song.state != .preparing { unannounced.append(song.ref) }
        guard song.state == .sampling else { return }
        if song.begun { open(song.ref) } else { enqueue(song.ref) }
    }

    /// Handles one event and says what must be done, in order.
    ///
    /// - Parameter now: monotonic; a time before that of the last call counts as that of the last call.
    ///   When calls lie further apart than half a lease, the coordinator was not listening, and the silence
    ///   of workers in that gap is not held against them.
    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        advance(to: now)
        noticeSilence()
        announceAfterReplay()
        if isPaused { handleInPause(event) } else { handle(event) }
        if !isPaused { applyRules() }
        defer { effects = [] }
        return effects
    }

    private mutating func advance(to instant: Instant) {
        guard instant > now else { return }
        let gap = instant - now
        if gap > settings.lease / 2 { pool.excuse(gap) }
        now = instant
    }

    /// Who has missed two heartbeats gets nothing until it is heard.
    private mutating func noticeSilence() {
        guard now >= nextWatch else { return }
        nextWatch = now + min(.milliseconds(100), settings.heartbeat / 4)
        pool.noticeSilence(of: settings.patience, now: now)
    }

    private mutating func announceAfterReplay() {
        for song in unannounced {
            for stream in truth[song].streamRefs { announceIfComplete(stream) }
            announceIfSampled(song)
            askForCuts(song)
        }
        unannounced = []
    }

    mutating func handle(_ event: Event) {
        switch event {
        case .submit(let submission, let plan): submit(submission, plan: plan)
        case .allowModel(let name, let fingerprints): allow(name: name, fingerprints: fingerprints)
        case .initialTokens(let song, let tokens): initialTokens(song, tokens)
        case .preparationFailed(let song, let reason): preparationFailed(song, reason: reason)
        case .workerHello(let peer, let description): hello(peer, description)
        case .heartbeat(let peer, let held, let speed, let levelSpeeds, let roundTrip, let isLeaving):
            heartbeat(
                peer, held: held, tokensPerSecond: speed, levelSpeeds: levelSpeeds, roundTrip: roundTrip,
                isLeaving: isLeaving)
        case .chunk(let peer, let chunk): chunkArrived(chunk, from: peer)
        case .taskFailed(let peer, let task, let epoch, let reason): taskFailed(peer, task, epoch, reason: reason)
        case .goodbye(let peer): workerLeft(peer)
        case .workerDied(_, let report): workerDied(report)
        case .peerLost(let peer): peerLost(peer)
        case .cutChosen(let song, let sample, let seam, let position):
            cutChosen(song, sample: sample, seam: seam, position: position)
        case .cancel(let song): cancel(song)
        case .remove(let song): remove(song)
        case .pause: pause()
        case .proceed: proceed()
        case .resume(let song): resume(song)
        case .note(let song, let note): self.note(note, of: song)
        case .outputsWritten(let song): outputs(of: song, became: .finished)
        case .outputsFailed(let song, let reason): outputs(of: song, became: .failed(reason: reason))
        case .releaseMachine(let machine): releaseMachine(machine)
        case .drain(let workers, let isDrained): drain(workers, isDrained)
        case .tick:
            expireLeases()
            passTime()
            reviewChecks()
        }
    }

    // MARK: Rules

    /// Carries out what the rules want, until none wants anything.
    private mutating func applyRules() {
        var isMoving = true
        while isMoving {
            isMoving = false
            let seen = grown
            grown = []
            for rule in Self.rules {
                let moves = rule(view(seen))
                isMoving = isMoving || !moves.isEmpty
                for move in moves { carryOut(move) }
            }
        }
    }

    func view(_ grown: [StreamRef] = []) -> ClusterView {
        ClusterView(
            truth: truth, pool: pool, leases: leases, memory: memory, settings: settings, now: now, grown: grown)
    }

    private mutating func carryOut(_ move: Move) {
        switch move {
        case .open(let song): open(song)
        case .grant(let entry, let worker, let isProvisional, let moving):
            grant(entry, to: worker, isProvisional: isProvisional, moving: moving)
        case .prefill(let stream, let task, let worker, let known): prefill(stream, task, by: worker, known: known)
        case .endPrefill(let stream): endPrefill(stream)
        case .announce(let stream, let task, let worker): announce(stream, task, to: worker)
        case .vacate(let worker): vacate(worker)
        case .awaitSlot(let stream): memory.setAwaiting(stream)
        case .expect(let outlook): memory.set(outlook, nextCheck: now + settings.stragglerCheck)
        case .straggle(let stream, let isStraggling):
            memory.setStraggling(stream, isStraggling)
            refresh(stream)
        case .decline(let speeds): memory.decline(speeds)
        }
    }

    // MARK: What every change is made of

    /// Journals a record and lets it happen. Replay lets the same records happen, so both agree.
    mutating func commit(_ record: Record) {
        effects.append(.journal(record))
        let changes = truth.apply(record)
        for lease in changes.cleared { pool.clear(lease.task, of: lease.worker) }
        for lease in changes.ended { close(lease) }
        guard let song = truth.find(record.song), truth[song].state != .sampling else { return }
        if !memory.announced.isEmpty { endAnnouncements(of: song) }
        memory.close(truth[song])
        if !accused.isEmpty { accused = accused.filter { $0.song != song } }
    }

    /// A submission's plan; kept until the song is submitted.
    mutating func makePlan(_ submission: Submission, known: Plan?) throws(GeometryError) -> Plan {
        try truth.plan(submission.planInputs, known: known)
    }

    private mutating func close(_ lease: Lease) {
        pool.release(lease.task, of: lease.worker)
        let progress = leases.close(lease)
        guard let song = truth.find(lease.task.song), !truth[song].state.isAtRest else { return }
        memory.share(song, add: -(progress?.share ?? 0))
        memory.setStraggling(truth[song].ref(lease.task.stream), false)
    }

    /// A lease that the truth has runs from now on.
    mutating func open(_ lease: Lease, _ progress: LeaseProgress) {
        guard let stream = truth.live(lease.task.stream) else { return }
        leases.open(lease, progress)
        memory.share(stream.song, add: progress.share)
        memory.setStraggling(stream, progress.isProvisional)
        pool.assign(lease.task, to: lease.worker, now: now, isSuspect: truth[stream].isSuspect)
    }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    mutating func send(_ peer: Peer, _ message: Outgoing) { effects.append(.send(peer, message)) }

    mutating func send(to worker: WorkerID, _ message: Outgoing) {
        if let peer = pool[worker]?.peer { send(peer, message) }
    }

    /// A stream has more tokens or another lease: the rules look at it.
    mutating func noteGrown(_ stream: StreamRef) { grown.append(stream) }

    // MARK: Songs in the schedule

    /// A song that may be sampled waits for its turn.
    mutating func enqueue(_ song: SongRef) {
        guard truth[song].state == .sampling else { return }
        // Apart, so that no view is left when the memory changes: it would be copied.
        let skills = view().wantedSkills(truth[song])
        memory.wait(truth[song], wanting: skills)
    }

    private mutating func open(_ song: SongRef) {
        memory.open(truth[song])
        for stream in truth[song].streamRefs { refresh(stream) }
    }

    /// Brings the ready index up to date with one stream.
    mutating func refresh(_ stream: StreamRef) {
        guard truth[stream.song].state == .sampling else { return }
        let task = view().readyTask(stream)
        memory.setReady(task, of: stream, truth[stream.song].skill(stream))
    }
}
