import ClusterClient
import Foundation

/// Why a request was not carried out, as `application/problem+json` (RFC 9457): the sentence that the command line says.
package struct Problem: Error, Sendable, Hashable {
    package var status: HTTPStatus
    /// What happened, and what to do.
    package var detail: String
    package var fields: HTTPFields

    package init(_ status: HTTPStatus, _ detail: String, fields: HTTPFields = [:]) {
        (self.status, self.detail, self.fields) = (status, detail, fields)
    }

    /// Seconds after which a client may try again what cannot be taken now.
    static let pause = 5

    /// What a coordinator says, or its silence.
    init(_ error: ClientError) {
        let again: HTTPFields = ["Retry-After": "\(Self.pause)"]
        switch error.kind {
        case .other: self.init(.unprocessableContent, error.description)
        case .notFound: self.init(.notFound, error.description)
        case .conflict: self.init(.conflict, error.description)
        case .busy: self.init(.tooManyRequests, error.description, fields: again)
        case .forbidden: self.init(.forbidden, error.description)
        case .unavailable, .silent: self.init(.serviceUnavailable, error.description, fields: again)
        }
    }

    private struct Document: Encodable {
        var type = "about:blank"
        var title: String
        var status: Int
        var detail: String
    }

    var response: HTTPResponse {
        let document = Document(title: status.phrase, status: status.rawValue, detail: detail)
        var response = HTTPResponse(status, fields: fields, body: .bytes(JSON.bytes(document)))
        response.fields["Content-Type"] = "application/problem+json"
        response.endsConnection = status == .contentTooLarge
        return response
    }
}

/// JSON as the API writes it.
enum JSON {
    /// With snake_case names.
    static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // What is encoded here are strings, finite numbers, and lists and objects of them.
        guard let data = try? encoder.encode(value) else { preconditionFailure("a document of ours is no JSON") }
        return [UInt8](data)
    }
}
