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
            ahead = ahead.filter { $0.value.worker != description.id }
        case .workerDied(_, let report):
            ahead = ahead.filter { $0.value.worker != report.worker }
            admitted = admitted.filter { $0.value.id != report.worker }
        case .goodbye(let peer), .peerLost(let peer):
            ahead = ahead.filter { $0.value.worker != admitted[peer]?.id }
            admitted[peer] = nil
        case .submit, .allowModel, .initialTokens, .preparationFailed, .heartbeat, .chunk, .taskFailed,
            .cancel, .resume, .remove, .pause, .proceed, .releaseMachine, .cutChosen, .outputsWritten, .outputsFailed,
            .tick:
            break
        }
        let effects = coordinator.handle(event, now: now)
        for effect in effects.prefix(limit ?? effects.count) { try carryOut(effect) }
        // Who dies before all is carried out knows more than its journal.
        if limit == nil { try checkInvariants() }
        return effects
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
        try handle(.heartbeat(peer, held: worker.held, tokensPerSecond: worker.speed, levelSpeeds: worker.levelSpeeds))
    }

    /// The coordinator's process dies and starts again from the journal.
    mutating func restart() throws {
        coordinator = try Coordinator(replaying: journal, settings: settings, now: now)
        admitted = [:]
        ahead = [:]
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
        let range = try segment(stream).range
        try require(streams[stream] == tokens(stream, range), "\(stream) has wrong tokens")
        try require(coordinator.tokens(of: stream) == streams[stream], "\(stream) differs from the journal")
    }

    private mutating func check(_ record: Record) throws {
        switch record {
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
            if let begun = ahead.removeValue(forKey: task), begun.worker == worker { aheadUsed += 1 }
        case .leaseEnded(let task, let epoch, _, _):
            try require(lease(task, epoch) != nil, "\(task) ends a lease that it has not")
            if leases[task]?.epoch == epoch { leases[task] = copies[task] }
            copies[task] = nil
        case .workerBlamed(let task, _, let blame, let machine):
            try require(blame != .vanished, "nobody is blamed for vanishing")
            try require(machine != nil && (try segment(task.stream)).windows.indices.contains(task.window), "\(task)?")
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
    private func lease(_ task: TaskID, _ epoch: Epoch) -> (epoch: Epoch, worker: WorkerID)? {
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
            try require(lease != nil, "tokens of \(task) with the wrong epoch \(epoch)")
            try require(lease?.worker == worker, "tokens of \(task) from the wrong \(worker)")
            let segment = try segment(stream)
            let have = segment.range.lowerBound + streams[stream, default: []].count
            try require(start == have, "tokens of \(stream) at \(start); there are \(have)")
            streams[stream, default: []] += new
            if segment.windows[task.window].new.upperBound == start + new.count {
                leases[task] = nil
                copies[task] = nil
            }
        }
    }

    // MARK: Messages

    private mutating func send(_ peer: Peer, _ message: Outgoing) throws {
        switch message {
        case .welcome: try require(admitted[peer] != nil, "a welcome for nobody")
        case .refused(let reason):
            refusedPeers[peer] = reason
            admitted[peer] = nil
        case .helloWanted: break
        case .revoke(let task, let epoch, _): if epoch == 0 { ahead[task] = nil }
        case .prefill(let assignment): try checkAhead(assignment, peer)
        case .assignment(let assignment): try check(assignment, peer)
        case .acknowledged(let task, _, let count):
            acknowledgements += 1
            let segment = try segment(task.stream)
            let first = segment.windows[task.window].new.lowerBound - segment.range.lowerBound
            try require(
                streams[task.stream, default: []].count >= first + count,
                "\(count) tokens of \(task) are acknowledged before they are journaled")
        }
        toWorkers.append((peer, message))
    }

    private func checkSlots(_ worker: WorkerDescription) throws {
        let silence = coordinator.pool[worker.id].map { now - $0.lastHeard } ?? .zero
        try require(silence < settings.heartbeat * 2, "\(worker.id) gets a window after a silence of \(silence)")
        let machine = worker.machine ?? worker.id
        try require(!coordinator.machines.isSetAside(machine), "\(worker.id) gets a window and is set aside")
        let busy =
            (Array(leases.values) + copies.values).count { $0.worker == worker.id }
            + ahead.values.count { $0.worker == worker.id }
        try require(busy <= worker.slots, "\(worker.id) has \(busy) tasks in \(worker.slots) slots")
    }

    /// The window after one that another worker has, with the first part of its prime.
    private mutating func checkAhead(_ assignment: Assignment, _ peer: Peer) throws {
        let task = assignment.task
        guard let worker = admitted[peer] else { throw Violation("\(task) is begun at an unknown peer") }
        try require(assignment.epoch == 0, "\(task) is begun ahead with the epoch \(assignment.epoch)")
        let holder = leases[TaskID(stream: task.stream, window: task.window - 1)]?.worker
        try require(holder != nil && holder != worker.id, "\(task) is begun ahead beside \(holder ?? "nobody")")
        let segment = try segment(task.stream)
        let (window, start) = (segment.windows[task.window], segment.range.lowerBound)
        let codes = submissions[task.song]!.planInputs.geometry.levels[task.level].code(of:)
        let have = streams[task.stream, default: []].dropFirst(window.prime.lowerBound - start).map(codes)
        try require(assignment.tokens == have && have.count < window.prime.count, "\(task) is begun with wrong tokens")
        if let known = ahead[task], coordinator.pool[known.worker] != nil {
            try require(known.worker == worker.id && known.known < have.count, "\(task) is begun ahead twice")
        }
        ahead[task] = (worker.id, have.count)
        told.append(have.count)
        try checkSlots(worker)
    }

    private mutating func check(_ assignment: Assignment, _ peer: Peer) throws {
        let task = assignment.task
        guard let worker = admitted[peer] else { throw Violation("\(task) is assigned to an unknown peer") }
        let lease = lease(task, assignment.epoch)
        try require(lease != nil, "\(task) is assigned before its lease")
        try require(lease?.worker == worker.id, "\(task) is assigned to another than its lessee")
        try checkSlots(worker)
        try require(
            worker.fingerprints[task.level] == assignment.fingerprint, "\(worker.id) cannot do \(task)")
        guard let submission = submissions[task.song] else { throw Violation("no song of \(task)") }
        let segment = try segment(task.stream)
        let window = segment.windows[task.window]
        try require(window.range == assignment.window, "\(task) is another window")
        try require(assignment.prime == window.prime.count, "\(task) has a prime of \(assignment.prime)")
        func have(_ stream: StreamID, _ range: Range<Int>) throws -> ArraySlice<UInt16> {
            let start = try self.segment(stream).range.lowerBound
            let tokens = streams[stream, default: []]
            guard range.lowerBound >= start, range.upperBound <= start + tokens.count else {
                throw Violation("\(task) needs \(range) of \(stream), which is not there")
            }
            return tokens[range.lowerBound - start..<range.upperBound - start]
        }
        let end = segment.range.lowerBound + streams[task.stream, default: []].count
        // Its own new tokens as they were sampled; of all others the codes that they stand for.
        let shapes = submission.planInputs.geometry.levels
        let prime = try have(task.stream, window.prime).map(shapes[task.level].code(of:))
        let new = try have(task.stream, window.new.lowerBound..<end)
        try require(assignment.tokens == prime + new, "\(task) starts from wrong tokens")
        if let above = window.above {
            let (plan, level) = (try plan(task.song, task.sample), task.level + 1)
            let ratio = plan.geometry.lengthUnit / shapes[level].samplesPerToken
            // In an overlap it is the cut that decides, for both renditions alike.
            let wanted = try above.map { place in
                let isWhole = plan.levels[level].segments.count == 1
                let segment = isWhole ? 0 : plan.cuts.count { $0 * ratio <= place }
                let upper = StreamID(song: task.song, sample: task.sample, level: level, segment: segment)
                return shapes[level].code(of: try have(upper, place..<place + 1)[...].first!)
            }
            try require(wanted == assignment.above, "\(task) has a wrong slice")
        } else {
            try require(assignment.above.isEmpty, "\(task) is of the top level and has a slice above")
        }
    }
}
