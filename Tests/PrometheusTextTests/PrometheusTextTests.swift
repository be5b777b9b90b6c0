import MetricSnapshots
import Testing

@testable import PrometheusText

struct PrometheusTextTests {
    private typealias Family = MetricSnapshot.Family
    private typealias Sample = MetricSnapshot.Sample

    @Test func `each metric has help, type, unit, and its series`() {
        var histogram = HistogramValue(bounds: [0.5, 1, 10])
        for value in [0.25, 0.5, 0.75, 8, 100] { histogram.record(value) }
        let snapshot = MetricSnapshot(families: [
            Family(
                name: "a_tokens_total", kind: .counter, unit: "tokens", help: "Tokens that were journaled.",
                samples: [
                    Sample([.init("level", "0")], .count(.max)), Sample([.init("level", "10")], .count(0)),
                ]),
            Family(
                name: "a_seconds", kind: .histogram, unit: "seconds", help: "How long.",
                samples: [Sample([], .histogram(histogram))]),
            Family(
                name: "a_ratio", kind: .gauge, unit: "ratio", help: "A share.",
                samples: [Sample([], .number(0.125))]),
        ])
        #expect(
            PrometheusText.write(snapshot) == """
                # HELP a_tokens_total Tokens that were journaled.
                # TYPE a_tokens_total counter
                # UNIT a_tokens_total tokens
                a_tokens_total{level="0"} 18446744073709551615
                a_tokens_total{level="10"} 0
                # HELP a_seconds How long.
                # TYPE a_seconds histogram
                # UNIT a_seconds seconds
                a_seconds_bucket{le="0.5"} 2
                a_seconds_bucket{le="1"} 3
                a_seconds_bucket{le="10"} 4
                a_seconds_bucket{le="+Inf"} 5
                a_seconds_sum 109.5
                a_seconds_count 5
                # HELP a_ratio A share.
                # TYPE a_ratio gauge
                # UNIT a_ratio ratio
                a_ratio 0.125

                """)
    }

    @Test func `a series of a histogram keeps its labels before its range`() {
        var histogram = HistogramValue(bounds: [1])
        histogram.record(1)
        let family = Family(
            name: "s", kind: .histogram, unit: "", help: "h",
            samples: [Sample([.init("level", "2")], .histogram(histogram))])
        #expect(
            PrometheusText.write(MetricSnapshot(families: [family])) == """
                # HELP s h
                # TYPE s histogram
                s_bucket{level="2",le="1"} 1
                s_bucket{level="2",le="+Inf"} 1
                s_sum{level="2"} 1
                s_count{level="2"} 1

                """)
    }

    @Test func `nothing in a text or value breaks a line`() {
        let family = Family(
            name: "x", kind: .gauge, unit: "two words", help: "a \\ and\na line",
            samples: [
                Sample([.init("l", "q\"\\\n}"), .init("no name", "gone")], .number(.infinity)),
                Sample([], .number(-.infinity)), Sample([], .number(.nan)), Sample([], .number(1e300)),
                Sample([], .number(-3)),
            ])
        #expect(
            PrometheusText.write(MetricSnapshot(families: [family])) == """
                # HELP x a \\\\ and\\na line
                # TYPE x gauge
                x{l="q\\"\\\\\\n}"} +Inf
                x -Inf
                x NaN
                x 1e+300
                x -3

                """)
    }

    @Test(arguments: ["", "1x", "a b", "a\nb 7", "ü", "a{b}"])
    func `a metric whose name is none is left away`(name: String) {
        let bad = Family(name: name, kind: .gauge, unit: "", help: "", samples: [Sample([], .count(1))])
        let good = Family(name: "good", kind: .gauge, unit: "", help: "g", samples: [Sample([], .count(1))])
        #expect(
            PrometheusText.write(MetricSnapshot(families: [bad, good]))
                == "# HELP good g\n# TYPE good gauge\ngood 1\n")
    }
}
