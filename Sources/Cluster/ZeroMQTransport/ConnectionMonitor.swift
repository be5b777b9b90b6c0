import CZeroMQ
import ClusterProtocol

/// Follows what libzmq reports of one client socket's connection.
///
/// libzmq 4.3.4 connects again after a lost connection, but never again after an error in the protocol: a
/// refused key, a byte that was changed on the way. This notices, so that the socket can be replaced.
final class ConnectionMonitor: LoopService {
    var socket: ZeroMQSocket { events.socket }
    private(set) var status = ConnectionStatus.connecting
    /// Since when the connection has been lost without libzmq saying that it will try again.
    private(set) var abandonedSince: ContinuousClock.Instant?

    private let events: SocketEvents
    /// The public key that this side proves; nil without CURVE.
    private let ownKey: CurvePublicKey?
    /// Whether an address was tried since the last wait: none is when the host's name is not found.
    private var hasTried = false

    private static let watched =
        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED
        | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED

    init(_ context: ZeroMQContext, of monitored: ZeroMQSocket, ownKey: CurvePublicKey?) throws {
        self.ownKey = ownKey
        events = try SocketEvents(context, of: monitored, watched: Self.watched)
    }

    func serve() throws {
        while let event = try events.next() { follow(event) }
    }

    private func follow(_ event: SocketEvents.Event) {
        abandonedSince = nil
        switch event.kind {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            status = .connected
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            status = ownKey.map { .keyRefused($0.z85) } ?? .securityDiffers(peerUsesKeys: true)
            abandonedSince = .now
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            status =
                event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                ? .securityDiffers(peerUsesKeys: ownKey == nil) : .hungUp(usesKeys: ownKey != nil)
            abandonedSince = .now
        case ZMQ_EVENT_DISCONNECTED:
            if status == .connected { status = .connecting }
            abandonedSince = .now
        case ZMQ_EVENT_CONNECT_DELAYED, ZMQ_EVENT_CONNECTED:
            hasTried = true
        case ZMQ_EVENT_CLOSED:
            if status != .connected { status = .unreachable }
        case ZMQ_EVENT_CONNECT_RETRIED:
            // Why the last attempt failed stays worth knowing.
            if !hasTried, status != .connected { status = .unknownHost }
            hasTried = false
        case _:
            break
        }
    }

    /// Follows another socket's connection from here on, but remembers why the last one failed.
    func remember(_ earlier: ConnectionMonitor) {
        if earlier.status != .connected { status = earlier.status }
    }

    func close() { events.close() }
}
