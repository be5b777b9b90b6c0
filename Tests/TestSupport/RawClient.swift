import Foundation
import Glibc

/// A connection of a client that does as it likes: bytes out, bytes in. What waits does so on a thread of its own: the server
/// under test needs those of tasks.
package final class RawClient: Sendable {
    private let socket: Int32
    private let queue = DispatchQueue(label: "client")

    /// - Parameters:
    ///   - address: `127.0.0.1:PORT`.
    ///   - buffer: of the system, for what has arrived; small, so that a client that does not read is noticed soon.
    package init(_ address: String, buffer: Int32? = nil) throws {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw TestSupportError("\(address) has no port")
        }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var buffer { setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, 4) }
        var time = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw TestSupportError("cannot connect to \(address): \(errno)") }
    }

    deinit { close(socket) }

    /// - Returns: false when the other side has hung up.
    @discardableResult
    package func send(_ text: String) async -> Bool { await send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async -> Bool { await wait { $0.sendNow(bytes) } }

    private func wait<Value: Sendable>(_ body: @escaping @Sendable (RawClient) -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body(self)) } }
    }

    private func sendNow(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Some bytes; nil when the other side has hung up, or nothing comes for long.
    package func receive() async -> [UInt8]? { await wait { $0.receiveNow() } }

    private func receiveNow() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    /// All that comes until it contains something, or until the other side hangs up.
    package func receive(until mark: String) async -> String {
        var text = ""
        while !text.contains(mark), let bytes = await receive() { text += String(decoding: bytes, as: UTF8.self) }
        return text
    }

    /// Whether the other side hangs up, whatever it says before.
    package func isHungUpOn() async -> Bool {
        await wait { client in
            while true {
                var byte: UInt8 = 0
                let count = recv(client.socket, &byte, 1, 0)
                if count == 0 || (count < 0 && errno == ECONNRESET) { return true }
                guard count > 0 else { return false }
            }
        }
    }

    /// One request on a connection of its own.
    ///
    /// - Parameter address: `http://127.0.0.1:PORT`.
    /// - Returns: the status, and the body, as far as it came; its length is not looked at.
    package static func ask(
        _ method: String, _ path: String, at address: String, fields: [String] = [], body: String = ""
    ) async throws -> (status: Int, body: [UInt8]) {
        let client = try RawClient(address)
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: localhost", "Connection: close", "Content-Length: \(body.utf8.count)",
        ]
        await client.send((head + fields).joined(separator: "\r\n") + "\r\n\r\n" + body)
        var bytes: [UInt8] = []
        while let more = await client.receive() { bytes += more }
        let end = Array("\r\n\r\n".utf8)
        let blank = bytes.indices.first { bytes[$0...].starts(with: end) } ?? bytes.endIndex
        let words = String(decoding: bytes[..<blank], as: UTF8.self).split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else {
            throw TestSupportError("\(method) \(path) had no answer")
        }
        return (status, Array(bytes[blank...].dropFirst(4)))
    }
}
