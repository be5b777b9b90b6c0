/// Who answers requests; the server knows nothing else.
package protocol HTTPAnswering: Sendable {
    /// What goes wrong is an answer, too.
    func answer(_ request: HTTPRequest) async -> HTTPResponse
}

extension Gateway: HTTPAnswering {}
