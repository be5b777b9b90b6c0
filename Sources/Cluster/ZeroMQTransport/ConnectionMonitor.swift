import CZeroMQ
import Synchronization

/// How a client's connection stands, for people to read and programs to log.
package enum ConnectionStatus: Sendable, Equatable, CustomStringConvertible {
    /// Nobody answers yet, or again.
    case connecting
    case connected
    /// The coordinator does not allow this client's key.
    case keyRefused
    /// Somebody answered and hung up.
    case handshakeFailed

    package var description: String {
        switch self {
        case .connecting:
            "connecting: nobody answers"
        case .connected:
            "connected"
        case .keyRefused:
            "the coordinator refuses this key: add it to the coordinator's allow list"
        case .handshakeFailed:
            "the handshake failed: the coordinator's key is another one, only one side uses CURVE, "
                + "or what answers is no coordinator"
        }
    }
}

/// Follows what libzmq reports of one socket's connection.
///
/// libzmq 4.3.4 connects again after a lost connection, but never again after an error in the protocol: a
/// refused key, a byte that was changed on the way. This notices, so that the socket can be replaced.
final class ConnectionMonitor: LoopService {
    let socket: ZeroMQSocket
    private(set) var status = ConnectionStatus.connecting
    /// Since when the connection has been lost without libzmq saying that it will try again.
    private(set) var abandonedSince: ContinuousClock.Instant?

    private static let monitorsMade = Atomic<UInt64>(0)
    private static let events =
        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED
        | ZMQ_EVENT_CONNECT_DELAYED

    init(_ context: ZeroMQContext, of monitored: ZeroMQSocket) throws {
        let address =
            "inproc://orchestrion.monitor.\(Self.monitorsMade.wrappingAdd(1, ordering: .relaxed).newValue)"
        guard zmq_socket_monitor(try monitored.handle, address, Self.events) == 0 else {
            throw ZeroMQError("cannot watch a ZeroMQ socket")
        }
        socket = try ZeroMQSocket(context, type: ZMQ_PAIR)
        // Without a limit: libzmq's thread would wait for room.
        try socket.set(ZMQ_RCVHWM, to: 0)
        try socket.connect(to: address)
    }

    func serve() throws {
        // An event is 16 bits of kind and 32 of value; the endpoint follows in a second frame.
        while let event = try socket.receive(frameLimit: 1) {
            guard let bytes = event.frames.first, bytes.count >= 2 else { continue }
            follow(Int32(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) }))
        }
    }

    private func follow(_ event: Int32) {
        abandonedSince = nil
        switch event {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            status = .connected
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            status = .keyRefused
            abandonedSince = .now
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            status = .handshakeFailed
            abandonedSince = .now
        case ZMQ_EVENT_DISCONNECTED:
            if status == .connected { status = .connecting }
            abandonedSince = .now
        case _:  // It is trying. Why the last attempt failed stays worth knowing.
            break
        }
    }

    /// Follows another socket's connection from here on, but remembers why the last one failed.
    func remember(_ earlier: ConnectionMonitor) {
        if earlier.status != .connected { status = earlier.status }
    }

    func close() {
        socket.close(lingering: .zero)
    }
}
