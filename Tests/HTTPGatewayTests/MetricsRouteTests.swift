import ClusterProtocol
import HTTPGateway
import Testing

/// `/metrics`, as Prometheus asks for it.
@Suite("Metrics over HTTP")
struct MetricsRouteTests {
    @Test func `metrics are text for Prometheus`() async throws {
        let world = try GatewayWorld { kind, reply in
            guard case .metrics = kind else { return reply.error = "not in this test" }
            var family = WireMetricFamily()
            (family.name, family.kind, family.unit, family.help) = ("songs_total", .counter, "songs", "Songs.")
            var sample = WireMetricSample()
            sample.count = 7
            family.samples = [sample]
            reply.metrics.families = [family]
        }
        let answer = await world.ask("GET", "/metrics")
        #expect(answer.status == .ok && answer.fields["Content-Type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        guard case .bytes(let bytes) = answer.body else {
            Issue.record("it is a stream")
            return
        }
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                # HELP songs_total Songs.
                # TYPE songs_total counter
                # UNIT songs_total songs
                songs_total 7

                """)
    }
}
