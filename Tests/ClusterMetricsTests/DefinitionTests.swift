import ClusterMetrics
import Foundation
import MetricSnapshots
import Testing

/// What Prometheus, its users and the page about metrics expect of our names.
struct DefinitionTests {
    @Test func `each name has a help, a unit and a kind that its end tells`() {
        for metric in CoordinatorMetric.all {
            #expect(metric.name.wholeMatch(of: /orchestrion(_[a-z]+)+/) != nil, "\(metric.name)")
            #expect(metric.help.hasSuffix(".") && metric.help.count > 10 && !metric.unit.isEmpty, "\(metric.name)")
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(metric.name.hasSuffix("_info") == (metric.unit == "info"), "\(metric.name)")
            for unit in ["seconds", "bytes", "rows"] {
                #expect(
                    (metric.unit == unit) == metric.name.split(separator: "_").contains(unit[...]), "\(metric.name)")
            }
            // As many series as there are songs or workers would be too many.
            let labels = ["level", "reason", "kind", "state", "ending", "version"]
            #expect(metric.label.map(labels.contains) ?? true, "\(metric.name)")
            #expect((metric.kind == .histogram) == !metric.bounds.isEmpty, "\(metric.name)")
        }
        #expect(Set(CoordinatorMetric.all.map(\.name)).count == CoordinatorMetric.all.count)
        #expect(CoordinatorMetric.totals.allSatisfy { $0.kind == .counter })
    }

    @Test func `the page about metrics has each of them, as it is, and no other`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("Docs/Guide/Metrics.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `orchestrion_") }.map(String.init)
        let expected = CoordinatorMetric.all.map { metric in
            "| `\(metric.name)` | \(metric.kind.rawValue) | \(metric.unit) | \(metric.label.map { "`\($0)`" } ?? "–") | "
                + "\(metric.help) |"
        }
        for row in Set(expected).subtracting(rows) { Issue.record("Docs/Guide/Metrics.md lacks the row\n\(row)") }
        for row in Set(rows).subtracting(expected) {
            Issue.record("Docs/Guide/Metrics.md has a row that the program has not:\n\(row)")
        }
        #expect(rows.count == expected.count)
    }

    @Test func `figures of many workers are added, and too large ones stay at the largest`() throws {
        var level = WorkerFigures.Level()
        level.tokens = .max
        level.step = try #require(
            HistogramValue(
                bounds: WorkerMetric.step.bounds, counts: level.step.counts.map { _ in .max }, sum: 5))
        var sum = level
        sum.add(level)
        #expect(sum.tokens == .max && sum.step.counts == level.step.counts && sum.step.sum == 10)
        #expect(level.since(sum) == nil)
        let news = try #require(sum.since(level))
        #expect(news.tokens == 0 && news.step.count == 0 && news.step.sum == 5)
    }
}
