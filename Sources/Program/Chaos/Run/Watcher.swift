import ClusterClient
import Foundation
import Synchronization

/// Asks the coordinator again and again how far its songs are, on a thread of its own.
final class Watcher: Sendable {
    private struct State {
        var status: ClusterStatus?
        var meter = PauseMeter()
        var isSampling = false
        var tokens = 0
        var sawTrouble = false
        var isEnding = false
    }

    private let client: ClusterClient
    private let clock: RunClock
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ client: ClusterClient, _ clock: RunClock) {
        (self.client, self.clock) = (client, clock)
        let thread = Thread { [self] in
            while !state.withLock({ $0.isEnding }) {
                look(try? self.client.status(patience: .milliseconds(400)))
                usleep(40_000)
            }
            ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    private func look(_ status: ClusterStatus?) {
        let now = clock.seconds
        state.withLock { state in
            if let status {
                state.status = status
                let running = status.songs.filter { $0.state == .sampling }
                state.isSampling = !running.isEmpty
                state.tokens = running.reduce(0) { $0 + $1.sampledTokens }
                if !status.troubles.isEmpty || status.songs.contains(where: { !$0.waiting.isEmpty }) {
                    state.sawTrouble = true
                }
            }
            state.meter.look(tokens: state.tokens, isSampling: state.isSampling, at: now)
        }
    }

    /// The newest answer.
    var status: ClusterStatus? { state.withLock { $0.status } }
    var meter: PauseMeter { state.withLock { $0.meter } }

    func song(_ id: String) -> SongProgress? { status?.songs.first { $0.song == id } }

    /// Whether the coordinator or a song waited for something since the last call.
    func takeTrouble() -> Bool {
        state.withLock { state in
            defer { state.sawTrouble = false }
            return state.sawTrouble
        }
    }

    func close() {
        state.withLock { $0.isEnding = true }
        ended.wait()
        client.close()
    }
}

/// Seconds since a run began.
struct RunClock: Sendable {
    private let start = ContinuousClock.now
    var seconds: Double { start.duration(to: .now) / .seconds(1) }
}
