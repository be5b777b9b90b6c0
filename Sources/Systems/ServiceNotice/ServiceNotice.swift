import Foundation
import Synchronization

/// What a service tells systemd of itself (`sd_notify(3)`): short texts over the datagram socket that `NOTIFY_SOCKET` names.
///
/// Without such a socket nothing is sent and nothing is an error: whoever was started by hand has nobody to tell. Any thread; a
/// notice never waits: what the socket has no room for is lost, and the next one says more.
package final class ServiceNotice: Sendable {
    /// Of this process, by its environment.
    package static let process = ServiceNotice(environment: ProcessInfo.processInfo.environment)

    private let address: sockaddr_un?
    private let length: socklen_t
    private let descriptor: Int32
    /// Between two signs of life that systemd waits for at most; nil when it waits for none.
    package let watchdog: Duration?
    private struct State {
        var status = ""
        var nextSign = ContinuousClock.now
        var hasStopped = false
    }
    private let state = Mutex(State())

    /// - Parameter environment: `NOTIFY_SOCKET`, a path or `@` and a name; `WATCHDOG_USEC`, and `WATCHDOG_PID`, the process
    ///   that is meant by it.
    package init(environment: [String: String]) {
        let place = environment["NOTIFY_SOCKET"].flatMap(Self.address)
        (address, length) = (place?.address, place?.length ?? 0)
        descriptor = place == nil ? -1 : socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0
        watchdog = isMeant && limit > 0 && limit < 1 << 50 ? .microseconds(Int64(limit)) : nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether anybody listens.
    package var isHeard: Bool { descriptor >= 0 }

    private static func address(_ text: String) -> (address: sockaddr_un, length: socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count < MemoryLayout.size(ofValue: address.sun_path),
            first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), bytes.count > 1
        else { return nil }
        // A name without a file begins with a zero.
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        // Of a file's name, the zero at its end counts, too.
        return (address, socklen_t(head + bytes.count + (bytes[0] == 0 ? 0 : 1)))
    }

    private func send(_ fields: [String]) {
        guard descriptor >= 0, var address else { return }
        let bytes = Array(fields.map { $0.replacing("\n", with: " ") }.joined(separator: "\n").utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), pointer,
                    length)
            }
        }
    }

    // MARK: What there is to say

    /// It serves from now on. Also when what `reloading` began is done.
    package func ready(_ status: String) {
        state.withLock { $0.status = status }
        send(["READY=1", "STATUS=\(status)"])
    }

    /// What it does just now, for people; the same text is sent once.
    package func status(_ text: String) {
        let isNew = state.withLock { state in
            defer { state.status = text }
            return state.status != text
        }
        if isNew { send(["STATUS=\(text)"]) }
    }

    /// It reads its settings again; `ready` ends that.
    package func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send(["RELOADING=1", "MONOTONIC_USEC=\(UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)"])
    }

    /// It ends.
    package func stopping(_ status: String) {
        let isNew = state.withLock { state in
            defer { (state.hasStopped, state.status) = (true, status) }
            return !state.hasStopped
        }
        if isNew { send(["STOPPING=1", "STATUS=\(status)"]) }
    }

    /// Starting or stopping takes longer: systemd is to wait for so long from now on.
    package func extend(by time: Duration) {
        send(["EXTEND_TIMEOUT_USEC=\(UInt64(max(0, time / .microseconds(1))))"])
    }

    /// It is alive. For the loop that would hang, at each turn: more often than every half of `watchdog` nothing is sent.
    package func alive() {
        guard let watchdog else { return }
        let isDue = state.withLock { state in
            guard ContinuousClock.now >= state.nextSign else { return false }
            state.nextSign = .now + watchdog / 2
            return true
        }
        if isDue { send(["WATCHDOG=1"]) }
    }
}
