import ClusterMetrics
package import ClusterProtocol
package import CoordinatorCore
package import Foundation
import Journal
import JukeboxModel
import MetricSnapshots
package import ProgramLog
import SongFiles
package import SongPlan
package import StateCopy
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
        /// What a disk or the system refuses is waited for and tried again; otherwise it stops with the reason.
        package var waitsForRoom: Bool
        /// Seconds after which songs that have ended are removed; nil is never.
        package var keepFor: Double?
        /// Bytes that the state may take; nil is all that the disk has.
        package var quota: Int?
        /// The file of the keys that are let in, where it is not the state's; for the log.
        package var allowedKeys: String?
        package var log: Log
        /// Where a copy of the state is kept, and which state it is; nil keeps none.
        package var copy: (place: CopyPlace, identity: CopyIdentity)?
        /// Called at each turn of the loop, several times a second: whoever watches over it sees when it hangs.
        package var sign: @Sendable () -> Void = {}

        /// - Parameter log: gets the words of each line.
        package init(
            settings: Settings = Settings(), threads: Int = 2, trustsPaths: Bool = false,
            waitsForRoom: Bool = false, log: @escaping @Sendable (String) -> Void = { _ in }
        ) {
            self.settings = settings
            self.threads = threads
            self.trustsPaths = trustsPaths
            self.waitsForRoom = waitsForRoom
            self.log = Log(log)
        }
    }

    private let options: Options
    private let folder: URL
    private let work: BackgroundWork
    private let completions = Completions()
    /// What the folder holds, until the loop has it; nil also as long as it cannot be read.
    private let opened: Mutex<OpenedState?>
    /// Whether songs may be known already.
    private let isResumed: Bool

    /// Opens the journal and replays it.
    ///
    /// - Throws: `JournalError` when the state is in use, damaged beyond reading or of a newer release. What passes, such
    ///   as a full disk, is waited for in `run`, where that is asked for.
    package init(state path: String, registry: ModelRegistry, options given: Options) throws {
        var options = given
        // Much of what is told comes from peers.
        options.log = given.log.cleaning { PeerText.lines($0, limit: 4000) }
        self.options = options
        folder = URL(fileURLWithPath: path, isDirectory: true)
        let uploads = UploadStore(at: folder.appendingPathComponent("uploads"))
        work = BackgroundWork(registry: registry, uploads: uploads, completions: completions, options: options)
        do {
            let state = try OpenedState(folder: folder, options: options, work: work)
            isResumed = !state.core.songIDs.isEmpty
            opened = Mutex(state)
        } catch {
            guard options.waitsForRoom, error.passesAtStart else { throw error }
            isResumed = true
            opened = Mutex(nil)
            work.troubles.set(OpenedState.trouble, OpenedState.text(error))
        }
    }

    /// A model that workers may serve, before any song names it. Where songs are known already, one that is not there
    /// just now is waited for.
    package func allow(path: String) throws {
        do {
            try work.allowModel(path)
        } catch {
            guard options.waitsForRoom, isResumed || error.isAboutRoom else { throw error }
            work.awaitModel(path, error)
        }
    }

    /// Does something beside serving that a disk may refuse: again and again until it goes, where that is asked for;
    /// `status` says what it waits for.
    ///
    /// - Parameter part: of the coordinator, in words.
    package func persist(_ part: String, _ body: @escaping @Sendable () throws -> Void) throws {
        do { try body() } catch {
            guard options.waitsForRoom, error.isAboutRoom else { throw error }
            work.persist(part, error, Pauses(), body)
        }
    }

    /// Does something that must be done before it can serve, again and again until it goes, where that is asked for.
    ///
    /// - Returns: nil when the coordinator is stopped meanwhile.
    package func waitUntilDone<Result>(_ part: String, _ body: () throws -> Result) throws -> Result? {
        var pauses = Pauses()
        let place = Troubles.Place.coordinator(part: part)
        while !completions.isStopping {
            do {
                let result = try body()
                work.troubles.clear(place)
                return result
            } catch {
                options.sign()
                guard options.waitsForRoom, error.isAboutRoom else { throw error }
                let next = ContinuousClock.now + pauses.next(after: error)
                work.troubles.set(place, "\(part): \(error.waitingExplanation)", nextTry: next)
                while !completions.isStopping, next > .now { usleep(50_000) }
            }
        }
        return nil
    }

    /// Changes how much the state may take, and how long songs that have ended stay, while it serves. Any thread.
    ///
    /// - Parameters:
    ///   - quota: bytes; nil is all that the disk has.
    ///   - keepFor: seconds; nil is for ever.
    package func change(quota: Int?, keepFor: Double?) {
        completions.post(.settings(quota: quota, keepFor: keepFor))
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
        defer { work.close() }
        guard let state = try opened.withLock({ $0.take() }) ?? waitUntilOpen(transport) else { return }
        defer { state.journal.close() }
        try CoordinatorLoop(state, folder: folder, work: work, options: options).run(transport)
    }

    /// Tries to open the state, and says meanwhile why it cannot.
    ///
    /// - Returns: nil when the coordinator is stopped.
    private func waitUntilOpen(_ transport: any Transport) throws -> OpenedState? {
        completions.wake(transport.waker)
        var pauses = Pauses()
        var nextTry = ContinuousClock.now + pauses.next(after: SystemError(folder.path, code: ENOSPC))
        let start = LoopClock()
        var seals = SealBook()
        while !completions.isStopping {
            options.sign()
            for message in try transport.receive(timeout: .milliseconds(100), limit: 256) {
                guard seals.accepts(message.payload, from: message.connection) else { continue }
                let incoming = Incoming(message)
                guard case .request(let request?, let number) = incoming,
                    incoming.role.map(message.roles.contains) ?? true,
                    let reply = answer(request, of: Asker(message), uptime: start.seconds)
                else { continue }
                let addressed = AddressedReply(connection: message.connection, number: number, reply: reply)
                _ = try transport.send(addressed.fittingPayload(), to: message.connection)
            }
            guard nextTry <= .now else { continue }
            do {
                let state = try OpenedState(folder: folder, options: options, work: work)
                work.troubles.clear(OpenedState.trouble)
                return state
            } catch {
                guard error.passesAtStart else { throw error }
                nextTry = .now + pauses.next(after: SystemError(folder.path, code: ENOSPC))
                work.troubles.set(OpenedState.trouble, OpenedState.text(error), nextTry: nextTry)
            }
        }
        return nil
    }

    /// Of a coordinator that knows of no songs yet. Who follows one waits.
    private func answer(_ request: ClientRequest, of asker: Asker, uptime: Double) -> ClientReply? {
        let troubles = asker.isAdmin ? work.troubles.ofCoordinator : ["it waits for its state"]
        switch request {
        case .status(nil, cursor: _, _):
            return .status(
                StatusReport(songs: [], workers: [], refusals: [], troubles: troubles, uptimeSeconds: uptime))
        case .metrics(let name):
            var snapshot = MetricSnapshot()
            snapshot.add(CoordinatorMetric.troubles, .init(work.troubles.ofCoordinator.count))
            snapshot.addProcess(since: work.metrics.start)
            return .metrics(MetricPage(of: snapshot, after: name))
        case .submit:
            return .refused(
                "the coordinator cannot take songs on yet: " + troubles.joined(separator: "; "), .unavailable)
        case .status, .upload, .cancel, .resume, .note, .request, .remove, .releaseMachine, .drain, .list, .read,
            .timeline,
            .models:
            return nil
        }
    }
}

extension Error {
    /// Whether a state that cannot be opened may be so later.
    fileprivate var passesAtStart: Bool { (self as? JournalError)?.passes ?? isAboutRoom }
}
