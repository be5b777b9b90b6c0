import AudioFile
package import ClusterProtocol
package import CoordinatorCore
package import Foundation
import Journal
import JukeboxModel
package import SongPlan
import Synchronization
import SystemErrors
import Tensor

/// The coordinator: carries out what the core decides.
///
/// The thread that calls `run` owns the transport, the core and the journal. It takes in what has arrived, lets
/// the core decide, journals all records of that turn in one transaction, and then sends. Encoding and decoding
/// run on threads of their own and report back by mail.
package final class CoordinatorServer: @unchecked Sendable {  // used by one thread, but for `mail`, `stop` and `shelf`
    package struct Options: Sendable {
        package var settings: Settings
        /// Threads for encoding and decoding.
        package var threads: Int
        /// Songs may name files of this machine (when client and coordinator are one process).
        package var trustsPaths: Bool
        /// Where a disk is full, it waits until there is room; otherwise it stops with the reason.
        package var waitsForRoom: Bool
        /// The file of the keys that are let in, where it is not the state's; for the log.
        package var allowedKeys: String?
        package var log: @Sendable (String) -> Void
        /// Called on every completed song, and with what was written.
        package var songEnded: @Sendable (SongID, SongState, URL) -> Void

        package init(
            settings: Settings = Settings(), threads: Int = 2, trustsPaths: Bool = false,
            waitsForRoom: Bool = false,
            log: @escaping @Sendable (String) -> Void = { _ in },
            songEnded: @escaping @Sendable (SongID, SongState, URL) -> Void = { _, _, _ in }
        ) {
            self.settings = settings
            self.threads = threads
            self.trustsPaths = trustsPaths
            self.waitsForRoom = waitsForRoom
            self.log = log
            self.songEnded = songEnded
        }
    }

    let options: Options
    let shelf: ModelShelf
    let folder: URL
    let uploads: UploadStore
    let journal: Journal
    var core: Coordinator
    var meters: [SongID: SpeedMeter] = [:]
    /// Names and slots of all workers that ever said hello to this process.
    var workersSeen: [WorkerID: Timeline.Worker] = [:]
    var workerLog = WorkerLog()
    var refusals = RefusalTable()
    let stages = StageMeter()
    let sounds = GrowingSounds()
    let joins = GrowingJoins()
    let start = ContinuousClock.now
    /// Encodes and checks; and decodes. Apart, so that a new song is answered while another is decoded.
    let desk = BackgroundQueue(name: "desk")
    let studio = BackgroundQueue(name: "studio", isPatient: true)
    /// Chooses cuts, which segments wait for.
    let cutter = BackgroundQueue(name: "cutter")
    let cutterTeam = ThreadTeam(threads: 1)
    /// Threads of the desk and of the studio: the first sound of a song does not wait until another is encoded.
    let team: Mutex<ThreadTeam>
    let studioTeam: Mutex<ThreadTeam>
    /// What other threads have to say to the loop.
    private let mail = Mutex<[Mail]>([])
    private let stopping = Atomic(false)
    /// Why it stops of itself.
    private let gaveUp = Mutex<(any Error)?>(nil)
    private var waker: (any Waker)?
    /// Requests that wait for the desk's answer.
    var pending: [SongID: (connection: ConnectionID, number: UInt64, warnings: [String])] = [:]

    enum Mail: Sendable {
        case event(Event)
        case prepared(Submission, warnings: [String])
        /// A song's known tokens, by sample, then level; or why there are none.
        case known(SongID, [[[UInt16]]])
        case unprepared(SongID, String)
        /// A song that was refused before it reached the core.
        case refusal(SongID, String)
    }

    /// Opens the journal and replays it.
    ///
    /// - Throws: `JournalError` when the state is in use, damaged or of a newer release.
    package init(state path: String, shelf: ModelShelf, options: Options) throws {
        self.options = options
        self.shelf = shelf
        folder = URL(fileURLWithPath: path, isDirectory: true)
        try OutputFolder.make(folder.path)
        journal = try Journal(folder: folder.path)
        uploads = try UploadStore(folder: folder.appendingPathComponent("uploads"))
        team = Mutex(ThreadTeam(threads: options.threads))
        studioTeam = Mutex(ThreadTeam(threads: options.threads, isPatient: true))
        let records = try journal.replay()
        core = try Coordinator(replaying: records, settings: options.settings, now: Instant(nanoseconds: 0))
        if !records.isEmpty {
            let ended = core.songIDs.count { core.state(of: $0)?.isEnded ?? true }
            let open = core.songIDs.count - ended
            options.log(
                "goes on with \(open) unfinished \(open == 1 ? "song" : "songs") from the journal"
                    + (ended > 0 ? "; \(ended) had ended" : ""))
        }
    }

    /// A model that workers may serve, before any song names it.
    package func allow(path: String) throws {
        let model = try shelf.add(path: path)
        post(.event(.allowModel(name: model.name, fingerprints: try model.fingerprints())))
    }

    /// Any thread.
    package func stop() {
        stopping.store(true, ordering: .relaxed)
        waker?.wake()
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Why it stops of itself, as soon as that is known. Any thread.
    package var fault: (any Error)? { gaveUp.withLock { $0 } }

    func giveUp(_ error: any Error) {
        gaveUp.withLock { $0 = $0 ?? error }
        waker?.wake()
    }

    func post(_ mail: Mail) {
        self.mail.withLock { $0.append(mail) }
        waker?.wake()
    }

    package func folder(of song: SongID) -> URL { folder.appendingPathComponent("songs/\(song)") }

    var now: Instant { Instant(nanoseconds: Int64(start.duration(to: .now) / .nanoseconds(1))) }
    var seconds: Double { start.duration(to: .now) / .seconds(1) }

    /// Serves until `stop`.
    ///
    /// - Throws: when the journal cannot be written, unless that is waited for, or the transport fails; nothing
    ///   acknowledged is lost.
    package func run(transport: any Transport) throws {
        waker = transport.waker
        resumePreparations()
        resumeSounds()
        defer {
            desk.close()
            studio.close()
            cutter.close()
            journal.close()
        }
        do {
            while !isStopping {
                let messages = try transport.receive(timeout: .milliseconds(100), limit: 256)
                try turn(messages, transport)
                if let fault = gaveUp.withLock({ $0 }) { throw fault }
            }
        } catch {
            if isStopping, error.isAboutRoom { return }
            // Told before the jobs that run are waited for.
            giveUp(error)
            throw error
        }
    }

    private func turn(_ messages: [ReceivedMessage], _ transport: any Transport) throws {
        var effects: [Effect] = []
        var replies: [(ConnectionID, WireClientReply)] = []
        for message in messages {
            guard let decoded = try? WireToCoordinator(payload: message.payload), let kind = decoded.kind else {
                note(
                    RefusalTable.Entry(
                        key: message.peerKey ?? "",
                        reason: "it sent what is no message of this protocol; it may be of another release"))
                continue
            }
            effects += take(kind, from: message, replies: &replies)
        }
        let letters = mail.withLock { letters in
            defer { letters = [] }
            return letters
        }
        for letter in letters {
            switch letter {
            case .event(let event): effects += core.handle(event, now: now)
            case .known(let song, let tokens):
                // The song may have been refused meanwhile.
                if core.state(of: song) != nil { effects += core.handle(.initialTokens(song, tokens), now: now) }
            case .unprepared(let song, let reason):
                if core.state(of: song) != nil {
                    effects += core.handle(.preparationFailed(song, reason: reason), now: now)
                }
            case .refusal(let song, let reason): refused(song, reason, &replies)
            case .prepared(let submission, let warnings):
                for warning in warnings { options.log("song \(submission.song): \(warning)") }
                pending[submission.song]?.warnings = warnings
                effects += core.handle(.submit(submission), now: now)
            }
        }
        effects += core.handle(.tick, now: now)
        while !effects.isEmpty { effects = try carryOut(effects, transport, &replies) }
        try notePeers(transport.takeRefusals(), transport)
        for (connection, reply) in replies {
            _ = try transport.send(WireFromCoordinator(kind: .reply(reply)).payload(), to: connection)
        }
    }

    private func take(
        _ kind: WireToCoordinator.OneOf_Kind, from message: ReceivedMessage,
        replies: inout [(ConnectionID, WireClientReply)]
    ) -> [Effect] {
        let peer = Peer(message.connection.bytes)
        switch kind {
        case .request(let request):
            if let reply = answer(request, from: message.connection) { replies.append((message.connection, reply)) }
            return []
        case .hello(let hello):
            if let reason = ProtocolVersion.refusal(of: hello.version) {
                note(RefusalTable.Entry(key: message.peerKey ?? "", name: hello.name, reason: reason))
                return [.send(peer, .refused(reason: reason))]
            }
        case .goodbye: workerLog.goodbye(peer)
        case .heartbeat, .chunk, .failed: break
        }
        guard let event = kind.event(peer: peer, provenKey: message.peerKey) else {
            options.log("dropped a chunk that was damaged on its way; the worker sends it again")
            return []
        }
        if case .workerHello(_, let worker) = event {
            workerLog.hello(peer, worker.id, name: worker.name)
            workersSeen[worker.id] = Timeline.Worker(name: worker.name, slots: worker.slots)
        }
        return core.handle(event, now: now)
    }

    /// Journals all records in one transaction, then does the rest in order.
    ///
    /// - Returns: what follows from peers that could not be reached.
    private func carryOut(
        _ effects: [Effect], _ transport: any Transport, _ replies: inout [(ConnectionID, WireClientReply)]
    ) throws -> [Effect] {
        let records = effects.compactMap { effect in
            if case .journal(let record) = effect { record } else { nil }
        }
        if !records.isEmpty { try whenThereIsRoom { try journal.append(records) } }
        var following: [Effect] = []
        for effect in effects {
            switch effect {
            case .journal(let record): observe(record)
            case .send(let peer, let message):
                let payload = try WireFromCoordinator(kind: message.wire).payload()
                if case .refused(let reason) = message {
                    noteRefusedWorker(peer, reason)
                }
                if try !transport.send(payload, to: ConnectionID(bytes: peer.bytes)) {
                    workerLog.lost(peer)
                    following += core.handle(.peerLost(peer), now: now)
                }
            case .chooseCut(let song, let sample, let seam): chooseCut(song, sample: sample, seam: seam)
            case .streamCompleted(let stream): decode(stream)
            case .songSampled(let song): finish(song)
            case .songEnded(let song, let state): try ended(song, state)
            case .submitAccepted(let song): accepted(song, &replies)
            case .submitRefused(let song, let reason): refused(song, reason, &replies)
            case .defect(let defect): throw SongError("internal error, please report it: \(defect)")
            }
        }
        return following
    }

    private func observe(_ record: Record) {
        switch record {
        case .tokens(let stream, let start, let tokens, let origin):
            if origin != .known { meters[stream.song, default: SpeedMeter()].add(tokens.count, at: seconds) }
            hear(stream, from: start, tokens)
        case .workerBlamed(let task, let worker, let blame):
            let text = "\(task) was lost with worker \(workerName(worker)): \(blame)"
            options.log(text)
            try? journal.note(text)
        case .songState(let song, let state): options.log("song \(song) is \(state)")
        case .leaseEnded(let task, let epoch, let reason):
            options.log("\(task) (epoch \(epoch)) was taken back: \(withWorkerName(reason))")
        case .cut(let song, let sample, let seam, let position):
            options.log("song \(song) sample \(sample): cut \(seam) lies at top-level token \(position)")
        case .songSubmitted, .leaseGranted: break
        }
    }

    private func ended(_ song: SongID, _ state: SongState) throws {
        // Written now, because the journal forgets what it is made of.
        do { try writeTimeline(song) } catch { options.log("song \(song) has no timeline: \(error.explanation)") }
        meters[song] = nil
        sounds.forget(song)
        joins.forget(song)
        try whenThereIsRoom { try journal.forget(song) }
        options.songEnded(song, state, folder(of: song))
    }
}
