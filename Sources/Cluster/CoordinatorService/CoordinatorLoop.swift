import ClusterMetrics
import ClusterProtocol
import CoordinatorCore
import CoreMetrics
import Foundation
import Journal
import ProgramLog
import SongFiles
import SongPlan
import StateCopy
import SystemErrors

/// What one thread does, and alone has: the core, the songs that have not ended, and the transport.
///
/// It takes in what has arrived, lets the core decide, journals all records of that turn in one transaction, and then
/// sends. What takes long is `BackgroundWork`.
final class CoordinatorLoop {
    private(set) var options: CoordinatorServer.Options
    let journal: Journal
    let work: BackgroundWork
    let completions: Completions
    let clock = LoopClock()
    let folder: URL
    private(set) var core: Coordinator
    /// Those that have not ended.
    private(set) var songs: [SongID: LiveSong] = [:]
    private var workers = SeenWorkers()
    var workerLog = WorkerLog()
    var refusals = RefusalTable()
    var machineLog = MachineLog()
    var awaited = AwaitedAnswers()
    var seals = SealBook()
    private var checkReport = CheckReport()
    var conduct = PeerConduct()
    var logBudget = LogBudget()
    /// What came and has not had its turn.
    private var waiting: [ReceivedMessage] = []
    /// Seconds for which messages are taken in before what they came to is journaled and answered.
    private static let longestTurn = 0.03
    /// When the timelines of songs that run may be written again: it takes long for long songs.
    var nextTimelines: [SongID: Double] = [:]
    var summaries = SongSummaries()
    /// Connections that are to be hung up on.
    var unwanted: [ConnectionID] = []
    /// Workers whose refusal is noted already.
    var refusedAtDoor: Set<Peer> = []
    /// As of the last turn.
    var connections: ConnectionCount?
    /// What the songs of each key take.
    private(set) var holdings = Holdings()
    var uploads = UploadLedger()
    var gate = JournalGate()
    /// Who said something while nothing could be journaled, that was left.
    var unheard: Set<ConnectionID> = []
    var upkeep: Upkeep
    var scrub = Scrub()
    /// Finished songs in doubt, as they were told.
    var toldDoubts = 0
    var nextProfileLook = 0.0
    /// What workers tell of themselves.
    var figures = ReportedFigures()
    var known = KnownMetrics()
    /// Keeps a copy of the state elsewhere, while the loop runs.
    var copier: StateCopier?
    /// When what is dealt with was taken in.
    private var takenIn = ContinuousClock.now
    /// Songs whose submission is damaged.
    var lost: [SongID: String]
    var troubles: Troubles { work.troubles }
    var metrics: CoordinatorMetrics { work.metrics }

    init(_ state: OpenedState, folder: URL, work: BackgroundWork, options: CoordinatorServer.Options) {
        core = state.core
        journal = state.journal
        lost = state.lost
        upkeep = Upkeep(endings: state.endings)
        self.folder = folder
        self.work = work
        self.options = options
        completions = work.completions
        metrics.add(journal.totals)
    }

    func layout(of song: SongID) -> SongFolderLayout { CoordinatorServer.layout(of: song, in: folder) }

    /// Serves until the coordinator is stopped.
    ///
    /// - Throws: when the journal cannot be written, unless that is waited for, or the transport fails; nothing
    ///   acknowledged is lost.
    func run(_ transport: any Transport) throws {
        completions.wake(transport.waker)
        resumeSongs()
        beginUpkeep()
        beginCopy()
        // What was journaled last is in it, too, where that takes a moment.
        defer { copier?.stop(within: Self.lastCopy) }
        for machine in core.verdicts.keys.sorted() { findDoubtful(machine) }
        do {
            while !completions.isStopping {
                let messages = try nextMessages(transport)
                let start = ContinuousClock.now
                try turn(messages, transport)
                if !messages.isEmpty { metrics.turn.record(start.duration(to: .now) / .seconds(1)) }
                if let fault = completions.fault { throw fault }
                options.sign()
            }
            flushTotals(atOnce: true)
        } catch {
            if completions.isStopping, error.isAboutRoom { return }
            // Told before the jobs that run are waited for.
            completions.giveUp(error)
            throw error
        }
    }

