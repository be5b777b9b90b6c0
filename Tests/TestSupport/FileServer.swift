import Foundation
import Synchronization

/// A server of HTTP on this machine that does what a test wants: it cuts, stalls, lies and changes its mind.
package final class FileServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        /// With what follows a question mark.
        package var path: String
        /// By their names in small letters.
        package var fields: [String: String]

        /// The first byte that is wanted, of `Range: bytes=N-`.
        package var start: Int? {
            fields["range"].flatMap { $0.hasPrefix("bytes=") ? Int($0.dropFirst(6).dropLast()) : nil }
        }
    }

    package struct Reply: Sendable {
        package var status = 200
        package var fields: [String: String] = [:]
        package var body: [UInt8] = []
        /// The length that is said; nil is the true one.
        package var saidLength: Int?
        /// Bytes after which the connection is closed.
        package var cut: Int?
        /// Bytes after which nothing comes any more.
        package var stall: Int?

        package init(_ status: Int = 200, _ fields: [String: String] = [:], body: [UInt8] = []) {
            (self.status, self.fields, self.body) = (status, fields, body)
        }

        /// What an honest server answers, with `Range` and `If-Range`.
        package static func file(_ bytes: [UInt8], tag: String?, to request: Request) -> Reply {
            var reply = Reply(200, ["Content-Type": "application/octet-stream"], body: bytes)
            if let tag { reply.fields["ETag"] = "\"\(tag)\"" }
            guard let start = request.start, request.fields["if-range"].map({ $0 == "\"\(tag ?? "")\"" }) ?? true else {
                return reply
            }
            guard start < bytes.count else { return Reply(416, ["Content-Range": "bytes */\(bytes.count)"]) }
            reply.status = 206
            reply.body = Array(bytes[start...])
            reply.fields["Content-Range"] = "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"
            return reply
        }

        package func cut(after bytes: Int) -> Reply {
            var reply = self
            reply.cut = bytes
            return reply
        }

        package func stalled(after bytes: Int) -> Reply {
            var reply = self
            reply.stall = bytes
            return reply
        }

        package func saying(_ length: Int) -> Reply {
            var reply = self
            reply.saidLength = length
            return reply
        }
    }

    private let listener: Int32
    private let port: UInt16
    private let answer: @Sendable (Request, Int) -> Reply
    private let asked = Mutex<[Request]>([])

    /// - Parameter answer: of a request, and how many there were for its path with its method before.
    package init(_ answer: @escaping @Sendable (Request, Int) -> Reply) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        (address.sin_family, address.sin_addr.s_addr) = (sa_family_t(AF_INET), UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw TestSupportError("no port is free") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let self else { return }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread { self.serve(connection) }
            }
        }
    }

    package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// With no slash at its end.
    package var address: String { "http://127.0.0.1:\(port)" }

    package var requests: [Request] { asked.withLock { $0 } }

    private func serve(_ connection: Int32) {
        // A child that was started just now may hold it, too.
        defer {
            shutdown(connection, Int32(SHUT_RDWR))
            close(connection)
        }
        guard let request = Self.read(connection) else { return }
        let before = asked.withLock { asked in
            defer { asked.append(request) }
            return asked.filter { $0.path == request.path && $0.method == request.method }.count
        }
        let reply = answer(request, before)
        var head = "HTTP/1.1 \(reply.status) Words\r\nConnection: close\r\n"
        head += "Content-Length: \(reply.saidLength ?? reply.body.count)\r\n"
        for (name, value) in reply.fields { head += "\(name): \(value)\r\n" }
        guard Self.send(Array((head + "\r\n").utf8), connection), request.method != "HEAD" else { return }
        let end = reply.cut ?? reply.stall ?? reply.body.count
        guard Self.send(Array(reply.body.prefix(end)), connection), reply.stall != nil else { return }
        // Until the other side has had enough.
        var byte: UInt8 = 0
        while recv(connection, &byte, 1, 0) > 0 {}
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.firstRange(of: Array("\r\n\r\n".utf8)) == nil, bytes.count < 65_536 {
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            bytes += piece[..<count]
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        guard words.count == 3 else { return nil }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return Request(method: words[0], path: words[1], fields: fields)
    }

    private static func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Whether the program that fetches is here.
    package static let hasCurl = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"].contains {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Serves a folder's files, each with a tag of its own.
    package static func serving(_ folder: String) throws -> FileServer {
        try FileServer { request, _ in
            guard let bytes = FileManager.default.contents(atPath: folder + request.path) else { return Reply(404) }
            return .file(Array(bytes), tag: "\(request.path.utf8.count)-\(bytes.count)", to: request)
        }
    }
}
