import Foundation
import ServiceNotice
import Testing

/// A socket such as systemd's.
private final class Listener: Sendable {
    let path: String
    private let descriptor: Int32

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("n-\(UUID().uuidString.prefix(8))").path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(code == 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// What has come, a text for each datagram.
    var texts: [String] {
        var texts: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return texts }
            texts.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}

@Suite("Notices to systemd")
struct ServiceNoticeTests {
    private func notice(_ listener: Listener, _ more: [String: String] = [:]) -> ServiceNotice {
        ServiceNotice(environment: ["NOTIFY_SOCKET": listener.path].merging(more) { $1 })
    }

    @Test func `a service says that it is ready, and that it stops, each once`() throws {
        let listener = try Listener()
        let notice = notice(listener)
        #expect(notice.isHeard)
        notice.status("loads")
        notice.status("loads")
        notice.ready("serves\nall")
        notice.stopping("ends")
        notice.stopping("ends again")
        #expect(
            listener.texts == [
                "STATUS=loads", "READY=1\nSTATUS=serves all", "STOPPING=1\nSTATUS=ends",
            ])
    }

    @Test func `a reload has the time at which it began`() throws {
        let listener = try Listener()
        let notice = notice(listener)
        notice.reloading()
        notice.extend(by: .seconds(2))
        let texts = listener.texts
        #expect(texts.count == 2)
        let parts = texts.first?.split(separator: "\n") ?? []
        #expect(parts.first == "RELOADING=1")
        let time = parts.last?.split(separator: "=").last.flatMap { UInt64($0) }
        #expect(try #require(time) > 0)
        #expect(texts.last == "EXTEND_TIMEOUT_USEC=2000000")
    }

    @Test func `signs of life come at most every half of what is waited for`() throws {
        let listener = try Listener()
        let notice = notice(listener, ["WATCHDOG_USEC": "60000000"])
        #expect(notice.watchdog == .seconds(60))
        for _ in 0..<1000 { notice.alive() }
        #expect(listener.texts == ["WATCHDOG=1"])
        let quick = self.notice(listener, ["WATCHDOG_USEC": "2", "WATCHDOG_PID": "\(getpid())"])
        let end = ContinuousClock.now + .seconds(30)
        var count = 0
        while count < 3, .now < end {
            quick.alive()
            count += listener.texts.count
        }
        #expect(count >= 3)
    }

    @Test(arguments: [["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"], ["WATCHDOG_USEC": "much"], [:]])
    func `who is not watched sends no signs of life`(environment: [String: String]) throws {
        let listener = try Listener()
        let notice = notice(listener, environment)
        #expect(notice.watchdog == nil)
        notice.alive()
        #expect(listener.texts.isEmpty)
    }

    @Test(arguments: [nil, "", "relative", "/" + String(repeating: "x", count: 200), "/nobody/is/here"])
    func `without a socket nothing is sent, and nothing fails`(socket: String?) {
        let notice = ServiceNotice(environment: socket.map { ["NOTIFY_SOCKET": $0] } ?? [:])
        notice.ready("serves")
        notice.stopping("ends")
    }
}
