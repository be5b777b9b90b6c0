import CZeroMQ
package import ClusterProtocol

/// The coordinator's transport: a ROUTER socket that listens on one TCP endpoint.
///
/// Handshakes with CURVE are answered inside ``receive(timeout:limit:)``, so a server that is not received
/// from lets nobody in.
package final class ZeroMQServer: Transport {
    /// Where it listens, with the port that the system chose if none was given.
    package let endpoint: String

    /// How many messages were dropped: of more or fewer frames than one, too large, or from a peer whose key
    /// is not allowed any more.
    package private(set) var droppedMessages = 0

    private let loop: MessageLoop
    private let authenticator: Authenticator?
    private let doorkeeper: Doorkeeper
    private var allowListFile: AllowListFollower?
    /// Of the keys that were let in at first.
    private var roles: [CurvePublicKey: PeerRoles] = [:]

    package var waker: any Waker { loop.waker }

    /// Messages of a connection that wait to be received: the rest waits with the peer. 4 MiB at most.
    private static let queuedMessages: Int32 = 64

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - endpoint: `tcp://HOST:PORT`: HOST an address or interface of this machine, `localhost` or `*`;
    ///     PORT 0 or `*` to let the system choose.
    ///   - security: see ``ServerSecurity``.
    ///   - allowsOpenNetwork: permits ``ServerSecurity/open`` on an endpoint that other machines can reach.
    ///   - limits: of its connections.
    ///   - context: the process's.
    /// - Throws: ``ZeroMQError`` that names the endpoint and the reason.
    package init(
        listen endpoint: String, security: ServerSecurity, allowsOpenNetwork: Bool = false,
        limits: ConnectionLimits = .ofThisProcess, context: ZeroMQContext
    ) throws {
        let endpoint = try TCPEndpoint(parsing: endpoint)
        let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
        switch security {
        case .open:
            guard endpoint.isLoopback || allowsOpenNetwork else {
                throw ZeroMQError(
                    explaining: "will not listen on \(endpoint) without CURVE: other machines can reach it; "
                        + "give it keys, or listen on tcp://127.0.0.1")
            }
            authenticator = nil
            try socket.setCommonOptions(security: 0)
        case .curve(let own, let allowed, let roles):
            // Bound before the socket below: libzmq must never look for the handler in vain.
            let authenticator = try Authenticator(context, allowed: allowed)
            authenticator.allow(allowed, roles: roles)
            self.authenticator = authenticator
            self.roles = Dictionary(uniqueKeysWithValues: allowed.map { ($0, roles[$0] ?? .admin) })
            try socket.setCommonOptions(security: curveFrameOverhead)
            try socket.set(ZMQ_CURVE_SERVER, to: 1)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: Array(own.secretKey.utf8))
            try socket.set(ZMQ_ZAP_DOMAIN, to: Array(Authenticator.domain.utf8))
            // Without it, libzmq lets everyone in when there is no handler.
            try socket.set(ZMQ_ZAP_ENFORCE_DOMAIN, to: 1)
        }
        try socket.set(ZMQ_RCVHWM, to: Self.queuedMessages)
        try socket.set(ZMQ_ROUTER_MANDATORY, to: 1)
        try socket.set(ZMQ_ROUTER_HANDOVER, to: 0)
        try socket.set(ZMQ_BACKLOG, to: 1024)
        if endpoint.needsIPv6 { try socket.set(ZMQ_IPV6, to: 1) }
        doorkeeper = try Doorkeeper(context, of: socket, usesKeys: authenticator != nil, limits: limits)
        loop = try MessageLoop(
            context, socket: socket, services: [authenticator as (any LoopService)?].compactMap(\.self))
        do {
            try socket.bind(to: endpoint.bindable)
            self.endpoint = try socket.lastEndpoint()
        } catch {
            // Nobody else would end its thread.
            socket.close(lingering: .zero)
            doorkeeper.close()
            throw error
        }
    }

    deinit {
        close()
    }

    /// Whether only this machine can reach an endpoint, so that it needs no CURVE. False for what is no
    /// endpoint.
    package static func isLoopback(_ endpoint: String) -> Bool {
        (try? TCPEndpoint(parsing: endpoint))?.isLoopback ?? false
    }

    /// Replaces the keys that are let in. Whoever is connected with a key that is not among them any more is not
    /// heard, can be told so for a second, and is hung up on then. Does nothing without CURVE. For the owner's thread.
    ///
    /// - Parameter roles: what they may do; everything, those that are not in it.
    package func allow(_ keys: Set<CurvePublicKey>, roles: [CurvePublicKey: PeerRoles] = [:]) {
        guard let authenticator else { return }
        authenticator.allow(keys, roles: roles)
        for entry in doorkeeper.expel(where: { authenticator.roles(of: $0) == nil }) {
            authenticator.note(
                .keyAllowedNoMore, key: entry.key ?? "", address: entry.address, connection: entry.connection)
        }
    }

    package var connections: ConnectionCount? { doorkeeper.count }

    package func hangUp(on connection: ConnectionID) { doorkeeper.turnAway(connection, .nonsense) }

    /// How many connections were refused because their key is not allowed.
    package var refusedConnections: Int { authenticator?.refusalCount ?? 0 }

    package func takeRefusals() -> [ConnectionRefusal] {
        (authenticator?.takeRefusals() ?? []) + doorkeeper.takeRefusals()
    }

    /// From now on the keys of a file are let in, as it stands a second later at most.
    ///
    /// - Parameter log: is told of changes.
    package func follow(_ file: AllowListFile, log: @escaping (String) -> Void) {
        allowListFile = AllowListFollower(file, allowed: roles, log: log)
    }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        if let roles = allowListFile?.changes(now: .now) { allow(Set(roles.keys), roles: roles) }
        return try receiveMessages(timeout: timeout, limit: limit)
    }

    private func receiveMessages(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        try loop.receive(timeout: timeout, limit: limit, frameLimit: 2) { incoming in
            let message = accept(incoming)
            if message == nil { droppedMessages += 1 }
            return message
        }.messages
    }

    private func accept(_ incoming: IncomingMessage) -> ReceivedMessage? {
        guard incoming.frameCount == 2, incoming.frames[1].count <= TransportLimits.maximumMessageSize else {
            return nil
        }
        let connection = ConnectionID(bytes: incoming.frames[0])
        let overhead = authenticator == nil ? 0 : curveFrameOverhead
        let address = doorkeeper.heard(
            incoming, bytes: incoming.wireBytes + overhead, key: incoming.userID, connection: connection)
        var (key, allowed) = (String?.none, PeerRoles.admin)
        if let authenticator {
            guard let user = incoming.userID else { return nil }
            guard let roles = authenticator.roles(of: user) else {
                authenticator.note(
                    .keyAllowedNoMore, key: user, address: incoming.peerAddress ?? "",
                    connection: connection)
                return nil
            }
            (key, allowed) = (user, roles)
        }
        return ReceivedMessage(
            connection: connection, peerKey: key, roles: allowed, payload: incoming.frames[1],
            address: address)
    }

    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        guard payload.count <= TransportLimits.maximumMessageSize else {
            throw TransportError.messageTooLarge(size: payload.count)
        }
        let socket = loop.socket
        guard try socket.send(connection.bytes, more: true) == .sent else { return false }
        return try socket.send(payload) == .sent
    }

    package func close() {
        close(draining: .zero)
    }

    /// Stops listening and receiving, but lets libzmq send what is queued for at most this long. Returns at
    /// once; it is the context's end that waits.
    package func close(draining time: Duration) {
        loop.close(lingering: time)
        doorkeeper.close()
    }
}
