import Testing
import ZeroMQTransport

@Suite struct TCPEndpointTests {
    @Test func `endpoints are read and written`() throws {
        let cases: [(text: String, host: String, port: UInt16?, isLoopback: Bool)] = [
            ("tcp://localhost:5555", "localhost", 5555, true), ("tcp://127.0.0.1:1", "127.0.0.1", 1, true),
            ("tcp://127.9.8.7:65535", "127.9.8.7", 65_535, true), ("tcp://*:0", "*", nil, false),
            ("tcp://0.0.0.0:*", "0.0.0.0", nil, false), ("tcp://gpu-3.lan:7000", "gpu-3.lan", 7_000, false),
            ("tcp://127.evil.example:1", "127.evil.example", 1, false), ("tcp://127.1:1", "127.1", 1, false),
            ("tcp://localhost.example:1", "localhost.example", 1, false), ("tcp://eth0:5", "eth0", 5, false),
            ("studio:5550", "studio", 5550, false), ("localhost:1", "localhost", 1, true),
            ("tcp://[::1]:5550", "::1", 5550, true), ("[::1]:5550", "::1", 5550, true),
            ("tcp://[0:0:0:0:0:0:0:1]:5", "0:0:0:0:0:0:0:1", 5, true), ("tcp://[::]:0", "::", nil, false),
            ("tcp://[::ffff:127.0.0.1]:5", "::ffff:127.0.0.1", 5, true), ("tcp://[::2]:5", "::2", 5, false),
            ("tcp://[::ffff:10.0.0.1]:5", "::ffff:10.0.0.1", 5, false),
            ("tcp://[fe80::1%eth0]:5", "fe80::1%eth0", 5, false),
        ]
        for (text, host, port, isLoopback) in cases {
            let endpoint = try TCPEndpoint(parsing: text)
            #expect(endpoint.host == host)
            #expect(endpoint.port == port)
            #expect(endpoint.isLoopback == isLoopback, "\(text)")
            #expect(ZeroMQServer.isLoopback(text) == isLoopback)
            #expect(try TCPEndpoint(parsing: endpoint.description) == endpoint)
        }
    }

    @Test func `what is no endpoint is refused with what one looks like`() {
        for text in [
            "", "udp://a:1", "http://a:1", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:b", "studio",
            "tcp://a:65536",
            "tcp://a:-1", "tcp://a:+1", "tcp://[::1]", "tcp://::1:5", "::1", "tcp://[::1:5", "tcp://[]:5",
            "tcp://[a]:5",
            "tcp://[127.0.0.1]:5", "tcp://a b:1", "tcp://a;b:1",
            "tcp://é:1",
        ] {
            #expect { try TCPEndpoint(parsing: text) } throws: { "\($0)".contains("; write tcp://") }
            #expect(!ZeroMQServer.isLoopback(text))
        }
    }
}
