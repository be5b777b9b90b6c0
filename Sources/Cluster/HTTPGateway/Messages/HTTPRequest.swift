/// What a client of the HTTP API asks. It knows nothing of connections: a test makes one as the server does.
package struct HTTPRequest: Sendable {
    /// In capitals, as it was sent.
    package var method: String
    /// Path and query, as they were sent.
    package var target: String
    package var fields: HTTPFields
    package var body: HTTPBody

    package init(method: String, target: String, fields: HTTPFields = [:], body: HTTPBody = HTTPBody()) {
        (self.method, self.target, self.fields, self.body) = (method, target, fields, body)
    }
}

/// The body of a request, piece by piece as it arrives. Whoever reads no further makes the client wait.
package struct HTTPBody: Sendable {
    /// Bytes that the client announced; nil when it did not.
    package var length: Int?
    /// The next piece; nil after the last.
    package var next: @Sendable () async throws -> [UInt8]?

    /// No body.
    package init() { self.init(length: 0) { nil } }

    package init(length: Int?, next: @escaping @Sendable () async throws -> [UInt8]?) {
        (self.length, self.next) = (length, next)
    }

    /// All of it.
    ///
    /// - Throws: `Problem` when it is longer than the limit, in bytes.
    package func all(limit: Int) async throws -> [UInt8] {
        guard length ?? 0 <= limit else { throw Self.tooLarge(limit) }
        var bytes: [UInt8] = []
        while let piece = try await next() {
            guard bytes.count + piece.count <= limit else { throw Self.tooLarge(limit) }
            bytes += piece
        }
        return bytes
    }

    static func tooLarge(_ limit: Int) -> Problem {
        let size =
            limit >= 1 << 30 ? "\(limit >> 30) GiB" : limit >= 1 << 20 ? "\(limit >> 20) MiB" : "\(limit >> 10) KiB"
        return Problem(.contentTooLarge, "the body is too large; at most \(size) can be sent here")
    }
}
