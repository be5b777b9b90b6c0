import SongPlan

@testable import CoordinatorCore

/// What a coordinator must never do.
struct Violation: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Violation(text()) }
}

/// The token that a model would sample: a function of where it is, like the real thing.
func token(_ stream: StreamID, _ position: Int, codes: Int = 128) -> UInt16 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    for part in [stream.sample, stream.level, position, stream.segment * 7919] + stream.song.utf8.map(Int.init) {
        hash = (hash ^ UInt64(part + 1)) &* 0xBF58_476D_1CE4_E5B9
        hash ^= hash >> 29
    }
    return UInt16(hash % UInt64(codes))
}

func tokens(_ stream: StreamID, _ range: Range<Int>) -> [UInt16] { range.map { token(stream, $0) } }

/// Carries the effects of a coordinator out, and throws when one is illegal.
struct MockWorld {
    var coordinator: Coordinator
    let settings: Settings
    var now = Instant(nanoseconds: 0)

    /// What is durable.
    var journal: [Record] = []
    /// What the coordinator must know by it, compared after every event.
    private var audit = ReplayAudit()
    /// Off where it would take minutes: each comparison looks at every song.
    var isAudited = true
    /// Tokens by stream, leases by task, states by song: all read off the journal alone.
    var streams: [StreamID: [UInt16]] = [:]
    var leases: [TaskID: (epoch: Epoch, worker: WorkerID)] = [:]
    /// Second leases of the same tasks.
    var copies: [TaskID: (epoch: Epoch, worker: WorkerID)] = [:]
    var copiesMade = 0
    /// Who was told of which task ahead of its lease, and samples what comes before.
    var announced: [TaskID: WorkerID] = [:]
    /// Leases that went to the worker that had been told.
    var announcedUsed = 0
    /// Who was told to prefill which task ahead of its lease, and how much of its prime.
    var ahead: [TaskID: (worker: WorkerID, known: Int)] = [:]
    /// The same of every such message, in order.
    var told: [Int] = []
    /// How often a lease followed there.
    var aheadUsed = 0
    var submissions: [SongID: Submission] = [:]
    var states: [SongID: SongState] = [:]
    var lastEpoch: Epoch = 0

    /// Processes that run, whether the coordinator knows of them or not.
    var workers: [Peer: MockWorker] = [:]
    /// What peers said in their last HELLO to this run of the coordinator.
    var admitted: [Peer: WorkerDescription] = [:]
    /// Streams and songs that this run of the coordinator told of.
    var completed: Set<StreamID> = []
    var sampled: Set<SongID> = []
    var refusals: [SongID: String] = [:]
    var refusedPeers: [Peer: String] = [:]
    /// Messages on their way to workers.
    var toWorkers: [(peer: Peer, message: Outgoing)] = []
    var acknowledgements = 0
    /// By sample, with the cuts that are durable.
    var plans: [SongID: [Plan]] = [:]
    /// Sample, number and song of those.
    var cuts: Set<[Int]> = []
    var wantedCuts: [(SongID, Int, Int)] = []

    /// By epoch, new tokens of the window that its holder has brought.
    var claims: [Epoch: Int] = [:]
    /// Leases whose windows depend on tokens that are not the model's, and what they brought that is still there.
    var tainted: Set<Epoch> = []
    var taint: [StreamID: [Range<Int>]] = [:]
    /// Off where a machine may lie without being found.
    var checksTruth = true
    var verdicts: Set<MachineID> = []
    var checksBegun = 0
    var checksEnded = 0
    /// Songs whose tokens were withdrawn, each time.
    var withdrawn: [SongID] = []

    init(_ settings: Settings = Settings(chunk: 8)) {
        self.settings = settings
        coordinator = Coordinator(settings: settings, now: now)
    }

    @discardableResult
    mutating func handle(_ event: Event, stopAfter limit: Int? = nil) throws -> [Effect] {
        switch event {
        case .workerHello(let peer, let description):
            admitted = admitted.filter { $0.value.id != description.id }
            admitted[peer] = description
            forgetAhead(of: description.id)
        case .workerDied(_, let report):
            forgetAhead(of: report.worker)
            admitted = admitted.filter { $0.value.id != report.worker }
        case .goodbye(let peer), .peerLost(let peer):
            forgetAhead(of: admitted[peer]?.id)
            admitted[peer] = nil
        case .submit, .allowModel, .initialTokens, .preparationFailed, .heartbeat, .chunk, .taskFailed,
            .cancel, .resume, .note, .remove, .pause, .proceed, .releaseMachine, .drain, .cutChosen, .outputsWritten,
            .outputsFailed,
            .tick:
            break
        }
        let effects = coordinator.handle(event, now: now)
        for effect in effects.prefix(limit ?? effects.count) { try carryOut(effect) }
        // Who dies before all is carried out knows more than its journal.
        if limit == nil { try checkInvariants() }
        return effects
    }

