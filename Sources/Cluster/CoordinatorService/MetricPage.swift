import ClusterProtocol
import MetricSnapshots

/// A part of a snapshot, as much as a message has room for.
struct MetricPage {
    private(set) var snapshot = MetricSnapshot()
    /// The metric after which it goes on; nil at the end.
    private(set) var next: String?

    /// What a message has for metrics.
    private static let room = 50_000

    /// - Parameter name: of the last metric that was told; empty for none.
    init(of whole: MetricSnapshot, after name: String) {
        let place = whole.families.firstIndex { $0.name == name }.map { $0 + 1 }
        guard let first = name.isEmpty ? 0 : place else { return }
        var room = Self.room
        for family in whole.families[first...] {
            room -= WireMetricFamily(family).byteCount + 4
            if room < 0, let last = snapshot.families.last {
                next = last.name
                return
            }
            snapshot.families.append(family)
        }
    }
}

extension WireMetrics {
    init(_ page: MetricPage) {
        self.init()
        families = page.snapshot.families.map(WireMetricFamily.init)
        next = page.next ?? ""
    }
}

extension WireMetricFamily {
    fileprivate init(_ family: MetricSnapshot.Family) {
        self.init()
        (name, unit, help) = (family.name, family.unit, family.help)
        kind =
            switch family.kind {
            case .counter: .counter
            case .gauge: .gauge
            case .histogram: .histogram
            }
        samples = family.samples.map(WireMetricSample.init)
    }
}

extension WireMetricSample {
    fileprivate init(_ sample: MetricSnapshot.Sample) {
        self.init()
        labels = sample.labels.map { label in
            var wire = WireMetricLabel()
            (wire.name, wire.value) = (label.name, label.value)
            return wire
        }
        switch sample.value {
        case .count(let count): self.count = count
        case .number(let number): self.number = number
        case .histogram(let own):
            (histogram.bounds, histogram.counts, histogram.sum) = (own.bounds, own.counts, own.sum)
        }
    }
}
