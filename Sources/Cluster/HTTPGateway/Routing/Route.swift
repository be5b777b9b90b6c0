/// One operation of the API.
package struct Route: Sendable {
    /// As in the API's description, such as `/api/v1/songs/{song}`.
    package let template: String
    package let method: String
    /// Names that its query may have.
    package let query: [String]
    /// What the client's token must allow.
    let role: TokenRole
    let answer: @Sendable (RouteRequest) async throws -> HTTPResponse
    private let segments: [Substring]

    init(
        _ method: String, _ template: String, role: TokenRole, query: [String] = [],
        answer: @escaping @Sendable (RouteRequest) async throws -> HTTPResponse
    ) {
        (self.method, self.template, self.role, self.query, self.answer) = (method, template, role, query, answer)
        segments = template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The values in a path of this route, by the template's names; nil for another route's path.
    func parameters(of path: [String]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, value) in zip(segments, path) {
            if segment.hasPrefix("{") {
                guard !value.isEmpty else { return nil }
                values[String(segment.dropFirst().dropLast())] = value
            } else if segment != value {
                return nil
            }
        }
        return values
    }
}

/// A request as a route sees it.
struct RouteRequest: Sendable {
    var request: HTTPRequest
    /// Of the path, by the template's names.
    var path: [String: String]
    var query: Query
    /// Who asks.
    var caller: Caller

    /// A value of the path that the route's template names.
    func parameter(_ name: String) -> String { path[name] ?? "" }
}
