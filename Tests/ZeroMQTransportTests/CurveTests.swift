import ClusterProtocol
import Testing
import ZeroMQTransport

/// Who gets in, and who does not.
@Suite(.serialized) struct CurveTests {
    let serverKeys: CurveKeyPair
    let clientKeys: CurveKeyPair
    let server: ZeroMQServer
    let context: ZeroMQContext

    init() throws {
        serverKeys = try .generate()
        clientKeys = try .generate()
        server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0", security: .curve(serverKeys, allowed: [clientKeys.publicKey]),
            context: ZeroMQContext())
        context = try ZeroMQContext()
    }

    private func makeClient(_ keys: CurveKeyPair, server key: CurvePublicKey? = nil) throws -> ZeroMQClient {
        try ZeroMQClient(
            connect: server.endpoint, security: .curve(keys, server: key ?? serverKeys.publicKey),
            context: context)
    }

    /// Both have tried for a while, and nothing came through.
    private func expectSilence(
        from stranger: any Transport, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let end = ContinuousClock.now + doubt
        var inbox = Inbox()
        while ContinuousClock.now < end {
            #expect(try !stranger.send([66], to: .coordinator), sourceLocation: sourceLocation)
            try inbox.collect(from: server, for: .milliseconds(5))
            #expect(try stranger.receive(timeout: .zero, limit: 1) == [], sourceLocation: sourceLocation)
        }
        #expect(inbox.messages == [], sourceLocation: sourceLocation)
    }

    private func refusal(_ reason: ConnectionRefusal.Reason, of keys: CurveKeyPair) -> ConnectionRefusal {
        ConnectionRefusal(address: "127.0.0.1", key: keys.publicKey.z85, reason: reason)
    }

    /// Of one peer, whose address may have been lost with its connection. Which side hangs up first is chance, so that it
    /// may have to try again.
    private func expectRefusals(
        _ server: ZeroMQServer, _ reason: ConnectionRefusal.Reason, of client: ZeroMQClient,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var refusals = server.takeRefusals()
        let end = ContinuousClock.now + patience
        while refusals.isEmpty, ContinuousClock.now < end {
            #expect(try server.receive(timeout: .milliseconds(5), limit: 1) == [], sourceLocation: sourceLocation)
            #expect(try client.receive(timeout: .milliseconds(5), limit: 1) == [], sourceLocation: sourceLocation)
            refusals = server.takeRefusals()
        }
        #expect(Set(refusals.map(\.reason)) == [reason], sourceLocation: sourceLocation)
        #expect(Set(refusals.map(\.address)).isSubset(of: ["", "127.0.0.1"]), sourceLocation: sourceLocation)
        #expect(refusals.allSatisfy { $0.key == nil }, sourceLocation: sourceLocation)
    }

    private func expectToBeHeard(
        _ client: any Transport, as keys: CurveKeyPair, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var inbox = Inbox()
        try send([5], from: client, serving: server, into: &inbox, sourceLocation: sourceLocation)
        try receive(1, at: server, into: &inbox, sourceLocation: sourceLocation)
        #expect(inbox.messages.map(\.payload) == [[5]], sourceLocation: sourceLocation)
        #expect(inbox.messages.map(\.peerKey) == [keys.publicKey.z85], sourceLocation: sourceLocation)
    }

    @Test func `an allowed client is known by its key, several by theirs`() throws {
        let others = try (0..<3).map { _ in try CurveKeyPair.generate() }
        server.allow(Set((others + [clientKeys]).map(\.publicKey)))
        let clients = try ([clientKeys] + others).map { ($0, try makeClient($0)) }
        for _ in 0..<3 {
            for (keys, client) in clients { try expectToBeHeard(client, as: keys) }
        }
        #expect(server.refusedConnections == 0)
    }

    @Test func `a stranger is not heard, is reported, and the others go on`() throws {
        let friend = try makeClient(clientKeys)
        try expectToBeHeard(friend, as: clientKeys)
        let strangerKeys = try CurveKeyPair.generate()
        let stranger = try makeClient(strangerKeys)
        try expectSilence(from: stranger)
        #expect(stranger.status == .keyRefused(strangerKeys.publicKey.z85))
        #expect(try friend.receive(timeout: .milliseconds(100), limit: 1) == [])
        #expect(friend.status == .connected)
        #expect(server.refusedConnections > 0)
        #expect(server.takeRefusals() == [refusal(.keyNotAllowed, of: strangerKeys)])
        #expect(server.takeRefusals() == [])
        try expectToBeHeard(friend, as: clientKeys)
    }

    @Test func `a client with another server's key is not heard`() throws {
        let friend = try makeClient(clientKeys)
        try expectToBeHeard(friend, as: clientKeys)
        let misled = try makeClient(clientKeys, server: CurveKeyPair.generate().publicKey)
        try expectSilence(from: misled)
        #expect(misled.status == .hungUp(usesKeys: true))
        try expectRefusals(server, .otherServerKey, of: misled)
        try expectToBeHeard(friend, as: clientKeys)
    }

    @Test func `a client without CURVE is not heard`() throws {
        let friend = try makeClient(clientKeys)
        try expectToBeHeard(friend, as: clientKeys)
        let open = try ZeroMQClient(connect: server.endpoint, security: .open, context: context)
        try expectSilence(from: open)
        #expect([.securityDiffers(peerUsesKeys: true), .hungUp(usesKeys: false)].contains(open.status))
        try expectRefusals(server, .withoutKeys, of: open)
        try expectToBeHeard(friend, as: clientKeys)
    }

    @Test func `a client with CURVE does not talk to a server without`() throws {
        let open = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        let client = try ZeroMQClient(
            connect: open.endpoint, security: .curve(clientKeys, server: serverKeys.publicKey),
            context: context)
        let end = ContinuousClock.now + doubt
        while ContinuousClock.now < end {
            #expect(try !client.send([1], to: .coordinator))
            #expect(try open.receive(timeout: .milliseconds(5), limit: 1) == [])
            #expect(try client.receive(timeout: .zero, limit: 1) == [])
        }
        #expect([.securityDiffers(peerUsesKeys: false), .hungUp(usesKeys: true)].contains(client.status))
        try expectRefusals(open, .withKeys, of: client)
    }

    @Test func `a key that is allowed later gets in, one that is allowed no more is not heard`() throws {
        let newcomerKeys = try CurveKeyPair.generate()
        let newcomer = try makeClient(newcomerKeys)
        let friend = try makeClient(clientKeys)
        try expectToBeHeard(friend, as: clientKeys)
        try expectSilence(from: newcomer)
        server.allow([newcomerKeys.publicKey])
        try expectToBeHeard(newcomer, as: newcomerKeys)
        var inbox = Inbox()
        #expect(try friend.send([7], to: .coordinator))
        try inbox.collect(from: server, for: doubt)
        #expect(inbox.messages == [])
        #expect(server.droppedMessages == 1)
        let refusals = server.takeRefusals().filter { $0.key == clientKeys.publicKey.z85 }
        #expect(refusals.map(\.reason) == [.keyAllowedNoMore] && refusals.map(\.address) == ["127.0.0.1"])
        #expect(try server.send([8], to: #require(refusals.first?.connection)), "it can be told so")
    }

    @Test func `who looks whether anybody listens is no refusal`() throws {
        let friend = try makeClient(clientKeys)
        for _ in 0..<3 { #expect(try TCPEndpoint(parsing: server.endpoint).refusal() == nil) }
        try expectToBeHeard(friend, as: clientKeys)
        #expect(server.takeRefusals() == [])
    }

    @Test func `one context has one server with CURVE, and the next after it is closed`() throws {
        let context = try ZeroMQContext()
        func makeServer() throws -> ZeroMQServer {
            try ZeroMQServer(
                listen: "tcp://127.0.0.1:0", security: .curve(serverKeys, allowed: []), context: context)
        }
        let first = try makeServer()
        #expect { try makeServer() } throws: { "\($0)".contains("one server with CURVE") }
        first.close()
        try makeServer().close()
    }
}
