import ClusterProtocol
import CoordinatorCore
import SongPlan
import Synchronization

/// What a thread posts back to the loop.
enum Completion: Sendable {
    /// A request passed every check.
    case prepared(PreparedSubmission)
    /// A song that was refused before it reached the core.
    case refused(SongID, String)
    case event(Event)
    /// Of a job for a song: nothing, when the song is worked on anew since then.
    case ofRun(SongRun, SongID, Event)
    /// Settings that may change while it serves: bytes that the state may take, and seconds that songs stay; nil is no bound.
    case settings(quota: Int?, keepFor: Double?)
    /// What became of a piece of an upload, or of its end.
    case uploaded(UploadResult)
}

/// What a coordinator's threads share with its loop: what they post back to it, and whether it goes on.
final class Completions: Sendable {
    private struct State {
        var waiting: [Completion] = []
        var isStopping = false
        var fault: (any Error)?
        /// Of the loop's transport, once it runs.
        var waker: (any Waker)?
    }
    private let state = Mutex(State())

    /// From now on the loop is woken when something comes.
    func wake(_ waker: any Waker) { state.withLock { $0.waker = waker } }

    func post(_ completion: Completion) { change { $0.waiting.append(completion) } }

    /// What has come and waits.
    var count: Int { state.withLock { $0.waiting.count } }

    /// What came since the last call, in its order.
    func drain() -> [Completion] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    func stop() { change { $0.isStopping = true } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// The coordinator stops of itself; the first reason counts.
    func giveUp(_ error: any Error) { change { $0.fault = $0.fault ?? error } }

    /// Why it stops of itself, as soon as that is known.
    var fault: (any Error)? { state.withLock { $0.fault } }

    private func change(_ body: (inout State) -> Void) {
        let waker = state.withLock { state in
            body(&state)
            return state.waker
        }
        waker?.wake()
    }
}
