import CoordinatorCore
import CoreMetrics
import ProgramLog
import SongFiles
import SongPlan
import Synchronization
import SystemErrors
import Tensor

/// Work for songs that the loop does not wait for, on threads of their own. What comes of it is posted back.
final class BackgroundWork: Sendable {
    /// Each kind has a thread: so a new song is answered while another is decoded, and its first sound does not wait
    /// until another is encoded.
    enum Kind {
        /// Checks requests of songs that start from nothing.
        case checking
        /// Checks the others, for which files are read.
        case reading
        /// Encodes recordings.
        case preparation
        /// Writes pieces of uploads.
        case receiving
        /// Hashes uploads.
        case hashing
        case decoding
        /// Chooses cuts, which segments wait for.
        case cutting
        /// Backups, and looks at the disk.
        case upkeep
    }

    let registry: ModelRegistry
    let uploads: UploadStore
    let completions: Completions
    let troubles: Troubles
    let log: Log
    /// Of finished songs.
    let files = FinishedFiles()
    let doubts = DoubtfulSongs()
    let metrics = CoordinatorMetrics()
    /// Whether what a machine or disk refuses is tried again; otherwise the coordinator stops with it.
    let isPatient: Bool
    /// Whether client and coordinator are one process.
    let trustsPaths: Bool
    let team: Teams
    let measuredUse = Mutex<Int?>(nil)
    /// Pieces of uploads that are not written yet.
    let waitingPieces = Atomic(0)
    private let checking = BackgroundQueue(name: "checking")
    private let reading = BackgroundQueue(name: "reading")
    private let receiving = BackgroundQueue(name: "receiving")
    private let hashing = BackgroundQueue(name: "hashing")
    private let preparation = BackgroundQueue(name: "preparation", isPatient: true)
    private let decoding = BackgroundQueue(name: "decoding", isPatient: true)
    private let cutting = BackgroundQueue(name: "cutting")
    private let upkeep = BackgroundQueue(name: "upkeep", isPatient: true)

    /// Threads of each kind of work.
    struct Teams: Sendable {
        let preparation: ThreadTeam
        let decoding: ThreadTeam
        let cutting: ThreadTeam

        init(threads: Int) {
            preparation = ThreadTeam(threads: threads, isPatient: true)
            decoding = ThreadTeam(threads: threads, isPatient: true)
            cutting = ThreadTeam(threads: 1)
        }
    }

    init(
        registry: ModelRegistry, uploads: UploadStore, completions: Completions, options: CoordinatorServer.Options
    ) {
        self.registry = registry
        self.uploads = uploads
        self.completions = completions
        trustsPaths = options.trustsPaths
        team = Teams(threads: options.threads)
        log = options.log
        troubles = Troubles(log: options.log)
        isPatient = options.waitsForRoom
    }

    /// Waits for what runs, and drops the rest.
    func close() {
        let all = [checking, reading, receiving, hashing, preparation, decoding, cutting, upkeep]
        for queue in all { queue.close() }
    }

    func queue(_ kind: Kind) -> BackgroundQueue {
        switch kind {
        case .checking: checking
        case .reading: reading
        case .receiving: receiving
        case .hashing: hashing
        case .preparation: preparation
        case .decoding: decoding
        case .cutting: cutting
        case .upkeep: upkeep
        }
    }

    /// Does something that answers for its own errors.
    func add(_ kind: Kind, _ body: @escaping @Sendable () -> Void) { queue(kind).add(body) }

    /// Does something for a song. Where it fails, only what is wrong with the song itself fails the song. All else is a
    /// machine's or a disk's: it is tried again with growing pauses, and other songs' jobs run meanwhile.
    ///
    /// - Parameters:
    ///   - priority: of a higher one goes first.
    ///   - part: of the song, as a word for what waits.
    func add(
        _ kind: Kind, for song: LiveSong, priority: Int = 0, part: String,
        _ body: @escaping @Sendable () throws -> Void
    ) {
        attempt(Job(kind: kind, song: song, priority: priority, part: part, body: body), after: nil, Pauses())
    }

    private struct Job: Sendable {
        var kind: Kind
        var song: LiveSong
        var priority: Int
        var part: String
        var body: @Sendable () throws -> Void
    }

    private func attempt(_ job: Job, after pause: Duration?, _ pauses: Pauses) {
        queue(job.kind).add(priority: job.priority, after: pause) { [self] in
            guard job.song.isOpen else { return }
            let place = Troubles.Place.song(job.song.id, part: job.part)
            let start = ContinuousClock.now
            do {
                try job.body()
                metrics.recorder(job.kind)?.record(start.duration(to: .now) / .seconds(1))
                if pause != nil { troubles.clear(place) }
            } catch {
                if completions.isStopping || !job.song.isOpen { return }
                if error.isFaultOfSong {
                    troubles.clear(place)
                    let reason = "\(job.part): \(error.explanation)"
                    return completions.post(
                        .ofRun(job.song.run, job.song.id, .outputsFailed(job.song.id, reason: reason)))
                }
                // In one process with the client, the song goes on when the command is given again.
                guard isPatient else { return completions.giveUp(error) }
                var pauses = pauses
                let pause = pauses.next(after: error)
                troubles.set(place, "\(job.part): \(error.waitingExplanation)", nextTry: .now + pause)
                attempt(job, after: pause, pauses)
            }
        }
    }
}
