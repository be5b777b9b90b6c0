import ClusterProtocol
import ClusterTestSupport
import MetricSnapshots
import Testing

@testable import ClusterClient

@Suite("What a client is told of metrics")
struct MetricsTests {
    private static func family(_ name: String, _ kind: WireMetricKind, _ samples: [WireMetricSample])
        -> WireMetricFamily
    {
        var family = WireMetricFamily()
        (family.name, family.kind, family.unit, family.help, family.samples) = (name, kind, "u", "h", samples)
        return family
    }

    private static func sample(_ label: String, _ value: WireMetricSample.OneOf_Value?) -> WireMetricSample {
        var sample = WireMetricSample()
        sample.value = value
        if !label.isEmpty {
            var own = WireMetricLabel()
            (own.name, own.value) = ("level", label)
            sample.labels = [own]
        }
        return sample
    }

    private static func histogram(_ bounds: [Double], _ counts: [UInt64]) -> WireMetricSample {
        var histogram = WireMetricHistogram()
        (histogram.bounds, histogram.counts, histogram.sum) = (bounds, counts, 3)
        return sample("", .histogram(histogram))
    }

    @Test func `pages are put together, each metric once`() throws {
        let coordinator = ScriptedCoordinator { kind, reply in
            guard case .metrics(let query) = kind else { return }
            switch query.after {
            case "":
                reply.metrics.families = [Self.family("a", .counter, [Self.sample("0", .count(1))])]
                reply.metrics.next = "a"
            case "a":
                reply.metrics.families = [
                    Self.family("a", .counter, [Self.sample("0", .count(9))]),
                    Self.family("b", .histogram, [Self.histogram([1], [2, 3])]),
                ]
                reply.metrics.next = "b"
            default: reply.metrics.families = [Self.family("c", .gauge, [Self.sample("", .number(0.5))])]
            }
        }
        defer { coordinator.stop() }
        let snapshot = try coordinator.client().metrics()
        #expect(
            snapshot
                == MetricSnapshot(families: [
                    .init(
                        name: "a", kind: .counter, unit: "u", help: "h",
                        samples: [.init([.init("level", "0")], .count(1))]),
                    .init(
                        name: "b", kind: .histogram, unit: "u", help: "h",
                        samples: [.init([], .histogram(HistogramValue(bounds: [1], counts: [2, 3], sum: 3)!))]),
                    .init(name: "c", kind: .gauge, unit: "u", help: "h", samples: [.init([], .number(0.5))]),
                ]))
    }

    @Test func `an answer without end ends, and what is no value of its kind is left away`() throws {
        let coordinator = ScriptedCoordinator { _, reply in
            reply.metrics.families = [
                Self.family("a\u{1B}", .counter, [Self.sample("x\n", .count(1)), Self.sample("", nil)]),
                Self.family("b", .histogram, [Self.histogram([1], [2]), Self.sample("", .count(1))]),
                Self.family("c", .unspecified, []), Self.family("d", .UNRECOGNIZED(9), []),
                Self.family("e", .gauge, [Self.histogram([1], [2, 3])]),
            ]
            reply.metrics.next = "again"
        }
        defer { coordinator.stop() }
        let families = try coordinator.client().metrics().families
        #expect(families.map(\.name) == ["a", "b", "e"])
        #expect(families.map(\.samples.count) == [1, 0, 0])
        #expect(families[0].samples[0].labels == [.init("level", "x")])
    }
}
