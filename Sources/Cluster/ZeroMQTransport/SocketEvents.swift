import CZeroMQ
import Synchronization

/// What libzmq reports of a socket's connections, in the order in which it happened.
final class SocketEvents {
    struct Event {
        /// One of `ZMQ_EVENT_…`.
        var kind: Int32
        /// A descriptor or the number of an error, as the kind has it.
        var value: Int32
    }

    /// Readable when there is an event.
    let socket: ZeroMQSocket

    private static let made = Atomic<UInt64>(0)

    /// - Parameter watched: the kinds that are reported.
    init(_ context: ZeroMQContext, of monitored: ZeroMQSocket, watched: Int32) throws {
        let address = "inproc://orchestrion.monitor.\(Self.made.wrappingAdd(1, ordering: .relaxed).newValue)"
        guard zmq_socket_monitor(try monitored.handle, address, watched) == 0 else {
            throw ZeroMQError("cannot watch a ZeroMQ socket")
        }
        socket = try ZeroMQSocket(context, type: ZMQ_PAIR)
        // Without a limit: libzmq's thread would wait for room.
        try socket.set(ZMQ_RCVHWM, to: 0)
        try socket.connect(to: address)
    }

    /// Waits until there may be one.
    func wait(_ time: Duration) throws {
        var item = zmq_pollitem_t(socket: try socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        guard zmq_poll(&item, 1, Int(time.wholeMilliseconds)) >= 0 || zmq_errno() == EINTR else {
            throw ZeroMQError("cannot wait for what happens to connections")
        }
    }

    /// The next one that is there; nil when there is none.
    func next() throws -> Event? {
        // An event is 16 bits of kind and 32 of value; the endpoint follows in a second frame.
        while let message = try socket.receive(frameLimit: 1) {
            guard let bytes = message.frames.first, bytes.count >= 6 else { continue }
            return bytes.withUnsafeBytes {
                Event(
                    kind: Int32($0.loadUnaligned(as: UInt16.self)),
                    value: $0.loadUnaligned(fromByteOffset: 2, as: Int32.self))
            }
        }
        return nil
    }

    func close() { socket.close(lingering: .zero) }
}
