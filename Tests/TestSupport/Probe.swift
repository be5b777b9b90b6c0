import ClusterProtocol
import Synchronization
package import ZeroMQTransport

/// Asks a coordinator for its status, a thousand times faster than a command does, so that faults hit where they are
/// meant to.
package final class Probe: Sendable {
    /// The transport and its last request's number. Locked: one thread at a time may use a socket.
    private let line: Mutex<(client: Line, number: UInt64)>

    package init(endpoint: String, security: ClientSecurity) throws {
        line = Mutex((Line(try ZeroMQClient(connect: endpoint, security: security, context: ZeroMQContext())), 0))
    }

    deinit { close() }

    package func close() { line.withLock { $0.client.transport.close() } }

    /// - Throws: `TestSupportError` when there is no answer in `limit`.
    package func status(limit: Duration = patience) async throws -> ClusterStatus {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let status = try line.withLock({ try Self.ask(&$0) }) { return status }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestSupportError("the coordinator did not answer in \(limit)")
    }

    /// - Returns: nil when there is no connection, or no answer in a while.
    private static func ask(_ line: inout (client: Line, number: UInt64)) throws -> ClusterStatus? {
        line.number += 1
        var request = WireClientRequest()
        request.number = line.number
        request.version = ProtocolVersion.current
        request.kind = .status(WireStatusQuery())
        let payload = try WireToCoordinator(kind: .request(request)).payload()
        let transport = line.client.transport
        guard try transport.send(payload, to: .coordinator) else {
            // A client works on its connection while it receives.
            _ = try transport.receive(timeout: .milliseconds(1), limit: 1)
            return nil
        }
        for _ in 0..<50 {
            for message in try transport.receive(timeout: .milliseconds(20), limit: 8) {
                guard case .reply(let reply) = try WireFromCoordinator(payload: message.payload).kind,
                    reply.number == line.number
                else { continue }
                guard reply.error.isEmpty else { throw TestSupportError(reply.error) }
                return ClusterStatus(reply.status)
            }
        }
        return nil
    }
}

/// A transport that is handed from thread to thread.
private struct Line: @unchecked Sendable {  // used under the probe's lock only
    let transport: ZeroMQClient
    init(_ transport: ZeroMQClient) { self.transport = transport }
}

extension ClusterStatus {
    fileprivate init(_ wire: WireStatus) {
        songs = wire.songs.map { song in
            Song(
                song: song.song, state: song.state, reason: song.reason, sampledTokens: Int(song.sampledTokens),
                wantedTokens: Int(song.wantedTokens),
                levels: song.levels.map { Level(level: Int($0.level), tokens: Int($0.tokens), total: Int($0.total)) },
                waiting: song.waiting)
        }
        troubles = wire.troubles
        workers = wire.workers.map {
            Worker(
                name: $0.name, levels: $0.levels.map(Int.init), slots: Int($0.slots), busy: Int($0.busy),
                drained: $0.drained, leaving: $0.leaving)
        }
    }
}
