import ClusterProtocol
import CoordinatorCore
import CoordinatorService
import Journal
import SongPlan

/// The coordinator's process died, as it was meant to.
struct ProcessKilled: Error {}

/// A coordinator's process: the real core, journal and codec, turn by turn. What its threads do beside it takes its time.
final class SimulatedCoordinator {
    /// What it stands on, and what watches it.
    struct Surroundings {
        var clock: VirtualClock
        var disk: SimulatedDisk
        var network: SimulatedNetwork
        var finished: FinishedSongs
        var checks: Checks
        var trace: Trace
        var settings: Settings
    }

    private let outside: Surroundings
    private let journal: Journal
    private(set) var core: Coordinator
    private var gate = JournalGate()
    private var seals = SealBook()
    private var jobs: CoordinatorJobs
    private let start: Instant
    /// Finished songs whose tokens the journal still has.
    private var unsettled: [SongID] = []
    private var nextSettling = 0.0
    private var nextShrinking = 60.0
    /// Songs that are in the write-ahead log alone, as the service has it.
    private var hasNewSongs = false
    private var nextSecuring = 0.0
    /// What came and has not had its turn.
    private var inbox: [ReceivedMessage] = []
    private var requests: [Event] = []
    /// The process dies when so many more effects are carried out.
    var effectsLeft: Int?

    static let folder = "/state"

    /// Opens the journal and goes on from it.
    ///
    /// - Throws: `JournalError`; `Violation`; `ProcessKilled` when the disk's process died meanwhile.
    init(_ outside: Surroundings, dice: Dice) throws {
        self.outside = outside
        start = outside.clock.now
        jobs = CoordinatorJobs(dice: dice)
        do {
            journal = try Journal(folder: Self.folder, on: outside.disk)
        } catch {
            throw outside.disk.isDead ? ProcessKilled() : error
        }
        do {
            try outside.checks.opened(journal)
            let replayed = try ReplayedJournal(journal, settings: outside.settings) { text, _, _ in
                outside.trace.log(text)
            }
            core = replayed.core
            try outside.checks.mended(journal, core, isWhole: replayed.isWhole)
            unsettled = try journal.unforgotten().filter { [core] in core.state(of: $0) == .finished }
        } catch {
            journal.close()
            throw outside.disk.isDead ? ProcessKilled() : error
        }
        for song in core.songIDs where core.state(of: song).map({ !$0.isAtRest }) ?? false { takeUp(song) }
    }

    /// Its process ends; the disk says how.
    func close() { journal.close() }

    func deliver(_ payload: [UInt8], from connection: ConnectionID) {
        inbox.append(ReceivedMessage(connection: connection, peerKey: nil, payload: payload))
    }

    var hasMail: Bool { !inbox.isEmpty }

    /// A client asks for something.
    func ask(_ event: Event) { requests.append(event) }

    private var now: Instant { Instant(nanoseconds: outside.clock.now.nanoseconds - start.nanoseconds) }
    private var seconds: Double { Double(now.nanoseconds) * 1e-9 }

    // MARK: Turns

    /// Takes in what has come, lets the core decide, journals, and does the rest.
    ///
    /// - Throws: `ProcessKilled`; `JournalError`, when the process ends of itself; `Violation`.
    func turn() throws {
        do {
            if gate.isHolding { try waitForJournal() } else { try takeIn() }
            if seconds >= nextSettling, !gate.isHolding {
                nextSettling = seconds + 2
                for song in unsettled { try settle(song) }
            }
            if seconds >= nextShrinking, !gate.isHolding {
                nextShrinking = seconds + 60
                _ = try? journal.shrink()
            }
            secureNewSongs()
        } catch let error as JournalError {
            throw outside.disk.isDead ? ProcessKilled() : error
        }
        if outside.disk.isDead { throw ProcessKilled() }
    }

    /// Once a second: what is damaged of the log is lost with all after it, and that a song was asked for must not be.
    private func secureNewSongs() {
        guard hasNewSongs, seconds >= nextSecuring, !gate.isHolding else { return }
        nextSecuring = seconds + 1
        if (try? journal.checkpoint()) != nil { hasNewSongs = false }
    }

    private func takeIn() throws {
        var effects: [Effect] = []
        let messages = inbox
        inbox = []
        for message in messages {
            guard seals.accepts(message.payload, from: message.connection),
                case .event(let event) = WorkerMessage(message)
            else { continue }
            let own = try handle(event)
            if case .chunk(let peer, let chunk) = event { try outside.checks.answered(chunk, from: peer, by: own) }
            effects += own
        }
        let asked = requests
        requests = []
        for event in asked { effects += try handle(event) }
        for job in jobs.takeDone(at: seconds) { effects += try finish(job) }
        effects += try handle(.tick)
        while !effects.isEmpty { effects = try carryOut(effects) }
    }

    private func handle(_ event: Event) throws -> [Effect] {
        let effects = core.handle(event, now: now)
        outside.checks.decided(effects)
        return effects
    }

