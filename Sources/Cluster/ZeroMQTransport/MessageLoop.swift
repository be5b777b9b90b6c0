import CZeroMQ
import ClusterProtocol

/// What is done on the side, whenever its socket is readable.
protocol LoopService: AnyObject {
    var socket: ZeroMQSocket { get }
    /// Deals with what is there, without waiting.
    func serve() throws
    func close()
}

/// What the server and the client have in common: one socket of messages, one to be woken by, and those on the
/// side, all polled by the owner's thread.
final class MessageLoop {
    private(set) var socket: ZeroMQSocket
    let waker: ZeroMQWaker
    private let wakeReceiver: ZeroMQSocket
    private var services: [any LoopService]

    init(_ context: ZeroMQContext, socket: ZeroMQSocket, services: [any LoopService]) throws {
        self.socket = socket
        self.services = services
        (waker, wakeReceiver) = try ZeroMQWaker.make(context)
    }

    /// Goes on with another socket; the old one's messages are lost.
    func replace(socket newSocket: ZeroMQSocket, service newService: any LoopService) {
        socket.close(lingering: .zero)
        for service in services { service.close() }
        socket = newSocket
        services = [newService]
    }

    /// As ``Transport/receive(timeout:limit:)``, with whether the waker ended it.
    ///
    /// - Parameter accept: makes a message of frames, or nil of what is to be dropped.
    func receive(
        timeout: Duration, limit: Int, frameLimit: Int, accept: (IncomingMessage) -> ReceivedMessage?
    ) throws -> (messages: [ReceivedMessage], isWoken: Bool) {
        precondition(limit > 0, "receive takes at least one message")
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: min(timeout, .seconds(86_400 * 365)))
        while true {
            let ready = try poll(for: clock.now.duration(to: deadline))
            for place in ready.services { try services[place].serve() }
            var messages: [ReceivedMessage] = []
            if ready.messages {
                // Dropped messages count too, so that a flood of them cannot hold the thread.
                for _ in 0..<limit {
                    guard let incoming = try socket.receive(frameLimit: frameLimit) else { break }
                    if let message = accept(incoming) { messages.append(message) }
                }
            }
            if ready.wake {
                try waker.acknowledge(on: wakeReceiver)
                return (messages, true)
            }
            if !messages.isEmpty || clock.now >= deadline { return (messages, false) }
        }
    }

    func close(lingering linger: Duration) {
        waker.close()
        wakeReceiver.close(lingering: .zero)
        socket.close(lingering: linger)
        for service in services { service.close() }
    }

    private struct Ready {
        var messages = false
        var wake = false
        /// Places in `services`.
        var services: [Int] = []
    }

    private func poll(for time: Duration) throws -> Ready {
        let input = Int16(ZMQ_POLLIN)
        var items = [
            zmq_pollitem_t(socket: try socket.handle, fd: 0, events: input, revents: 0),
            zmq_pollitem_t(socket: try wakeReceiver.handle, fd: 0, events: input, revents: 0),
        ]
        for service in services {
            items.append(zmq_pollitem_t(socket: try service.socket.handle, fd: 0, events: input, revents: 0))
        }
        // Interrupted by a signal: nothing is ready, and the caller looks at its deadline and polls again.
        guard zmq_poll(&items, Int32(items.count), Int(time.wholeMilliseconds)) >= 0 || zmq_errno() == EINTR
        else { throw ZeroMQError("cannot wait for messages") }
        let isReady = items.map { $0.revents & input != 0 }
        return Ready(
            messages: isReady[0], wake: isReady[1], services: services.indices.filter { isReady[2 + $0] })
    }
}

extension ZeroMQSocket {
    /// Who has not shown who it is by then is hung up on.
    private static let handshakeMilliseconds: Int32 = 10_000

    /// What the coordinator's and its peers' sockets have in common; set before binding or connecting.
    func setCommonOptions(security overhead: Int) throws {
        try set(ZMQ_LINGER, to: 0)
        // libzmq measures the frame on the wire, which CURVE makes longer.
        try setInt64(ZMQ_MAXMSGSIZE, to: Int64(TransportLimits.maximumMessageSize + overhead))
        // Bounds memory to 16 MiB a connection and direction; the protocol's credits keep well below.
        try set(ZMQ_SNDHWM, to: 256)
        try set(ZMQ_RCVHWM, to: 256)
        try set(ZMQ_IPV6, to: 0)
        // libzmq 4.3.4 can abort on its own heartbeats; ours are messages of the protocol.
        try set(ZMQ_HEARTBEAT_IVL, to: 0)
        try set(ZMQ_HANDSHAKE_IVL, to: Self.handshakeMilliseconds)
        // A silently dead connection is given up after 10 s, so that the next one is not kept waiting by
        // TCP's ever longer retransmissions.
        try set(ZMQ_TCP_MAXRT, to: 10_000)
        try set(ZMQ_TCP_KEEPALIVE, to: 1)
        try set(ZMQ_TCP_KEEPALIVE_IDLE, to: 15)
        try set(ZMQ_TCP_KEEPALIVE_INTVL, to: 5)
        try set(ZMQ_TCP_KEEPALIVE_CNT, to: 3)
    }
}