    private func nextMessages(_ transport: any Transport) throws -> [ReceivedMessage] {
        guard waiting.isEmpty else {
            defer { waiting = [] }
            return waiting
        }
        let messages = try transport.receive(timeout: .milliseconds(100), limit: 256)
        takenIn = .now
        return messages
    }

    private func turn(_ messages: [ReceivedMessage], _ transport: any Transport) throws {
        var replies: [AddressedReply] = []
        if !gate.isHolding {
            try takeIn(messages, transport, &replies)
        } else {
            try waitForJournal(messages, transport, &replies)
        }
        try keepUp(transport, &replies)
        flushTotals()
        checkReport.look(core, at: clock.seconds, troubles, log: options.log)
        try notePeers(transport.takeRefusals(), transport)
        for reply in replies { _ = try transport.send(reply.fittingPayload(), to: reply.connection) }
    }

    private func takeIn(
        _ messages: [ReceivedMessage], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws {
        var effects: [Effect] = []
        let end = clock.seconds + Self.longestTurn
        for (place, message) in messages.enumerated() {
            // Who asks for much in one go waits for the rest, and others for no more than a turn.
            if place > 0, clock.seconds > end {
                waiting = Array(messages[place...])
                break
            }
            let isWhole = seals.accepts(message.payload, from: message.connection)
            effects += handle(isWhole ? Incoming(message) : .damaged, from: message, &replies)
        }
        for completion in completions.drain() { effects += handle(completion, &replies) }
        effects += handle(.tick)
        while !effects.isEmpty { effects = try carryOut(effects, transport, &replies) }
    }

    func handle(_ event: Event) -> [Effect] { core.handle(event, now: clock.now) }

    /// What arrived.
    func handle(
        _ message: Incoming, from sender: ReceivedMessage, _ replies: inout [AddressedReply]
    ) -> [Effect] {
        let (connection, key, address) = (sender.connection, sender.peerKey ?? "", sender.address)
        var effects: [Effect] = []
        guard isAllowed(message, sender, &replies, &effects) else {
            strike(connection)
            return effects
        }
        switch message {
        case .request(let request, let number):
            let reply: ClientReply?
            do {
                reply = try answer(request, number: number, from: Asker(sender))
            } catch {
                if case .submit = request { metrics.count(CoordinatorMetric.songsRefused) }
                reply = .refused(error)
            }
            // Without one, the answer follows later.
            if let reply { replies.append(AddressedReply(connection: connection, number: number, reply: reply)) }
        case .foreignRequest(let number, let reason):
            note(RefusalTable.Entry(key: key, address: address, reason: "a client: \(reason)"))
            strike(connection)
            replies.append(AddressedReply(connection: connection, number: number, reply: .refused(reason)))
        case .foreignWorker(let name, let reason):
            note(RefusalTable.Entry(key: key, address: address, name: name, reason: reason))
            strike(connection)
            refusedAtDoor.insert(Peer(connection.bytes))
            return [.send(Peer(connection.bytes), .refused(reason: reason))]
        case .event(let event):
            if case .workerHello(let peer, let worker) = event { workerLog.hello(peer, worker.id, name: worker.name) }
            if case .goodbye(let peer) = event { workerLog.goodbye(peer) }
            if case .workerDied(_, let report) = event { note(report) }
            effects = handle(event)
            if effects.contains(where: \.isRefusal) { strike(connection) }
            if case .workerHello(_, let worker) = event { remember(worker) }
            return effects
        case .heartbeat(let event, let figures):
            if let worker = workerLog.id(at: Peer(connection.bytes)) {
                self.figures.take(figures, of: worker, at: clock.seconds)
            }
            return handle(event)
        case .damaged:
            metrics.count(CoordinatorMetric.messagesRefused, "damaged")
            tell(.damagedChunk, "dropped a message that was damaged on its way; whoever sent it says it again")
            strike(connection)
        case .notOfThisProtocol:
            metrics.count(CoordinatorMetric.messagesRefused, "foreign")
            let reason = "it sent what is no message of this protocol; it may be of another release"
            note(RefusalTable.Entry(key: key, address: address, reason: reason))
            strike(connection)
        }
        return []
    }

    private func remember(_ worker: WorkerDescription) {
        workers.add(worker, known: { core.workerStatuses.map(\.worker) })
        for held in worker.held { remember(worker.id, of: held.task.song) }
    }

    /// What another thread posted.
    private func handle(_ completion: Completion, _ replies: inout [AddressedReply]) -> [Effect] {
        switch completion {
        case .event(let event): return handle(event)
        case .ofRun(let run, let song, let event): return songs[song]?.run === run ? handle(event) : []
        case .refused(let song, let reason):
            metrics.count(CoordinatorMetric.songsRefused)
            if let reply = awaited.refuse(song, reason) { replies.append(reply) }
            return []
        case .prepared(let prepared):
            let song = prepared.submission.song
            if core.state(of: song) == nil, let reason = holdings.refusal(prepared.submission, prepared.song.plan) {
                metrics.count(CoordinatorMetric.songsRefused)
                if let reply = awaited.refuse(song, reason, .busy) { replies.append(reply) }
                return []
            }
            return submit(prepared)
        case .settings(let quota, let keepFor):
            change(quota: quota, keepFor: keepFor)
            return []
        case .uploaded(let result):
            if result.isEnd { uploads.end(result.digest, of: result.asker.key ?? "") }
            replies.append(
                AddressedReply(connection: result.asker.connection, number: result.number, reply: result.reply))
            return []
        }
    }

    private func submit(_ prepared: PreparedSubmission) -> [Effect] {
        let song = prepared.submission.song
        for warning in prepared.song.warnings { tell(.warning, "song \(song): \(warning)", LogFields(song: song)) }
        let former = core.state(of: song)
        awaited.warn(song, prepared.song.warnings + (former.flatMap { Self.note(of: song, $0) } ?? []))
        let isNew = former == nil
        let effects = handle(.submit(prepared.submission, plan: prepared.song.plan))
        if isNew, core.state(of: song) != nil {
            // An id that was free may have files of a song that nobody knows any more.
            removeFiles(of: song)
            FolderOwner(prepared.submission, layout(of: song)).mark()
            let live = begin(song, prepared.request, prepared.song.plan)
            if prepared.submission.awaitsTokens { work.encode(live) }
        }
        return effects
    }

    /// What a client should know that submits a song once more.
    private static func note(of song: SongID, _ state: SongState) -> [String]? {
        switch state {
        case .preparing, .sampling, .decoding: nil
        case .finished: ["it was submitted before, and is finished"]
        case .parked, .failed, .cancelled:
            ["it was submitted before, and is \(state); orchestrion resume \(song) lets it go on"]
        }
    }

    private func change(quota: Int?, keepFor: Double?) {
        guard quota != options.quota || keepFor != options.keepFor else { return }
        (options.quota, options.keepFor) = (quota, keepFor)
        settingsChanged()
    }

    /// The only place where a song enters the table.
    func begin(_ id: SongID, _ request: SongRequest, _ plan: Plan) -> LiveSong {
        let song = LiveSong(id: id, request: request, plan: plan, folder: layout(of: id).folder)
        songs[id] = song
        if let submission = core.submission(of: id) { holdings.add(submission, plan) }
        return song
    }

    /// Tokens of a song were withdrawn: all that was made of it is made again, from those that stay.
    private func withdraw(_ id: SongID, _ reason: String) {
        options.log(
            "song \(id): tokens are sampled again, with all that depends on them: \(reason)", .warning,
            LogFields(song: id))
        songs[id]?.close()
        work.discardFiles(of: id, layout(of: id))
        // One that rests is taken up later.
        guard let former = songs[id], let samples = core.submission(of: id)?.samples else { return }
        holdings.remove(id)
        var song = begin(id, former.request, former.plan)
        for (worker, seen) in former.workers { song.remember(seen, as: worker) }
        songs[id] = song
        resumeSounds(of: id, samples: samples, song.plan)
        completeStreams(of: id)
    }

    /// The only place where a song leaves the table.
    private func end(_ song: SongID, _ state: SongState) throws {
        holdings.remove(song)
        nextTimelines[song] = nil
        troubles.forget(song)
        upkeep.endings[song] = journal.time
        let live = songs.removeValue(forKey: song)
        live?.close()
        try settle(song, workers: live?.workers ?? [:])
    }

    /// New tokens of a song are durable.
    func count(tokens: Int, of song: SongID) { songs[song]?.count(tokens: tokens, at: clock.seconds) }

    func remember(_ worker: WorkerID, of song: SongID) {
        if let seen = workers[worker] { songs[song]?.remember(seen, as: worker) }
    }

    // MARK: what was decided

    /// Does what was decided, once its records are durable.
    ///
    /// - Returns: what follows from peers that could not be reached.
    func perform(
        _ effects: [Effect], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws -> [Effect] {
        var following: [Effect] = []
        for effect in effects {
            switch effect {
            case .journal(let record): observe(record)
            case .send(let peer, let message):
                if case .refused(let reason) = message, refusedAtDoor.remove(peer) == nil {
                    noteRefusedWorker(peer, reason)
                }
                following += try send(message, to: peer, transport)
            case .chooseCut(let song, let sample, let seam): chooseCut(song, sample: sample, seam: seam)
            case .streamCompleted(let stream): complete(stream)
            case .songSampled(let song): finish(song)
            case .tokensWithdrawn(let song, let reason): withdraw(song, reason)
            case .songEnded(let song, let state): try end(song, state)
            case .songResumed(let song): takeUp(song)
            case .submitAccepted(let song):
                upkeep.hasNewSongs = true
                let tokens = core.status(of: song)?.wantedTokens ?? 0
                if let reply = awaited.accept(song, tokens: tokens) { replies.append(reply) }
            case .submitRefused(let song, let reason):
                metrics.count(CoordinatorMetric.songsRefused)
                if let reply = awaited.refuse(song, reason, core.state(of: song) == nil ? .other : .conflict) {
                    replies.append(reply)
                }
            case .defect(let defect): throw SongError("internal error, please report it: \(defect)")
            }
        }
        return following
    }

    /// - Returns: what follows when it could not be sent: the peer is gone, or no message is that large.
    private func send(_ message: Outgoing, to peer: Peer, _ transport: any Transport) throws -> [Effect] {
        let payload = try message.payload()
        guard payload.count <= TransportLimits.maximumMessageSize else {
            guard case .assignment(let assignment) = message else { return [] }
            let reason =
                "its assignment has \(payload.count) bytes; a message has \(TransportLimits.maximumMessageSize)"
            return handle(.taskFailed(peer, assignment.task, assignment.epoch, reason: reason))
        }
        if try transport.send(payload, to: ConnectionID(bytes: peer.bytes)) {
            if case .acknowledged = message {
                metrics.acknowledgement.record(takenIn.duration(to: .now) / .seconds(1))
            }
            return []
        }
        workerLog.lost(peer)
        return handle(.peerLost(peer))
    }
}

extension Effect {
    /// Whether a worker is told that it is not wanted.
    fileprivate var isRefusal: Bool { if case .send(_, .refused) = self { true } else { false } }
}

/// The time since the loop began.
struct LoopClock {
    private let start = ContinuousClock.now

    var now: Instant { Instant(nanoseconds: Int64(start.duration(to: .now) / .nanoseconds(1))) }
    var seconds: Double { start.duration(to: .now) / .seconds(1) }
}
