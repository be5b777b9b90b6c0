import Foundation
package import Journal
package import ProgramLog
import Synchronization
import SystemErrors

/// Keeps a copy of a coordinator's state elsewhere, on a thread of its own: nothing that goes wrong with it holds the
/// coordinator up.
///
/// The journal comes first: twice a second, what has changed in it. Files follow in pieces, between which the journal has its
/// turn. After whatever went wrong it begins anew with the whole journal, after growing pauses.
package final class StateCopier: Sendable {
    package struct Status: Sendable, Hashable {
        package var place: String
        /// Seconds of the journal's past that are not in the copy.
        package var behind: Double
        package var pendingBytes: UInt64
        /// Why it cannot be written just now; nil when it can.
        package var problem: String?
        /// Since this coordinator began, the whole journal has come there once.
        package var isComplete: Bool
        /// Since the start.
        package var failures: UInt64
        package var bytes: UInt64
    }

    private struct State {
        var begin = ContinuousClock.now
        var synced: ContinuousClock.Instant?
        var pendingBytes: UInt64 = 0
        var problem: String?
        var failures: UInt64 = 0
        var bytes: UInt64 = 0
        var unfinished: Set<String> = []
        /// Songs whose files are all in the copy.
        var complete: Set<String> = []
        var isStopping = false
    }

    private let place: CopyPlace
    private let folder: String
    private let journal: Journal
    private let identity: CopyIdentity
    private let log: Log
    private let onFenced: @Sendable (CopyError) -> Void
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// Between two looks at the journal.
    static let interval = Duration.milliseconds(500)
    private static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(15))

    /// Begins.
    ///
    /// - Parameters:
    ///   - folder: the state's.
    ///   - journal: open as long as this is not stopped.
    ///   - onFenced: somebody else goes on with this state; told once, and nothing is copied after it.
    package init(
        to place: CopyPlace, of folder: String, journal: Journal, identity: CopyIdentity, log: Log,
        onFenced: @escaping @Sendable (CopyError) -> Void
    ) {
        (self.place, self.folder, self.journal, self.identity) = (place, folder, journal, identity)
        (self.log, self.onFenced) = (log, onFenced)
        let thread = Thread { [self] in
            // Of a process that was killed.
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            where name.hasPrefix(CopySession.draftName) {
                unlink("\(folder)/\(name)")
            }
            run()
            ended.signal()
        }
        thread.name = "copy"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Brings the copy up to date once more and ends, within a time. The journal must not be written to any more.
    package func stop(within time: Duration) {
        state.withLock { $0.isStopping = true }
        _ = ended.wait(timeout: .now() + (time / .seconds(1)))
    }

    package var status: Status {
        state.withLock { state in
            Status(
                place: "\(place)", behind: max(0, (state.synced ?? state.begin).duration(to: .now) / .seconds(1)),
                pendingBytes: state.pendingBytes, problem: state.problem, isComplete: state.synced != nil,
                failures: state.failures, bytes: state.bytes)
        }
    }

    /// Songs whose files change all the time.
    package func setUnfinished(_ songs: Set<String>) { state.withLock { $0.unfinished = songs } }

    /// Whether the journal may forget the tokens of a finished song: its files are in the copy, too, or there is none just now,
    /// so that the next one begins with these files.
    package func mayForget(_ song: String) -> Bool {
        state.withLock { $0.problem != nil || $0.complete.contains(song) }
    }

    private var isStopping: Bool { state.withLock(\.isStopping) }

    // MARK: the thread

    private func run() {
        var pause = Self.firstPause
        while true {
            do {
                let target = try place.open()
                defer { target.close() }
                var session = CopySession(
                    target: target, identity: identity, folder: folder, journal: journal, report: report)
                try session.begin(unfinished: state.withLock(\.unfinished))
                log("the copy of the state in \(place) is complete")
                state.withLock { $0.problem = nil }
                pause = Self.firstPause
                while !isStopping {
                    let next = ContinuousClock.now + Self.interval
                    try session.round()
                    try session.copyFiles(unfinished: state.withLock(\.unfinished), until: { self.isStopping })
                    wait(until: next)
                }
                return try session.round()
            } catch let error as CopyError where error.kind == .fenced {
                journal.endChanges()
                return onFenced(error)
            } catch {
                journal.endChanges()
                fail(error)
                if isStopping { return }
                wait(until: .now + pause)
                pause = min(Self.longestPause, pause * 2)
            }
        }
    }

    private func fail(_ error: any Error) {
        let text = error.waitingExplanation
        // Whoever asks for the status tells it.
        state.withLock { state in
            (state.problem, state.complete) = (text, [])
            state.failures += 1
        }
    }

    private func wait(until end: ContinuousClock.Instant) {
        while ContinuousClock.now < end, !isStopping { usleep(20_000) }
    }

    private func report(_ news: CopySession.News) {
        state.withLock { state in
            switch news {
            case .synced(let time): state.synced = time
            case .sent(let bytes): state.bytes += UInt64(bytes)
            case .files(let pending, let complete):
                (state.pendingBytes, state.complete) = (pending, complete)
            }
        }
    }
}