    private func carryOut(_ effects: [Effect]) throws -> [Effect] {
        outside.checks.tries(effects)
        let outcome = try gate.pass(effects, isPatient: true, at: seconds, append: append)
        if outside.disk.isDead { throw ProcessKilled() }
        switch outcome {
        case .durable(let effects):
            try outside.checks.isDurable(core)
            return try perform(effects)
        case .held(let error):
            outside.trace.log("the journal waits: \(error)")
            return try handle(.pause(reason: "\(error)"))
        }
    }

    private func append(_ records: [Record]) throws(JournalError) { try journal.append(records) }

    /// What workers say is left: they say it again.
    private func waitForJournal() throws {
        inbox = []
        requests = []
        guard let held = try gate.retry(at: seconds, append: append) else { return }
        if outside.disk.isDead { throw ProcessKilled() }
        outside.trace.log("the journal goes on")
        try outside.checks.isDurable(core)
        var effects = try perform(held)
        effects += try handle(.proceed)
        while !effects.isEmpty { effects = try carryOut(effects) }
    }

    // MARK: Effects

    private func perform(_ effects: [Effect]) throws -> [Effect] {
        var following: [Effect] = []
        for effect in effects {
            if let left = effectsLeft {
                guard left > 0 else { throw ProcessKilled() }
                effectsLeft = left - 1
            }
            outside.trace.note(effect)
            switch effect {
            case .journal: break
            case .send(let peer, let message): following += try send(message, to: peer)
            case .chooseCut(let song, let sample, let seam): chooseCut(song, sample: sample, seam: seam)
            case .streamCompleted(let stream):
                if let tokens = core.tokens(of: stream) { try outside.checks.tokens.completed(stream, tokens) }
            case .songSampled(let song): write(song)
            case .tokensWithdrawn(let song, _):
                jobs.restart(song)
                outside.finished.discard(song)
            case .songEnded(let song, let state): try end(song, state)
            case .songResumed(let song): takeUp(song)
            case .submitAccepted(let song):
                hasNewSongs = true
                if core.state(of: song) == .preparing { jobs.add(.encode(song), at: seconds) }
            case .submitRefused(let song, let reason):
                throw Violation(.liveness, "song \(song) is refused: \(reason)")
            case .defect(let defect): throw Violation(.process, "\(defect)")
            }
        }
        return following
    }

    private func send(_ message: Outgoing, to peer: Peer) throws -> [Effect] {
        try outside.checks.sends(message)
        let payload = try message.payload()
        guard payload.count <= TransportLimits.maximumMessageSize else {
            throw Violation(.growth, "a message of \(payload.count) bytes")
        }
        if outside.network.send(payload, to: ConnectionID(bytes: peer.bytes)) { return [] }
        return try handle(.peerLost(peer))
    }

    // MARK: Songs

    /// A song of which there are a submission and perhaps tokens.
    private func takeUp(_ song: SongID) {
        jobs.restart(song)
        if core.state(of: song) == .preparing { jobs.add(.encode(song), at: seconds) }
    }

    private func chooseCut(_ song: SongID, sample: Int, seam: Int) {
        guard let plan = core.plan(of: song),
            let top = core.tokens(of: StreamID(song: song, sample: sample, level: plan.geometry.top))
        else { return }
        jobs.add(.chooseCut(song, sample: sample, seam: seam, top), at: seconds)
    }

    private func write(_ song: SongID) {
        guard let plan = core.plan(of: song), let samples = core.submission(of: song)?.samples else { return }
        var streams: [StreamID: [UInt16]] = [:]
        for sample in 0..<samples {
            for level in plan.levels {
                for segment in level.segments.indices {
                    let stream = StreamID(song: song, sample: sample, level: level.level, segment: segment)
                    streams[stream] = core.tokens(of: stream) ?? []
                }
            }
        }
        jobs.add(.write(song, streams), at: seconds)
    }

    private func finish(_ job: CoordinatorJobs.Job) throws -> [Effect] {
        switch job {
        case .encode(let song):
            guard let submission = core.submission(of: song), core.state(of: song) == .preparing else { return [] }
            return try handle(.initialTokens(song, ReferenceSong.known(submission)))
        case .chooseCut(let song, let sample, let seam, let top):
            guard let plan = core.plan(of: song), core.state(of: song).map({ !$0.isAtRest }) ?? false else { return [] }
            let position = ReferenceSong.cut(seam, of: plan, top)
            return try handle(.cutChosen(song, sample: sample, seam: seam, position: position))
        case .write(let song, let streams):
            guard core.state(of: song) == .decoding else { return [] }
            guard !outside.disk.isFull else {
                jobs.retry(job, at: seconds)
                return []
            }
            outside.finished.put(song, streams)
            return try handle(.outputsWritten(song))
        }
    }

    private func end(_ song: SongID, _ state: SongState) throws {
        jobs.restart(song)
        guard state == .finished else { return }
        unsettled.append(song)
        try settle(song)
    }

    /// A finished song's tokens leave the journal, because its files have them.
    private func settle(_ song: SongID) throws {
        outside.checks.tries(toForget: song)
        do throws(JournalError) {
            try journal.forget(song)
            outside.checks.forgot()
            unsettled.removeAll { $0 == song }
        } catch {
            if outside.disk.isDead { throw ProcessKilled() }
            guard error.passes else { throw error }
        }
    }
}
