import HTTPGateway
import NIOCore
import NIOHTTP1

/// One client's connection: one request after another.
struct HTTPConnection {
    private let channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    private let answerer: any HTTPAnswering

    init(_ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, _ answerer: any HTTPAnswering) {
        (self.channel, self.answerer) = (channel, answerer)
    }

    /// Returns when the connection has ended, whoever ended it.
    func serve() async {
        do {
            try await channel.executeThenClose { parts, _ in
                let reader = BodyReader(parts.makeAsyncIterator())
                while let head = try await reader.nextHead() {
                    guard try await answer(head, reader) else { return }
                }
            }
        } catch {
            // The peer has gone, or sent what is no HTTP: there is nobody to tell.
        }
    }

    /// - Returns: whether another request may follow.
    private func answer(_ head: HTTPRequestHead, _ reader: BodyReader) async throws -> Bool {
        var fields = HTTPFields()
        for (name, value) in head.headers { fields.add(name, value) }
        let length = fields["Content-Length"].flatMap { Int($0) }
        let isChunked = !head.headers["transfer-encoding"].isEmpty
        // Who waits for a word before it sends a body gets it when somebody reads.
        let awaitsWord = fields["Expect"]?.lowercased() == "100-continue"
        let body = HTTPBody(length: isChunked ? nil : length ?? 0) {
            if awaitsWord, !reader.hasBegun {
                try await write(.head(HTTPResponseHead(version: head.version, status: .continue)))
            }
            return try await reader.next()
        }
        let request = HTTPRequest(method: head.method.rawValue, target: head.uri, fields: fields, body: body)
        let response = await answerer.answer(request)
        let goesOn = head.isKeepAlive && !response.endsConnection && !(awaitsWord && !reader.hasBegun)
        try await send(response, to: head, goesOn: goesOn)
        // A body that nobody wanted is read only if it is short.
        guard goesOn else { return false }
        return try await reader.drain()
    }

    private func send(_ response: HTTPResponse, to request: HTTPRequestHead, goesOn: Bool) async throws {
        var headers = HTTPHeaders()
        for line in response.fields.lines { headers.add(name: line.name, value: line.value) }
        if !goesOn { headers.add(name: "Connection", value: "close") }
        let hasBody = response.status != .noContent && response.status != .notModified
        switch response.body {
        case .bytes(let bytes) where hasBody: headers.add(name: "Content-Length", value: "\(bytes.count)")
        case .stream(let length?, _) where hasBody: headers.add(name: "Content-Length", value: "\(length)")
        case .stream(nil, _) where hasBody && request.version == .http1_1:
            headers.add(name: "Transfer-Encoding", value: "chunked")
        case .bytes, .stream: break
        }
        let status = HTTPResponseStatus(statusCode: response.status.rawValue, reasonPhrase: response.status.phrase)
        try await write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        switch response.body {
        case .bytes(let bytes): if !bytes.isEmpty, hasBody { try await write(bytes) }
        case .stream(_, let body):
            guard request.method != .HEAD else { break }
            // In the loop's thread: nothing in a body blocks, and each piece would change threads twice else.
            try await withTaskExecutorPreference(LoopExecutor(channel.channel.eventLoop)) {
                try await body(HTTPWriter { try await write($0) })
            }
        }
        try await write(.end(nil))
    }

    private func write(_ bytes: [UInt8]) async throws { try await write(.body(.byteBuffer(ByteBuffer(bytes: bytes)))) }

    /// Returns when the system has taken it, so that no more than this is ever kept for a client that is slow.
    private func write(_ part: HTTPServerResponsePart) async throws {
        let channel = channel.channel
        try await channel.eventLoop.flatSubmit {
            let written = channel.writeAndFlush(part)
            written.assumeIsolated().whenSuccess {
                _ = try? channel.pipeline.syncOperations.handler(type: ConnectionTimes.self).flushed()
            }
            return written
        }.get()
    }
}

/// The parts of requests as they arrive. The connection's task reads heads, and the answering task, which it waits for, bodies:
/// never both at a time.
private final class BodyReader: @unchecked Sendable {
    private var parts: NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator
    /// Whether the body of the present request has ended.
    private var isAtEnd = true
    /// Whether anything of it was read.
    private(set) var hasBegun = false

    /// Bytes of a body that are read though nobody wants them, so that the connection can be used again.
    private static let mostDrained = 256 << 10

    init(_ parts: NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator) { self.parts = parts }

    /// - Returns: nil at the end of the connection.
    func nextHead() async throws -> HTTPRequestHead? {
        while let part = try await parts.next() {
            switch part {
            case .head(let head):
                (isAtEnd, hasBegun) = (false, false)
                return head
            case .body, .end: continue
            }
        }
        return nil
    }

    func next() async throws -> [UInt8]? {
        guard !isAtEnd else { return nil }
        hasBegun = true
        switch try await parts.next() {
        case .body(let buffer)?: return Array(buffer.readableBytesView)
        case .end?:
            isAtEnd = true
            return nil
        case .head?, nil: throw ChannelError.inputClosed
        }
    }

    /// - Returns: whether the next request can be read.
    func drain() async throws -> Bool {
        var count = 0
        while let piece = try await next() {
            count += piece.count
            guard count <= Self.mostDrained else { return false }
        }
        return true
    }
}
