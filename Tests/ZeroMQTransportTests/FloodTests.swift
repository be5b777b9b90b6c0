import ClusterProtocol
import Glibc
import Testing

@testable import ZeroMQTransport

/// Many connections, and much over one: others go on.
@Suite(.serialized) struct FloodTests {
    /// A TCP connection with nothing of ours around it.
    private final class Stranger {
        let descriptor: Int32

        init(_ endpoint: String) throws {
            let port = try #require(TCPEndpoint(parsing: endpoint).port)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(result == 0)
        }

        deinit { close(descriptor) }

        /// - Returns: false when it cannot be sent any more.
        func send(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }

        /// Whether the other side has hung up.
        var hasEnded: Bool {
            // Past the greeting of the server.
            var bytes = [UInt8](repeating: 0, count: 256)
            var count = 1
            while count > 0 { count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)) }
            return count == 0 || errno != EAGAIN
        }

        /// - Returns: false when fewer bytes come.
        private func read(_ count: Int) -> Bool {
            var bytes = [UInt8](repeating: 0, count: count)
            return recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count
        }

        /// As a DEALER of ZMTP 3.0 begins.
        func greet() {
            let greeting: [UInt8] =
                [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0] + Array("NULL".utf8) + Array(repeating: 0, count: 48)
            func property(_ name: String, _ value: String) -> [UInt8] {
                [UInt8(name.utf8.count)] + Array(name.utf8) + [0, 0, 0, UInt8(value.utf8.count)] + Array(value.utf8)
            }
            let ready = [5] + Array("READY".utf8) + property("Socket-Type", "DEALER") + property("Identity", "")
            // Each waits for the other's, as libzmq does.
            _ = send(greeting) && read(64) && send([4, UInt8(ready.count)] + ready) && read(2)
        }
    }

    @Test func `of more connections than there may be, those go that never said a word`() throws {
        let server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0", security: .open, limits: ConnectionLimits(total: 40), context: ZeroMQContext())
        let friend = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
        var inbox = Inbox()
        try send([1], from: friend, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        let strangers = try (0..<200).map { _ in try Stranger(server.endpoint) }
        let deadline = ContinuousClock.now + patience
        var count = try #require(server.connections)
        // The server counts a connection's end when libzmq tells it, which may be after the stranger saw it.
        while strangers.count(where: { !$0.hasEnded }) > 12 || count.open > 40 || count.turnedAway < 188,
            ContinuousClock.now < deadline
        {
            try inbox.collect(from: server, for: .milliseconds(10))
            count = try #require(server.connections)
        }
        #expect(strangers.count { !$0.hasEnded } <= 12)
        #expect(count.limit == 40 && count.open <= 40 && count.turnedAway >= 188, "\(count)")
        #expect(server.takeRefusals().map(\.reason) == [.tooManyConnections])
        // The friend is where it was, and others get in beside the strangers.
        let second = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
        for client in [friend, second] { try send([2], from: client, serving: server, into: &inbox) }
        try receive(3, at: server, into: &inbox)
        #expect(inbox.messages.map(\.payload) == [[1], [2], [2]])
    }

    @Test func `a message without end costs its sender the connection`() throws {
        var limits = ConnectionLimits(total: 40)
        limits.backlog = 8 << 20
        let server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0", security: .open, limits: limits, context: ZeroMQContext())
        let friend = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
        let stranger = try Stranger(server.endpoint)
        stranger.greet()
        // A long frame, after which there is more.
        let size = 60_000
        let frame = [3, 0, 0, 0, 0, 0, 0, UInt8(size >> 8), UInt8(size & 0xFF)] + [UInt8](repeating: 7, count: size)
        var sent = 0
        // Faster than half a GiB a second nobody is on one machine here.
        var inbox = Inbox()
        while sent < 2 << 30, stranger.send(frame) {
            sent += size
            try inbox.collect(from: server)
        }
        #expect(sent > limits.backlog / 2 && sent < 2 << 30, "\(sent) bytes were taken")
        try send([1], from: friend, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        #expect(server.takeRefusals().contains { $0.reason == .tooMuchAtOnce })
    }

    @Test func `much that is taken costs nobody the connection`() throws {
        var limits = ConnectionLimits(total: 40)
        // More than may wait on the way.
        limits.backlog = 16 << 20
        let server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0", security: .open, limits: limits, context: ZeroMQContext())
        let friend = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
        var inbox = Inbox()
        for (size, count) in [(1, 4000), (60_000, 200)] {
            for _ in 0..<count {
                try send(Array(repeating: 0, count: size), from: friend, serving: server, into: &inbox)
                try inbox.collect(from: server)
            }
        }
        try receive(4200, at: server, into: &inbox)
        waitBriefly()
        _ = try server.receive(timeout: .milliseconds(500), limit: 1)
        #expect(Set(inbox.messages.map(\.connection)).count == 1 && server.connections?.turnedAway == 0)
    }

    @Test func `who sends what nobody wants is hung up on, and may come again`() throws {
        let server = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        let peer = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
        var inbox = Inbox()
        try send([1], from: peer, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        server.hangUp(on: inbox.messages[0].connection)
        let deadline = ContinuousClock.now + patience
        while inbox.messages.last?.connection == inbox.messages[0].connection, ContinuousClock.now < deadline {
            _ = try peer.send([2], to: .coordinator)
            _ = try peer.receive(timeout: .milliseconds(5), limit: 1)
            try inbox.collect(from: server, for: .milliseconds(5))
        }
        #expect(Set(inbox.messages.map(\.connection)).count == 2)
        #expect(server.takeRefusals().map(\.reason) == [.nonsense])
    }

    @Test func `a key that is taken off the list loses its connection, and a role comes with each message`() throws {
        let (own, keys) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        let server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0",
            security: .curve(own, allowed: [keys.publicKey], roles: [keys.publicKey: .worker]), context: ZeroMQContext()
        )
        let peer = try ZeroMQClient(
            connect: server.endpoint, security: .curve(keys, server: own.publicKey), context: ZeroMQContext())
        var inbox = Inbox()
        try send([1], from: peer, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        #expect(inbox.messages.map(\.roles) == [.worker])
        server.allow([keys.publicKey], roles: [keys.publicKey: .client])
        try send([2], from: peer, serving: server, into: &inbox)
        try receive(2, at: server, into: &inbox)
        #expect(inbox.messages.last?.roles == .client)
        server.allow([])
        #expect(server.takeRefusals().map(\.reason) == [.keyAllowedNoMore])
        let deadline = ContinuousClock.now + patience
        while peer.status == .connected, ContinuousClock.now < deadline {
            try inbox.collect(from: server, for: .milliseconds(20))
            _ = try peer.receive(timeout: .milliseconds(5), limit: 1)
        }
        #expect(peer.status != .connected && inbox.messages.count == 2)
    }

    @Test func `limits leave room for files`() {
        let limits = ConnectionLimits.ofThisProcess
        #expect(limits.total >= 8 && limits.unheard < limits.total && limits.unheardOfAddress < limits.unheard)
        #expect(ConnectionLimits(total: 0).unheardOfAddress > 0)
    }
}
