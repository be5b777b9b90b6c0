import ClusterProtocol
import HTTPGateway
import MetricSnapshots
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

@Suite("A process's own figures")
struct MetricsPageTests {
    private static func ask(_ method: String, _ target: String) async -> HTTPResponse {
        let page = MetricsPage {
            var snapshot = MetricSnapshot()
            snapshot.add(MetricDefinition("orchestrion_things", .gauge, unit: "things", "Things."), .init(3))
            return snapshot
        }
        return await page.answer(
            HTTPRequest(method: method, target: target, fields: [:], body: HTTPBody(length: 0) { nil }))
    }

    @Test func `metrics and livez are there, and nothing else`() async throws {
        let metrics = await Self.ask("GET", "/metrics")
        #expect(metrics.status == .ok && metrics.fields["Content-Type"]?.hasPrefix("text/plain") == true)
        #expect(try await metrics.text().contains("orchestrion_things 3\n"))
        #expect(await Self.ask("GET", "/livez").status == .ok)
        #expect(await Self.ask("GET", "/api/v1/songs").status == .notFound)
        #expect(await Self.ask("POST", "/metrics").status == .methodNotAllowed)
        #expect(try await Self.ask("HEAD", "/metrics").bytes().isEmpty)
    }
}
