/// Those statuses that the API answers with.
package enum HTTPStatus: Int, Sendable, CaseIterable {
    case ok = 200
    case created = 201
    case accepted = 202
    case noContent = 204
    case partialContent = 206
    case notModified = 304
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case conflict = 409
    case contentTooLarge = 413
    case unsupportedMediaType = 415
    case rangeNotSatisfiable = 416
    case misdirectedRequest = 421
    case unprocessableContent = 422
    case tooManyRequests = 429
    case internalError = 500
    case notImplemented = 501
    case serviceUnavailable = 503

    /// As in the registry of statuses.
    package var phrase: String {
        switch self {
        case .ok: "OK"
        case .created: "Created"
        case .accepted: "Accepted"
        case .noContent: "No Content"
        case .partialContent: "Partial Content"
        case .notModified: "Not Modified"
        case .badRequest: "Bad Request"
        case .unauthorized: "Unauthorized"
        case .forbidden: "Forbidden"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .conflict: "Conflict"
        case .contentTooLarge: "Content Too Large"
        case .unsupportedMediaType: "Unsupported Media Type"
        case .rangeNotSatisfiable: "Range Not Satisfiable"
        case .misdirectedRequest: "Misdirected Request"
        case .unprocessableContent: "Unprocessable Content"
        case .tooManyRequests: "Too Many Requests"
        case .internalError: "Internal Server Error"
        case .notImplemented: "Not Implemented"
        case .serviceUnavailable: "Service Unavailable"
        }
    }
}

/// What a client of the HTTP API is answered.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece; each write waits until the client takes it. A failure ends the connection, so that the
        /// client sees that something is missing.
        ///
        /// - Parameter length: bytes in all; nil when that is not known, and the client sees the end by itself.
        case stream(length: Int?, @Sendable (HTTPWriter) async throws -> Void)
    }

    package var status: HTTPStatus
    package var fields: HTTPFields
    package var body: Body
    /// Whether the body of the request is not wanted any more.
    package var endsConnection = false

    package init(_ status: HTTPStatus, fields: HTTPFields = [:], body: Body = .bytes([])) {
        (self.status, self.fields, self.body) = (status, fields, body)
    }

    package init(_ status: HTTPStatus = .ok, json: [UInt8], fields: HTTPFields = [:]) {
        self.init(status, fields: fields, body: .bytes(json))
        self.fields["Content-Type"] = "application/json"
    }
}

/// Where a response's body goes.
package struct HTTPWriter: Sendable {
    /// Returns when the client's connection has taken the bytes.
    package var write: @Sendable ([UInt8]) async throws -> Void

    package init(_ write: @escaping @Sendable ([UInt8]) async throws -> Void) { self.write = write }
}
