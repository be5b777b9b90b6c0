import ClusterProtocol
import Glibc
import Testing

/// What `Transport` promises, on every transport there is.
@Suite(.serialized) struct TransportConformanceTests {
    @Test(arguments: TransportKind.allCases)
    func `messages go both ways, of any bytes and any size up to the limit`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        let connection = try connect(client, to: server)
        for size in [0, 1, 255, 256, 8191, TransportLimits.maximumMessageSize] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
            var atServer = Inbox()
            try send(payload, from: client, serving: server, into: &atServer)
            try receive(1, at: server, into: &atServer)
            #expect(
                atServer.messages
                    == [ReceivedMessage(connection: connection, peerKey: world.clientKey, payload: payload)])
            #expect(try server.send(payload, to: connection))
            var atClient = Inbox()
            try receive(1, at: client, into: &atClient)
            #expect(
                atClient.messages
                    == [ReceivedMessage(connection: .coordinator, peerKey: nil, payload: payload)])
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `each of many clients gets its own answers, in order`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let clients = try (0..<8).map { _ in try world.makeClient() }
        let connections = try clients.map { try connect($0, to: server) }
        #expect(Set(connections).count == clients.count)
        for round in UInt8(0)..<50 {
            for (index, connection) in connections.enumerated() {
                #expect(try server.send([UInt8(index), round], to: connection))
            }
        }
        for (index, client) in clients.enumerated() {
            var inbox = Inbox()
            try receive(50, at: client, into: &inbox)
            #expect(inbox.messages.map(\.payload) == (UInt8(0)..<50).map { [UInt8(index), $0] })
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `the messages of one connection keep their order`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let clients = try (0..<3).map { _ in try world.makeClient() }
        let connections = try clients.map { try connect($0, to: server) }
        var inbox = Inbox()
        for number in 0..<1_000 {
            for client in clients {
                let payload = [UInt8(number >> 8), UInt8(number & 255)]
                try send(payload, from: client, serving: server, into: &inbox)
            }
        }
        try receive(3_000, at: server, into: &inbox)
        for connection in connections {
            let numbers = inbox.messages.filter { $0.connection == connection }
                .map { Int($0.payload[0]) << 8 + Int($0.payload[1]) }
            #expect(numbers == Array(0..<1_000))
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `receive returns at most as many as asked for and keeps the rest`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        let connection = try connect(client, to: server)
        for number in UInt8(0)..<10 { #expect(try server.send([number], to: connection)) }
        var received: [UInt8] = []
        let deadline = ContinuousClock.now + patience
        while received.count < 10, ContinuousClock.now < deadline {
            let messages = try client.receive(timeout: .milliseconds(50), limit: 3)
            #expect(messages.count <= 3)
            received += messages.flatMap(\.payload)
        }
        #expect(received == Array(0..<10))
    }

    @Test(arguments: TransportKind.allCases)
    func `sending to a peer that is not there is refused`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        let connection = try connect(client, to: server)
        #expect(try !server.send([1], to: ConnectionID(bytes: [9, 9, 9, 9, 9])))
        #expect(try !server.send([1], to: .coordinator))
        #expect(try !client.send([1], to: connection))
        client.close()
        let deadline = ContinuousClock.now + patience
        while try server.send([1], to: connection) {
            #expect(try server.receive(timeout: .milliseconds(5), limit: 10) == [])
            try #require(ContinuousClock.now < deadline, "a closed client is still sent to")
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `a client without a server is refused`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        try world.makeServer().close()
        let client = try world.makeClient()
        #expect(try client.receive(timeout: .milliseconds(50), limit: 1) == [])
        #expect(try !client.send([1], to: .coordinator))
    }

    @Test(arguments: TransportKind.allCases)
    func `a peer that does not receive fills its queue, and only its own`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let lazy = try world.makeClient()
        let eager = try world.makeClient()
        let toLazy = try connect(lazy, to: server)
        let toEager = try connect(eager, to: server)
        let payload = [UInt8](repeating: 1, count: TransportLimits.maximumMessageSize)
        var sent = 0
        while sent < 10_000, try server.send(payload, to: toLazy) { sent += 1 }
        #expect(sent >= 100)
        #expect(sent < 10_000)
        #expect(try server.send([2], to: toEager))
        var inbox = Inbox()
        try receive(1, at: eager, into: &inbox)
        #expect(inbox.messages.map(\.payload) == [[2]])
        inbox = Inbox()
        try receive(sent, at: lazy, into: &inbox)
        #expect(inbox.messages.count == sent)
    }

    @Test(arguments: TransportKind.allCases)
    func `a message over the limit is refused`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        let connection = try connect(client, to: server)
        let size = TransportLimits.maximumMessageSize + 1
        let payload = [UInt8](repeating: 0, count: size)
        #expect(throws: TransportError.messageTooLarge(size: size)) {
            try client.send(payload, to: .coordinator)
        }
        #expect(throws: TransportError.messageTooLarge(size: size)) {
            try server.send(payload, to: connection)
        }
        var inbox = Inbox()
        try send([3], from: client, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        #expect(inbox.messages.map(\.payload) == [[3]])
    }

    @Test(arguments: TransportKind.allCases)
    func `receive waits as long as it is told to`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        _ = try connect(client, to: server)
        for transport in [server, client] {
            for timeout in [Duration.zero, .seconds(-3)] {
                let (messages, looked) = try timedReceive(at: transport, timeout: timeout)
                #expect(messages == [])
                #expect(looked < .seconds(1))
            }
            let (messages, waited) = try timedReceive(at: transport, timeout: .milliseconds(80))
            #expect(messages == [])
            #expect(waited >= .milliseconds(80))
            #expect(waited < .seconds(3))
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `the waker ends a long wait from another thread, promptly`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        for transport in [server, client] {
            let waker = transport.waker
            for _ in 0..<3 {
                // From before the thread: on a busy machine it may be through with its sleep before the wait begins.
                let start = ContinuousClock.now
                let thread = onAnotherThread {
                    usleep(20_000)
                    waker.wake()
                }
                let (messages, waited) = try timedReceive(at: transport, timeout: .seconds(30))
                #expect(messages == [])
                #expect(start.duration(to: .now) >= .milliseconds(15))
                pthread_join(thread, nil)
                #expect(waited < .seconds(5))
            }
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `a wake before receive counts, several count once`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        for _ in 0..<3 {
            for _ in 0..<2_000 { server.waker.wake() }
            #expect(try timedReceive(at: server, timeout: .seconds(30)).waited < .seconds(5))
            #expect(try timedReceive(at: server, timeout: .milliseconds(60)).waited >= .milliseconds(60))
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `no wake is lost between many threads and one receiver`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let waker = server.waker
        let counter = SharedCounter()
        let threads = (0..<4).map { _ in
            onAnotherThread {
                for _ in 0..<2_000 {
                    counter.increment()
                    waker.wake()
                }
            }
        }
        // Were a wake lost, this would sit out its timeout with the count unfinished.
        let deadline = ContinuousClock.now + .seconds(20)
        while counter.value < 8_000 {
            _ = try server.receive(timeout: .seconds(20), limit: 1)
            try #require(ContinuousClock.now < deadline)
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    @Test(arguments: TransportKind.allCases)
    func `closing twice is closing once, and a closed transport says so`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let server = try world.makeServer()
        let client = try world.makeClient()
        for transport in [server, client] {
            let waker = transport.waker
            transport.close()
            transport.close()
            waker.wake()
            #expect(throws: TransportError.closed) { try transport.receive(timeout: .seconds(1), limit: 1) }
            #expect(throws: TransportError.closed) { try transport.send([1], to: .coordinator) }
            #expect(throws: TransportError.closed) { try transport.send([1], to: ConnectionID(bytes: [1])) }
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `after a restart of the server its clients go on, as new connections`(_ kind: TransportKind) throws {
        let world = try kind.makeWorld()
        let first = try world.makeServer()
        let clients = try (0..<3).map { _ in try world.makeClient() }
        let old = try clients.map { try connect($0, to: first) }
        first.close()
        let second = try world.makeServer()
        for connection in old { #expect(try !second.send([1], to: connection)) }
        let deadline = ContinuousClock.now + patience
        for (index, client) in clients.enumerated() {
            // What is sent while the old connection dies is lost, as the contract says: send until answered.
            var inbox = Inbox()
            while !inbox.messages.contains(where: { $0.payload == [UInt8(index)] }) {
                _ = try client.send([UInt8(index)], to: .coordinator)
                try inbox.collect(from: second, for: .milliseconds(20))
                try #require(ContinuousClock.now < deadline, "a client did not come back")
            }
            let connection = try #require(inbox.messages.last { $0.payload == [UInt8(index)] }).connection
            #expect(try second.send([100], to: connection))
            var answer = Inbox()
            try receive(1, at: client, into: &answer)
            #expect(answer.messages.map(\.payload) == [[100]])
        }
    }
}
