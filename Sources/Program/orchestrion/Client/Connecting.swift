import ClusterClient
import Synchronization
import ZeroMQTransport

extension ConnectionOptions {
    /// A client of the coordinator that options, environment and file name.
    ///
    /// - Throws: `ZeroMQError` when there is no such host.
    func client() throws -> ClusterClient {
        let settings = try settings()
        let silence = SilenceNote(settings.connect)
        return try Self.client(settings) { silence.tick() }
    }

    /// - Parameter mayWait: throws when there is no use in waiting for an answer any more.
    static func client(
        _ settings: ConnectionSettings, mayWait: @escaping @Sendable () throws -> Void = {}
    ) throws -> ClusterClient {
        let endpoint = try TCPEndpoint(parsing: settings.connect)
        try endpoint.checkHost()
        let transport = try makeTransport(settings)
        return ClusterClient(
            ClientConnection(
                transport: transport, place: endpoint.description, status: { transport.status },
                refusal: { endpoint.refusal() }), mayWait: mayWait)
    }
}

/// Says once, after two seconds, that an answer is waited for.
private final class SilenceNote: Sendable {
    private struct State {
        var last = ContinuousClock.now
        var begin = ContinuousClock.now
        var isTold = false
    }
    private let place: String
    private let state = Mutex(State())

    init(_ place: String) { self.place = place }

    /// Comes several times a second while a request waits, and not between requests.
    func tick() {
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            if state.last.duration(to: now) > .milliseconds(500) { state.begin = now }
            state.last = now
            guard !state.isTold, state.begin.duration(to: now) > .seconds(2) else { return false }
            state.isTold = true
            return true
        }
        if isDue { Terminal.note("waits for an answer from \(place)") }
    }
}
