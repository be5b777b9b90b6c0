import CZeroMQ
package import ClusterProtocol

/// A worker's or a client's transport: a DEALER socket that connects to one coordinator, and again, after 100
/// ms to 5 s, whenever the connection is lost, refused or broken, as long as it is received from.
package final class ZeroMQClient: Transport {
    /// How many messages were dropped: of more frames than one, or too large.
    package private(set) var droppedMessages = 0

    private let context: ZeroMQContext
    private let endpoint: TCPEndpoint
    private let security: ClientSecurity
    private let loop: MessageLoop
    private var monitor: ConnectionMonitor
    private var isClosed = false
    /// How long libzmq may be silent after a lost connection before the socket is replaced. Doubles while
    /// that does not help.
    private var replacementDelay = ZeroMQClient.shortestReplacementDelay

    private static let shortestReplacementDelay = Duration.milliseconds(500)
    private static let longestReplacementDelay = Duration.seconds(4)

    package var waker: any Waker { loop.waker }

    package var status: ConnectionStatus { monitor.status }

    /// Starts connecting, and returns at once: ``send(_:to:)`` is false until the handshake is done.
    ///
    /// - Parameters:
    ///   - endpoint: `tcp://HOST:PORT`; HOST may be a name, which is looked up again at every attempt.
    ///   - security: see ``ClientSecurity``.
    ///   - context: the process's.
    /// - Throws: ``ZeroMQError`` that names the endpoint and the reason.
    package init(connect endpoint: String, security: ClientSecurity, context: ZeroMQContext) throws {
        let endpoint = try TCPEndpoint(parsing: endpoint)
        guard endpoint.canBeConnectedTo else {
            throw ZeroMQError(explaining: "cannot connect to \(endpoint): name a host and a port")
        }
        self.context = context
        self.endpoint = endpoint
        self.security = security
        let (socket, monitor) = try Self.makeSocket(to: endpoint, security: security, context: context)
        self.monitor = monitor
        loop = try MessageLoop(context, socket: socket, services: [monitor])
    }

    deinit {
        close()
    }

    private static func makeSocket(
        to endpoint: TCPEndpoint, security: ClientSecurity, context: ZeroMQContext
    ) throws -> (ZeroMQSocket, ConnectionMonitor) {
        let socket = try ZeroMQSocket(context, type: ZMQ_DEALER)
        var ownKey: CurvePublicKey?
        switch security {
        case .open:
            try socket.setCommonOptions(security: 0)
        case .curve(let own, let server):
            ownKey = own.publicKey
            try socket.setCommonOptions(security: curveFrameOverhead)
            try socket.set(ZMQ_CURVE_SERVERKEY, to: Array(server.z85.utf8))
            try socket.set(ZMQ_CURVE_PUBLICKEY, to: Array(own.publicKey.z85.utf8))
            try socket.set(ZMQ_CURVE_SECRETKEY, to: Array(own.secretKey.utf8))
        }
        // No routing id is set: the server then gives each connection a new one, and a reconnect is never
        // taken for a duplicate of the connection that it replaces.
        try socket.set(ZMQ_IMMEDIATE, to: 1)
        // libzmq adds a random part to each wait.
        try socket.set(ZMQ_RECONNECT_IVL, to: 100)
        try socket.set(ZMQ_RECONNECT_IVL_MAX, to: 5_000)
        try socket.set(ZMQ_CONNECT_TIMEOUT, to: 5_000)
        if endpoint.needsIPv6 { try socket.set(ZMQ_IPV6, to: 1) }
        let monitor = try ConnectionMonitor(context, of: socket, ownKey: ownKey)
        try socket.connect(to: endpoint.description)
        return (socket, monitor)
    }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        let deadline = ContinuousClock.now.advanced(by: min(timeout, .seconds(86_400 * 365)))
        while true {
            try replaceSocketIfAbandoned()
            let remaining = ContinuousClock.now.duration(to: deadline)
            // Without a connection, look now and then whether libzmq is still trying.
            let slice = status == .connected ? remaining : min(remaining, .milliseconds(250))
            let (messages, isWoken) = try loop.receive(
                timeout: slice, limit: limit, frameLimit: 1, accept: accept)
            if isWoken || !messages.isEmpty || slice == remaining { return messages }
        }
    }

    private func accept(_ incoming: IncomingMessage) -> ReceivedMessage? {
        guard incoming.frameCount == 1, incoming.frames[0].count <= TransportLimits.maximumMessageSize else {
            droppedMessages += 1
            return nil
        }
        replacementDelay = Self.shortestReplacementDelay
        return ReceivedMessage(connection: .coordinator, peerKey: nil, payload: incoming.frames[0])
    }

    private func replaceSocketIfAbandoned() throws {
        guard !isClosed, let since = monitor.abandonedSince,
            since.duration(to: .now) >= replacementDelay
        else { return }
        replacementDelay = min(replacementDelay * 2, Self.longestReplacementDelay)
        let (socket, monitor) = try Self.makeSocket(to: endpoint, security: security, context: context)
        monitor.remember(self.monitor)
        loop.replace(socket: socket, service: monitor)
        self.monitor = monitor
    }

    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        guard payload.count <= TransportLimits.maximumMessageSize else {
            throw TransportError.messageTooLarge(size: payload.count)
        }
        let socket = loop.socket
        guard connection == .coordinator else {
            _ = try socket.handle  // closed is an error whatever the address
            return false
        }
        return try socket.send(payload) == .sent
    }

    package func close() {
        close(draining: .zero)
    }

    /// Disconnects, but lets libzmq send what is queued for at most this long: for a goodbye. Returns at
    /// once; it is the context's end that waits.
    package func close(draining time: Duration) {
        isClosed = true
        loop.close(lingering: time)
    }
}
