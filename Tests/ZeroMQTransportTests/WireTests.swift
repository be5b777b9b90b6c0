import CZeroMQ
import ClusterProtocol
import Glibc
import Testing
import ZeroMQTransport

/// Peers that are not ours, or not well.
@Suite(.serialized) struct WireTests {
    /// A DEALER with nothing of ours around it.
    private final class RawPeer {
        let context = zmq_ctx_new()
        let socket: UnsafeMutableRawPointer?

        init(_ endpoint: String) {
            socket = zmq_socket(context, ZMQ_DEALER)
            var zero: Int32 = 0
            zmq_setsockopt(socket, ZMQ_LINGER, &zero, 4)
            zmq_connect(socket, endpoint)
        }

        deinit {
            zmq_close(socket)
            zmq_ctx_term(context)
        }

        func send(_ frames: [[UInt8]]) {
            for (index, frame) in frames.enumerated() {
                zmq_send(socket, frame, frame.count, index < frames.count - 1 ? ZMQ_SNDMORE : 0)
            }
        }
    }

    @Test func `messages of other than one frame are dropped and counted, what follows is not`() throws {
        let server = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        let peer = RawPeer(server.endpoint)
        peer.send([[1], [2]])
        peer.send([[], [2]])
        peer.send([[UInt8]](repeating: [3], count: 300))
        peer.send([[4]])
        var inbox = Inbox()
        try receive(1, at: server, into: &inbox)
        #expect(inbox.messages.map(\.payload) == [[4]])
        #expect(server.droppedMessages == 3)
    }

    @Test func `a message over the limit is not received and costs its sender the connection`() throws {
        let server = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        let peer = RawPeer(server.endpoint)
        peer.send([[1]])
        var inbox = Inbox()
        try receive(1, at: server, into: &inbox)
        let connection = inbox.messages[0].connection
        peer.send([[UInt8](repeating: 0, count: TransportLimits.maximumMessageSize + 1)])
        let deadline = ContinuousClock.now + patience
        while try server.send([1], to: connection) {
            #expect(try server.receive(timeout: .milliseconds(5), limit: 1) == [])
            try #require(ContinuousClock.now < deadline, "still connected")
        }
    }

    @Test func `a goodbye is sent before a draining close ends`() throws {
        let server = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        for round in UInt8(0)..<5 {
            let client = try ZeroMQClient(connect: server.endpoint, security: .open, context: ZeroMQContext())
            _ = try connect(client, to: server)
            for number in UInt8(0)..<100 { #expect(try client.send([round, number], to: .coordinator)) }
            client.close(draining: .milliseconds(500))
            var inbox = Inbox()
            try receive(100, at: server, into: &inbox)
            #expect(inbox.messages.map(\.payload) == (UInt8(0)..<100).map { [round, $0] })
        }
    }

    @Test func `the port that the system chose can be read, and connected to by name`() throws {
        for text in ["tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://localhost:0"] {
            let server = try ZeroMQServer(listen: text, security: .open, context: ZeroMQContext())
            let endpoint = try TCPEndpoint(parsing: server.endpoint)
            #expect(endpoint.host == "127.0.0.1")
            let port = try #require(endpoint.port)
            let client = try ZeroMQClient(
                connect: "tcp://localhost:\(port)", security: .open, context: ZeroMQContext())
            _ = try connect(client, to: server)
        }
    }

    @Test func `a taken port and an open network are refused with the reason`() throws {
        let server = try ZeroMQServer(listen: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        #expect {
            try ZeroMQServer(listen: server.endpoint, security: .open, context: ZeroMQContext())
        } throws: {
            "\($0)".contains(server.endpoint) && "\($0)".contains("in use")
        }
        for text in ["tcp://*:0", "tcp://0.0.0.0:0"] {
            #expect {
                try ZeroMQServer(listen: text, security: .open, context: ZeroMQContext())
            } throws: {
                "\($0)".contains("without CURVE")
            }
            let open = try ZeroMQServer(
                listen: text, security: .open, allowsOpenNetwork: true, context: ZeroMQContext())
            #expect(try TCPEndpoint(parsing: open.endpoint).port != nil)
        }
        #expect(throws: ZeroMQError.self) {
            try ZeroMQClient(connect: "tcp://127.0.0.1:0", security: .open, context: ZeroMQContext())
        }
    }

    @Test func `a client that was answered nonsense finds its server later`() throws {
        let impostor = try Impostor()
        let client = try ZeroMQClient(
            connect: "tcp://127.0.0.1:\(impostor.port)", security: .open, context: ZeroMQContext())
        try impostor.answerNonsense()
        // Long enough for libzmq to see it and to give up.
        #expect(try client.receive(timeout: .milliseconds(200), limit: 1) == [])
        #expect(client.status == .securityDiffers(peerUsesKeys: true))
        impostor.close()
        let server = try retryingWhileThePortIsTaken {
            try ZeroMQServer(
                listen: "tcp://127.0.0.1:\(impostor.port)", security: .open, context: ZeroMQContext())
        }
        _ = try connect(client, to: server)
        #expect(try client.receive(timeout: .milliseconds(100), limit: 1) == [])
        #expect(client.status == .connected)
    }
}

/// Listens like a coordinator and is none.
private final class Impostor {
    private let listener: Int32
    let port: UInt16

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 5) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isListening)
        port = UInt16(bigEndian: address.sin_port)
    }

    /// What a ZeroMQ greeting begins with, and then a mechanism that there is not.
    func answerNonsense() throws {
        let connection = accept(listener, nil, nil)
        try #require(connection >= 0)
        let greeting: [UInt8] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0] + Array("NONSENSE".utf8)
        let answer = greeting + [UInt8](repeating: 0, count: 64 - greeting.count)
        #expect(Glibc.send(connection, answer, answer.count, 0) == answer.count)
        usleep(50_000)
        Glibc.close(connection)
    }

    func close() {
        Glibc.close(listener)
    }
}
