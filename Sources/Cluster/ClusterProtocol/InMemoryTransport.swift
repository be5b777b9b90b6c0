/// A coordinator's and its peers' transports inside one process: the same contract as over the network,
/// without one.
///
/// Any thread may make transports; each is then owned by one thread, as ``Transport`` says. Queues are
/// bounded as the network's are, so a sender meets `false` here too.
package final class InMemoryNetwork: @unchecked Sendable {  // every field is guarded by `monitor`
    /// How many messages one direction of one connection holds before `send` returns false.
    package static let defaultQueueLimit = 256

    private let queueLimit: Int
    private let monitor = Monitor()
    private var server: Mailbox?
    /// Counts servers: a connection made with an earlier one is gone.
    private var serverGeneration: UInt64 = 0
    private var peers: [ConnectionID: Mailbox] = [:]
    private var connectionsMade: UInt64 = 0
    /// Called after each message to the server.
    private var messageArrived: @Sendable () -> Void = {}

    package init(queueLimit: Int = InMemoryNetwork.defaultQueueLimit) {
        precondition(queueLimit > 0, "a queue holds at least one message")
        self.queueLimit = queueLimit
    }

    /// Starts listening. A network has one server at a time; close it to start the next.
    package func makeServer() -> InMemoryServer {
        let mailbox = Mailbox(monitor: monitor)
        monitor.withLock {
            precondition(server == nil, "an in-memory network has one server at a time")
            server = mailbox
            serverGeneration += 1
            peers = [:]
        }
        return InMemoryServer(network: self, mailbox: mailbox)
    }

    /// Has something done whenever a peer has sent the server a message, for a server that waits elsewhere.
    package func onMessage(_ body: @escaping @Sendable () -> Void) { monitor.withLock { messageArrived = body } }

    /// Adds a peer. The server may come later, go and come back.
    ///
    /// - Parameters:
    ///   - key: what the server sees as the peer's proved public key.
    ///   - roles: what its holder may do.
    package func makeClient(key: String? = nil, roles: PeerRoles = .admin) -> InMemoryClient {
        InMemoryClient(network: self, mailbox: Mailbox(monitor: monitor), key: key, roles: roles)
    }

    // MARK: What the transports do

    fileprivate func sendToServer(_ payload: [UInt8], from client: InMemoryClient) throws -> Bool {
        let arrived: (@Sendable () -> Void)? = try monitor.withLock {
            try client.mailbox.checkOpenAndSize(of: payload)
            guard let server else { return nil }
            let connection = connectionID(of: client)
            guard server.queued[connection, default: 0] < queueLimit else { return nil }
            server.put(
                ReceivedMessage(connection: connection, peerKey: client.key, roles: client.roles, payload: payload))
            return messageArrived
        }
        arrived?()
        return arrived != nil
    }

    fileprivate func sendToPeer(
        _ payload: [UInt8], at connection: ConnectionID, from sender: Mailbox
    ) throws -> Bool {
        try monitor.withLock {
            try sender.checkOpenAndSize(of: payload)
            guard let peer = peers[connection], peer.queued[.coordinator, default: 0] < queueLimit else {
                return false
            }
            peer.put(ReceivedMessage(connection: .coordinator, peerKey: nil, payload: payload))
            return true
        }
    }

    fileprivate func receive(
        from mailbox: Mailbox, timeout: Duration, limit: Int
    ) throws -> [ReceivedMessage] {
        precondition(limit > 0, "receive takes at least one message")
        return try monitor.withLock {
            mailbox.changed.wait(atMost: timeout) {
                !mailbox.messages.isEmpty || mailbox.isWoken || mailbox.isClosed
            }
            guard !mailbox.isClosed else { throw TransportError.closed }
            mailbox.isWoken = false
            return mailbox.take(limit)
        }
    }

    fileprivate func close(serverMailbox: Mailbox) {
        monitor.withLock {
            serverMailbox.close()
            guard server === serverMailbox else { return }
            server = nil
            peers = [:]
        }
    }

    fileprivate func close(client: InMemoryClient) {
        monitor.withLock {
            client.mailbox.close()
            if let connection = client.connection, connection.generation == serverGeneration {
                peers[connection.id] = nil
            }
        }
    }

    /// The client's connection with the present server, made if it has none. Call with the lock held.
    private func connectionID(of client: InMemoryClient) -> ConnectionID {
        if let connection = client.connection, connection.generation == serverGeneration {
            return connection.id
        }
        connectionsMade += 1
        let id = ConnectionID(bytes: withUnsafeBytes(of: connectionsMade.bigEndian) { [UInt8]($0) })
        client.connection = (serverGeneration, id)
        peers[id] = client.mailbox
        return id
    }
}

