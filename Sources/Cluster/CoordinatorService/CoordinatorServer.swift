package import ClusterProtocol
package import CoordinatorCore
package import Foundation
import Journal
import JukeboxModel
import SongFiles
package import SongPlan
import Synchronization
import SystemErrors

/// The coordinator: carries out what the core decides.
///
/// The thread that calls `run` has the core and the transport for itself (`CoordinatorLoop`). Encoding and decoding run
/// on threads of their own (`BackgroundWork`) and post back what came of it (`Completions`).
package final class CoordinatorServer: Sendable {
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

        package init(
            settings: Settings = Settings(), threads: Int = 2, trustsPaths: Bool = false,
            waitsForRoom: Bool = false, log: @escaping @Sendable (String) -> Void = { _ in }
        ) {
            self.settings = settings
            self.threads = threads
            self.trustsPaths = trustsPaths
            self.waitsForRoom = waitsForRoom
            self.log = log
        }
    }

    private let options: Options
    private let folder: URL
    private let journal: Journal
    private let work: BackgroundWork
    private let completions = Completions()
    /// What the journal holds, until the loop has it.
    private let replayed: Mutex<Coordinator?>

    /// Opens the journal and replays it.
    ///
    /// - Throws: `JournalError` when the state is in use, damaged or of a newer release.
    package init(state path: String, registry: ModelRegistry, options given: Options) throws {
        var options = given
        // Much of what is told comes from peers.
        options.log = { given.log(PeerText.lines($0, limit: 4000)) }
        self.options = options
        folder = URL(fileURLWithPath: path, isDirectory: true)
        try OutputFolder.make(folder.path)
        journal = try Journal(folder: folder.path)
        let uploads = try UploadStore(folder: folder.appendingPathComponent("uploads"))
        work = BackgroundWork(registry: registry, uploads: uploads, completions: completions, options: options)
        let records = try journal.replay()
        let core = try Coordinator(replaying: records, settings: options.settings, now: Instant(nanoseconds: 0))
        if !records.isEmpty {
            let ended = core.songIDs.count { core.state(of: $0)?.isEnded ?? true }
            let open = core.songIDs.count - ended
            options.log(
                "goes on with \(open) unfinished \(open == 1 ? "song" : "songs") from the journal"
                    + (ended > 0 ? "; \(ended) had ended" : ""))
        }
        replayed = Mutex(core)
    }

    /// A model that workers may serve, before any song names it.
    package func allow(path: String) throws {
        let model = try work.registry.add(path: path)
        completions.post(.event(.allowModel(name: model.name, fingerprints: try model.fingerprints())))
    }

    /// Any thread.
    package func stop() { completions.stop() }

    /// Why it stops of itself, as soon as that is known. Any thread.
    package var fault: (any Error)? { completions.fault }

    package func folder(of song: SongID) -> URL { Self.layout(of: song, in: folder).folder }

    static func layout(of song: SongID, in state: URL) -> SongFolderLayout {
        SongFolderLayout(state.appendingPathComponent("songs/\(song)"))
    }

    /// Serves until `stop`; once.
    ///
    /// - Throws: when the journal cannot be written, unless that is waited for, or the transport fails; nothing
    ///   acknowledged is lost.
    package func run(transport: any Transport) throws {
        guard let core = replayed.withLock({ $0.take() }) else { preconditionFailure("a coordinator runs once") }
        defer {
            work.close()
            journal.close()
        }
        try CoordinatorLoop(core: core, folder: folder, journal: journal, work: work, options: options).run(transport)
    }
}