    private mutating func forgetAhead(of worker: WorkerID?) {
        ahead = ahead.filter { $0.value.worker != worker }
        announced = announced.filter { $0.value != worker }
    }

    private func checkInvariants() throws {
        guard isAudited else { return }
        let faults = audit.faults(of: coordinator)
        try require(faults.isEmpty, faults.joined(separator: "; "))
    }

    /// Time passes as it does for a running service: in ticks.
    mutating func wait(_ duration: Duration, heartbeatsFrom alive: [Peer] = []) throws {
        var left = duration
        while left > .zero {
            now = now + .milliseconds(500)
            left -= .milliseconds(500)
            for peer in alive { try heartbeat(peer) }
            try handle(.tick)
        }
    }

    mutating func heartbeat(_ peer: Peer) throws {
        guard let worker = workers[peer] else { throw Violation("no worker at \(peer)") }
        try handle(
            .heartbeat(
                peer, held: worker.held, tokensPerSecond: worker.speed, levelSpeeds: worker.levelSpeeds,
                roundTrip: worker.roundTrip))
    }

    /// The coordinator's process dies and starts again from the journal.
    mutating func restart() throws {
        // As the service does it.
        var dropped: [DroppedRecord] = []
        coordinator = Coordinator(mending: journal, settings: settings, now: now, dropped: &dropped)
        try require(dropped.isEmpty, "records of one history were left away: \(dropped)")
        admitted = [:]
        ahead = [:]
        announced = [:]
        completed = []
        sampled = []
        wantedCuts = []
        try checkInvariants()
    }

    /// As the journal says.
    func plan(_ song: SongID, _ sample: Int) throws -> Plan {
        guard let plan = plans[song]?[sample] else { throw Violation("no song \(song) or no sample \(sample)") }
        return plan
    }

    func segment(_ stream: StreamID) throws -> SegmentPlan {
        try plan(stream.song, stream.sample).levels[stream.level].segments[stream.segment]
    }

    private mutating func cutWanted(_ song: SongID, _ sample: Int, _ seam: Int) throws {
        let plan = try plan(song, sample)
        let top = StreamID(song: song, sample: sample, level: plan.geometry.top)
        try require(
            streams[top, default: []].count >= plan.heard(forCut: seam).upperBound, "cut \(seam) is asked for too early"
        )
        try require(!cuts.contains([sample, seam, song.hashValue]), "cut \(seam) is asked for twice")
        wantedCuts.append((song, sample, seam))
    }

    /// Decides the cuts that were asked for, at places that are a function of the cut.
    mutating func answerCuts() throws {
        let wanted = wantedCuts
        wantedCuts = []
        for (song, sample, seam) in wanted {
            let room = try plan(song, sample).room(ofCut: seam)
            let position = room.lowerBound + (sample * 5 + seam * 3) % room.count
            try handle(.cutChosen(song, sample: sample, seam: seam, position: position))
        }
    }

    // MARK: Effects

    mutating func carryOut(_ effect: Effect) throws {
        switch effect {
        case .journal(let record):
            try check(record)
            journal.append(record)
            audit.add(record)
        case .send(let peer, let message): try send(peer, message)
        case .chooseCut(let song, let sample, let seam): try cutWanted(song, sample, seam)
        case .streamCompleted(let stream): try streamCompleted(stream)
        case .songSampled(let song):
            try require(sampled.insert(song).inserted, "song \(song) is sampled twice")
            try require(isSampled(song), "song \(song) is called sampled too early")
        case .songEnded(let song, let state):
            try require(states[song] == state, "the end of \(song) was told before it was journaled")
            try require(
                !(Array(leases.keys) + copies.keys).contains { $0.song == song }, "song \(song) ended with live leases")
        case .tokensWithdrawn(let song, _):
            withdrawn.append(song)
        case .songResumed(let song):
            try require(states[song].map { !$0.isAtRest } ?? false, "\(song) goes on before that was journaled")
            completed = completed.filter { $0.song != song }
            sampled.remove(song)
        case .submitAccepted(let song):
            try require(submissions[song] != nil, "song \(song) was accepted before it was journaled")
        case .submitRefused(let song, let reason): refusals[song] = reason
        case .defect(let defect): throw defect
        }
    }

    private func isSampled(_ song: SongID) throws -> Bool {
        guard let submission = submissions[song] else { return false }
        return try (0..<submission.samples).allSatisfy { sample in
            let plan = try plan(song, sample)
            return plan.levels.allSatisfy { level in
                level.segments.enumerated().allSatisfy { number, segment in
                    let stream = StreamID(song: song, sample: sample, level: level.level, segment: number)
                    return streams[stream, default: []].count == segment.range.count
                }
            }
        }
    }

