import Foundation
import Synchronization

/// Whether a host is there and somebody listens, found out without libzmq, which only goes on trying.
extension TCPEndpoint {
    private static let patience = Duration.seconds(4)

    /// - Throws: ``ZeroMQError`` when there is no such host.
    package func checkHost() throws { _ = try addresses() }

    /// Why a connection is refused at once, if it is: nobody listens there, or there is no way to it.
    package func refusal() -> String? {
        let addresses: [Address]
        do { addresses = try self.addresses() } catch { return "\(error)" }
        var reason: Int32 = 0
        for address in addresses {
            guard let code = address.refusal() else { return nil }
            reason = code
        }
        if reason == ECONNREFUSED { return "nobody listens at \(place); is the coordinator running?" }
        return "\(place) cannot be reached: \(String(cString: strerror(reason))); is the coordinator running?"
    }

    /// Whether it has an address of IPv4, as what cannot be looked up may have later.
    var hasIPv4: Bool { (try? addresses().contains { $0.family == AF_INET }) ?? true }

    private struct Address: Sendable {
        var family: Int32
        var bytes: [UInt8]

        /// Tries to connect, for a moment; nil when that works or takes longer.
        func refusal() -> Int32? {
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            let result = bytes.withUnsafeBytes {
                connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
            }
            if result == 0 { return nil }
            guard errno == EINPROGRESS else { return errno }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&waiting, 1, 500) == 1 else { return nil }
            var (code, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code != 0 else { return nil }
            return code
        }
    }

    /// Looks the host up, on another thread, since a name server may be silent for long.
    private func addresses() throws -> [Address] {
        let answer = Answer()
        let (host, port) = (host, port ?? 0)
        let thread = Thread { answer.give(Self.lookUp(host, port)) }
        thread.start()
        guard let (code, addresses) = answer.wait(Self.patience) else {
            throw ZeroMQError(explaining: "there is no host \(host) that could be found: no name server answers")
        }
        guard code == 0, !addresses.isEmpty else {
            let reason = code == EAI_NONAME ? "" : " that could be found (\(String(cString: gai_strerror(code))))"
            throw ZeroMQError(explaining: "there is no host \(host)\(reason); check the name in tcp://\(host):\(port)")
        }
        return addresses
    }

    private static func lookUp(_ host: String, _ port: UInt16) -> (Int32, [Address]) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var addresses: [Address] = []
        var next = list
        while let item = next {
            let bytes = UnsafeRawBufferPointer(start: item.pointee.ai_addr, count: Int(item.pointee.ai_addrlen))
            addresses.append(Address(family: item.pointee.ai_family, bytes: Array(bytes)))
            next = item.pointee.ai_next
        }
        return (code, addresses)
    }

    private final class Answer: Sendable {
        private let value = Mutex<(Int32, [Address])?>(nil)
        private let signal = DispatchSemaphore(value: 0)

        func give(_ answer: (Int32, [Address])) {
            value.withLock { $0 = answer }
            signal.signal()
        }

        func wait(_ patience: Duration) -> (Int32, [Address])? {
            _ = signal.wait(timeout: .now() + .milliseconds(Int(patience / .milliseconds(1))))
            return value.withLock { $0 }
        }
    }
}
