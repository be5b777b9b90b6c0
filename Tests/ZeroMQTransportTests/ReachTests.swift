import ClusterProtocol
import Testing
import ZeroMQTransport

/// What a client knows of a coordinator that is not there.
@Suite struct ReachTests {
    private func status(of client: ZeroMQClient, until wanted: ConnectionStatus) throws -> ConnectionStatus {
        let end = ContinuousClock.now + patience
        while client.status != wanted, ContinuousClock.now < end {
            #expect(try client.receive(timeout: .milliseconds(20), limit: 1) == [])
        }
        return client.status
    }

    @Test func `where nobody listens it is unreachable, until somebody does, and again after that`() throws {
        // Where no other test takes the port while it is free.
        let place = try ZeroMQServer(listen: "tcp://127.0.0.77:0", security: .open, context: ZeroMQContext())
        let endpoint = place.endpoint
        place.close()
        let client = try ZeroMQClient(connect: endpoint, security: .open, context: ZeroMQContext())
        #expect(client.status == .connecting)
        #expect(try status(of: client, until: .unreachable) == .unreachable)
        let server = try retryingWhileThePortIsTaken {
            try ZeroMQServer(listen: endpoint, security: .open, context: ZeroMQContext())
        }
        #expect(try status(of: client, until: .connected) == .connected)
        server.close()
        #expect(try status(of: client, until: .unreachable) == .unreachable)
    }

    @Test func `a host that is not found is told from one where nobody listens`() throws {
        let client = try ZeroMQClient(
            connect: "tcp://no-such-host.invalid:5550", security: .open, context: ZeroMQContext())
        #expect(try status(of: client, until: .unknownHost) == .unknownHost)
    }

    @Test func `each problem says where it is and what to do, a refused key in the form that is allowed`() throws {
        let key = try CurveKeyPair.generate().publicKey.z85
        let place = "tcp://studio:5550"
        for (status, words) in [
            (ConnectionStatus.unreachable, "coordinator runs"), (.unknownHost, "check the name"),
            (.keyRefused(key), "keys allow --state DIR '\(key)'"),
            (.securityDiffers(peerUsesKeys: true), "give --server-key"),
            (.securityDiffers(peerUsesKeys: false), "--secure"),
            (.hungUp(usesKeys: true), "--server-key"), (.hungUp(usesKeys: false), "no coordinator"),
        ] {
            let problem = try #require(status.problem(at: place))
            #expect(problem.description.contains(words) && problem.description.contains(place))
        }
        #expect(ConnectionStatus.connecting.problem(at: place) == nil)
        #expect(ConnectionStatus.connected.problem(at: place) == nil)
    }
}
