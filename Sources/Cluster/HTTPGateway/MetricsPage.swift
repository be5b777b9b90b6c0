package import MetricSnapshots
import PrometheusText

/// A process's own figures over HTTP, for Prometheus, and nothing else. They name no song, no worker and no key, so anybody may
/// ask for them.
package struct MetricsPage: HTTPAnswering {
    private let snapshot: @Sendable () -> MetricSnapshot

    package init(_ snapshot: @escaping @Sendable () -> MetricSnapshot) { self.snapshot = snapshot }

    package func answer(_ request: HTTPRequest) async -> HTTPResponse {
        let path = request.target.prefix { $0 != "?" }
        guard ["GET", "HEAD"].contains(request.method) else {
            return Problem(
                .methodNotAllowed, "there is nothing but GET here", fields: ["Allow": "GET, HEAD"]
            ).response
        }
        switch path {
        case "/metrics":
            let text = Array(PrometheusText.write(snapshot()).utf8)
            return HTTPResponse(
                .ok, fields: ["Content-Type": PrometheusText.contentType],
                body: request.method == "HEAD" ? .stream(length: text.count) { _ in } : .bytes(text))
        case "/livez": return HTTPResponse(json: Array("{\"status\":\"ok\",\"troubles\":[]}".utf8))
        default: return Problem(.notFound, "there is nothing but /metrics and /livez here").response
        }
    }
}
