import CoordinatorCore
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
    }

    let registry: ModelRegistry
    let uploads: UploadStore
    let completions: Completions
    let room: RoomOnDisk
    /// Whether client and coordinator are one process.
    let trustsPaths: Bool
    let team: Teams
    /// Pieces of uploads that are not written yet.
    let waitingPieces = Atomic(0)
    private let checking = BackgroundQueue(name: "checking")
    private let reading = BackgroundQueue(name: "reading")
    private let receiving = BackgroundQueue(name: "receiving")
    private let hashing = BackgroundQueue(name: "hashing")
    private let preparation = BackgroundQueue(name: "preparation", isPatient: true)
    private let decoding = BackgroundQueue(name: "decoding", isPatient: true)
    private let cutting = BackgroundQueue(name: "cutting")

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
        room = RoomOnDisk(
            isAwaited: options.waitsForRoom, log: options.log, isStopping: { completions.isStopping })
    }

    /// Waits for what runs, and drops the rest.
    func close() {
        for queue in [checking, reading, receiving, hashing, preparation, decoding, cutting] { queue.close() }
    }

    private func queue(_ kind: Kind) -> BackgroundQueue {
        switch kind {
        case .checking: checking
        case .reading: reading
        case .receiving: receiving
        case .hashing: hashing
        case .preparation: preparation
        case .decoding: decoding
        case .cutting: cutting
        }
    }

    /// Does something that answers for its own errors.
    func add(_ kind: Kind, _ body: @escaping @Sendable () -> Void) { queue(kind).add(body) }

    /// Does something for a song on its way to its files; when that fails, so does the song.
    ///
    /// - Parameters:
    ///   - priority: of a higher one goes first.
    ///   - failure: what to say then.
    func add(
        _ kind: Kind, for song: SongID, priority: Int = 0, failure: String,
        _ body: @escaping @Sendable () throws -> Void
    ) {
        queue(kind).add(priority: priority) { [self] in
            do {
                try room.whenThere(body)
            } catch {
                fail(song, failure, error)
            }
        }
    }

    /// What the system refused is no fault of the song: in one process with the client, the song goes on when the
    /// command is given again.
    private func fail(_ song: SongID, _ what: String, _ error: any Error) {
        if completions.isStopping { return }
        if trustsPaths, error.systemNumber != nil { return completions.giveUp(error) }
        completions.post(.event(.outputsFailed(song, reason: "\(what): \(error.explanation)")))
    }
}
