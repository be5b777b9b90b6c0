import ClusterClient
import Foundation
import PrometheusText

/// Whether the gateway lives, whether it can be used, and what it can do.
struct HealthRoutes {
    let cluster: ClusterAccess

    static let description = "/api/v1/openapi.json"
    /// Paths that anybody may ask for, under whatever name.
    static let probes = [["livez"], ["readyz"]]

    var routes: [Route] {
        [
            Route("GET", "/livez", role: .viewer) { _ in
                HTTPResponse(json: JSON.bytes(HealthDocument(status: "ok", troubles: [])))
            },
            Route("GET", "/readyz", role: .viewer, answer: ready),
            Route("GET", "/metrics", role: .viewer, answer: metrics),
            Route("GET", Self.description, role: .viewer) { _ in HTTPResponse(json: PackageResources.openapi_json) },
        ]
    }

    struct HealthDocument: Encodable {
        var status: String
        /// What holds the coordinator up.
        var troubles: [String]
    }

    /// What the coordinator and its workers counted and measured; the gateway has no figures of its own.
    @Sendable private func metrics(_ request: RouteRequest) async throws -> HTTPResponse {
        let snapshot = try await cluster.ask { try $0.metrics() }
        return HTTPResponse(
            .ok, fields: ["Content-Type": PrometheusText.contentType],
            body: .bytes(Array(PrometheusText.write(snapshot).utf8)))
    }

    /// Ready is who can reach a coordinator. Its troubles, such as a full disk, are told and pass by themselves.
    @Sendable private func ready(_ request: RouteRequest) async throws -> HTTPResponse {
        let troubles = try await cluster.ask { try $0.troubles() }
        return HTTPResponse(
            json: JSON.bytes(HealthDocument(status: "ok", troubles: troubles)))
    }
}