/// The coordinator's end of an ``InMemoryNetwork``.
package final class InMemoryServer: Transport {
    private let network: InMemoryNetwork
    private let mailbox: Mailbox

    package var waker: any Waker { mailbox }

    fileprivate init(network: InMemoryNetwork, mailbox: Mailbox) {
        self.network = network
        self.mailbox = mailbox
    }

    deinit {
        close()
    }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        try network.receive(from: mailbox, timeout: timeout, limit: limit)
    }

    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        try network.sendToPeer(payload, at: connection, from: mailbox)
    }

    package func close() {
        network.close(serverMailbox: mailbox)
    }
}

/// A worker's or a client's end of an ``InMemoryNetwork``.
package final class InMemoryClient: Transport {
    private let network: InMemoryNetwork
    fileprivate let mailbox: Mailbox
    fileprivate let key: String?
    fileprivate let roles: PeerRoles
    /// The connection with the server of that generation; guarded by the network's lock.
    fileprivate var connection: (generation: UInt64, id: ConnectionID)?

    package var waker: any Waker { mailbox }

    fileprivate init(network: InMemoryNetwork, mailbox: Mailbox, key: String?, roles: PeerRoles) {
        self.network = network
        self.mailbox = mailbox
        self.key = key
        self.roles = roles
    }

    deinit {
        close()
    }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        try network.receive(from: mailbox, timeout: timeout, limit: limit)
    }

    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        guard connection == .coordinator else {
            try mailbox.checkUse(sending: payload)
            return false
        }
        return try network.sendToServer(payload, from: self)
    }

    package func close() {
        network.close(client: self)
    }
}

/// What one transport has been sent and not yet received, and its waker.
private final class Mailbox: Waker, @unchecked Sendable {  // every field is guarded by `monitor`
    private let monitor: Monitor
    let changed: Condition
    private(set) var messages: [ReceivedMessage] = []
    /// How many of `messages` came over each connection.
    private(set) var queued: [ConnectionID: Int] = [:]
    var isWoken = false
    private(set) var isClosed = false

    init(monitor: Monitor) {
        self.monitor = monitor
        changed = Condition(of: monitor)
    }

    func wake() {
        monitor.withLock {
            isWoken = true
            changed.signal()
        }
    }

    func checkUse(sending payload: [UInt8]) throws {
        try monitor.withLock { try checkOpenAndSize(of: payload) }
    }

    // Call what follows with the lock held.

    func checkOpenAndSize(of payload: [UInt8]) throws(TransportError) {
        guard !isClosed else { throw .closed }
        guard payload.count <= TransportLimits.maximumMessageSize else {
            throw .messageTooLarge(size: payload.count)
        }
    }

    func put(_ message: ReceivedMessage) {
        messages.append(message)
        queued[message.connection, default: 0] += 1
        changed.signal()
    }

    func take(_ limit: Int) -> [ReceivedMessage] {
        let taken = Array(messages.prefix(limit))
        messages.removeFirst(taken.count)
        for message in taken {
            let left = queued[message.connection, default: 1] - 1
            queued[message.connection] = left == 0 ? nil : left
        }
        return taken
    }

    func close() {
        isClosed = true
        messages = []
        queued = [:]
        changed.signal()
    }
}