    private mutating func streamCompleted(_ stream: StreamID) throws {
        try require(completed.insert(stream).inserted, "\(stream) is completed twice")
        let isRight = try isTrue(stream)
        try require(!checksTruth || isRight, "\(stream) has wrong tokens")
        try require(coordinator.tokens(of: stream) == streams[stream], "\(stream) differs from the journal")
    }

    private mutating func check(_ record: Record) throws {
        switch record {
        case .songNoted: break
        case .songSubmitted(let submission):
            try require(submissions[submission.song] == nil, "\(submission.song) is submitted twice")
            submissions[submission.song] = submission
            plans[submission.song] = Array(repeating: try submission.planInputs.plan(), count: submission.samples)
            states[submission.song] = submission.awaitsTokens ? .preparing : .sampling
        case .tokens(let stream, let start, let new, let origin):
            try checkTokens(stream, start, new, origin)
        case .leaseGranted(let task, let epoch, let worker):
            try require(epoch > lastEpoch, "epoch \(epoch) is used again")
            lastEpoch = epoch
            if let first = leases[task] {
                try require(copies[task] == nil, "\(task) has three live leases")
                try require(first.worker != worker, "\(worker) has \(task) twice")
                copies[task] = (epoch, worker)
                copiesMade += 1
                break
            }
            try require(
                !leases.keys.contains { $0.stream == task.stream }, "\(task.stream) has two running tasks")
            leases[task] = (epoch, worker)
            if let told = announced[task], told == worker {
                announcedUsed += 1
                announced[task] = nil
            }
            if let begun = ahead.removeValue(forKey: task), begun.worker == worker { aheadUsed += 1 }
        case .leaseEnded(let task, let epoch, _, _):
            try require(lease(task, epoch) != nil, "\(task) ends a lease that it has not")
            if leases[task]?.epoch == epoch { leases[task] = copies[task] }
            copies[task] = nil
        case .workerBlamed(let task, _, let blame, let machine):
            try require(blame != .vanished, "nobody is blamed for vanishing")
            try require(machine != nil && (try segment(task.stream)).windows.indices.contains(task.window), "\(task)?")
        case .machine, .checkBegun, .claimed, .checkEnded, .tokensDropped, .cutDropped, .verdict, .verdictLifted:
            try checkRecord(record)
        case .cut(let song, let sample, let seam, let position):
            try require(cuts.insert([sample, seam, song.hashValue]).inserted, "\(song) is cut twice at \(seam)")
            plans[song]?[sample].move(cut: seam, to: position)
        case .songState(let song, let state):
            try require(states[song].map { !$0.isEnded } ?? false, "\(song) changes after its end")
            states[song] = state
            if state.isAtRest {
                leases = leases.filter { $0.key.song != song }
                copies = copies.filter { $0.key.song != song }
            }
        case .songResumed(let song):
            try require(states[song]?.isResumable ?? false, "\(song) is resumed and did not rest")
            states[song] = try resumed(song)
        case .songRemoved(let song): try forget(song)
        }
    }

    /// What a song becomes that goes on from its tokens.
    private func resumed(_ song: SongID) throws -> SongState {
        guard let submission = submissions[song] else { throw Violation("no song \(song)") }
        let hasKnown = (0..<submission.samples).allSatisfy { sample in
            submission.planInputs.known.enumerated().allSatisfy { level, count in
                streams[StreamID(song: song, sample: sample, level: level), default: []].count >= count
            }
        }
        return try !hasKnown ? .preparing : isSampled(song) ? .decoding : .sampling
    }

    /// The lease of that epoch.
    func lease(_ task: TaskID, _ epoch: Epoch) -> (epoch: Epoch, worker: WorkerID)? {
        [leases[task], copies[task]].compactMap { $0 }.first { $0.epoch == epoch }
    }

    private mutating func checkTokens(
        _ stream: StreamID, _ start: Int, _ new: [UInt16], _ origin: TokenOrigin
    ) throws {
        switch origin {
        case .known:
            try require(
                states[stream.song] == .preparing && start == 0, "known tokens of \(stream) came late")
            streams[stream] = new
        case .sampled(let task, let epoch, let worker):
            let lease = lease(task, epoch)
            try require(lease != nil || claims[epoch] != nil, "tokens of \(task) with the wrong epoch \(epoch)")
            try require(lease == nil || lease?.worker == worker, "tokens of \(task) from the wrong \(worker)")
            let segment = try segment(stream)
            let have = segment.range.lowerBound + streams[stream, default: []].count
            try require(start == have, "tokens of \(stream) at \(start); there are \(have)")
            streams[stream, default: []] += new
            if tainted.contains(epoch) { taint[stream, default: []].append(start..<start + new.count) }
            if segment.windows[task.window].new.upperBound == start + new.count {
                leases[task] = nil
                copies[task] = nil
            }
        }
    }
}
