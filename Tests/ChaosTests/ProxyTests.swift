import Chaos
import Foundation
import Testing

/// A server of one connection at a time behind a proxy, and a client before it.
private final class Line {
    let listener: Int32
    let proxy: ChaosProxy
    let client: Int32
    let server: Int32

    init() throws {
        let (listener, port) = try Self.listen()
        self.listener = listener
        proxy = try ChaosProxy(to: port, seed: 1)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.client = client
        var address = Self.address(proxy.port)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
        server = accept(listener, nil, nil)
        try #require(server >= 0)
    }

    deinit {
        for descriptor in [client, server, listener] { Foundation.close(descriptor) }
        proxy.close()
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func listen() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var (address, size) = (address(0), socklen_t(MemoryLayout<sockaddr_in>.size))
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) + Foundation.listen(descriptor, 8) + getsockname(descriptor, $0, &size)
            }
        }
        try #require(code == 0)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    func send(_ count: Int, from descriptor: Int32) {
        let bytes = [UInt8](repeating: 0x55, count: count)
        _ = Foundation.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    }

    /// Waits until the proxy has counted so; a minute at most.
    func waits(_ condition: (LinkCounts) -> Bool) -> Bool {
        for _ in 0..<60_000 {
            if condition(proxy.counts) { return true }
            usleep(1000)
        }
        return false
    }

    /// What comes within a time; ends early when all of it is there, or the connection has ended.
    func receive(_ count: Int, at descriptor: Int32, within milliseconds: Int32) -> (bytes: [UInt8], error: Int32?) {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while all.count < count {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, milliseconds) > 0 else { return (all, nil) }
            let came = read(descriptor, &buffer, buffer.count)
            guard came > 0 else { return (all, came == 0 ? 0 : errno) }
            all += buffer[..<came]
        }
        return (all, nil)
    }
}

@Suite struct ProxyTests {
    private static let soon: Int32 = 60_000

    @Test func `bytes pass in both directions`() throws {
        let line = try Line()
        line.send(1000, from: line.client)
        #expect(line.receive(1000, at: line.server, within: Self.soon).bytes == Array(repeating: 0x55, count: 1000))
        line.send(10, from: line.server)
        #expect(line.receive(10, at: line.client, within: Self.soon).bytes.count == 10)
        #expect(line.proxy.counts.held == 0)
    }

    @Test func `a partition holds bytes, and lets them go afterwards`() throws {
        let line = try Line()
        line.proxy.condition = .partition
        line.send(100, from: line.client)
        line.send(50, from: line.server)
        #expect(line.waits { $0.held >= 150 })
        #expect(line.receive(1, at: line.server, within: 50).bytes.isEmpty)
        #expect(line.receive(1, at: line.client, within: 50).bytes.isEmpty)
        line.proxy.condition = .good
        #expect(line.receive(100, at: line.server, within: Self.soon).bytes.count == 100)
        #expect(line.receive(50, at: line.client, within: Self.soon).bytes.count == 50)
    }

    @Test func `a partition in one direction lets the other pass`() throws {
        let line = try Line()
        line.proxy.condition = .oneWay(up: true)
        line.send(100, from: line.client)
        line.send(50, from: line.server)
        #expect(line.receive(50, at: line.client, within: Self.soon).bytes.count == 50)
        #expect(line.waits { $0.held >= 100 })
        #expect(line.receive(1, at: line.server, within: 50).bytes.isEmpty)
    }

    @Test func `a reset is an error at both ends`() throws {
        let line = try Line()
        line.send(1, from: line.client)
        #expect(line.receive(1, at: line.server, within: Self.soon).bytes.count == 1)
        line.proxy.reset()
        #expect(line.receive(1, at: line.client, within: Self.soon).error == ECONNRESET)
        #expect(line.receive(1, at: line.server, within: Self.soon).error == ECONNRESET)
        #expect(line.waits { $0.broken > 0 })
        #expect(line.proxy.counts.broken == 1)
    }

    @Test func `a cut lets half of the bytes pass, and ends`() throws {
        let line = try Line()
        line.proxy.cut()
        line.send(100, from: line.client)
        let (bytes, error) = line.receive(100, at: line.server, within: Self.soon)
        #expect(bytes.count == 50 && error == 0)
    }

    @Test func `some bits are flipped, and counted`() throws {
        let line = try Line()
        line.proxy.condition = .corrupting
        line.send(10_000, from: line.client)
        let bytes = line.receive(10_000, at: line.server, within: Self.soon).bytes
        let wrong = bytes.count { $0 != 0x55 }
        #expect(bytes.count == 10_000 && wrong > 0 && wrong < 100)
        // It counts at the end of a turn, when the bytes are there already.
        #expect(line.waits { $0.flipped >= wrong })
        #expect(line.proxy.counts.flipped == wrong)
    }

    @Test func `a slow link passes all bytes at its rate, and late`() throws {
        let line = try Line()
        line.proxy.condition = .slow
        let start = ContinuousClock.now
        line.send(6000, from: line.client)
        #expect(line.receive(6000, at: line.server, within: Self.soon).bytes.count == 6000)
        // 0.3 s late; 2,000 bytes at once, and the others at 8,000 a second.
        #expect(start.duration(to: .now) >= .milliseconds(700))
        #expect(line.waits { $0.late >= 6000 })
    }
}
