import ClusterProtocol
package import MetricSnapshots

extension ClusterClient {
    /// What the coordinator counted and measured, and its workers. It names no song and no worker, so every client may ask.
    ///
    /// - Throws: `ClientError` with the coordinator's reason, or when it stays silent.
    package func metrics(patience: Duration = .seconds(15)) throws -> MetricSnapshot {
        var snapshot = MetricSnapshot()
        var query = WireMetricsQuery()
        for _ in 0..<Self.mostMetricPages {
            let page = try ask(.metrics(query), patience: patience).metrics
            let known = Set(snapshot.families.map(\.name))
            snapshot.families += page.families.compactMap(MetricSnapshot.Family.init).filter {
                !known.contains($0.name)
            }
            guard !page.next.isEmpty, page.next != query.after else { break }
            query.after = page.next
        }
        return snapshot
    }

    private static let mostMetricPages = 100
}

extension MetricSnapshot.Family {
    /// - Returns: nil for a kind that only a later release knows.
    fileprivate init?(_ wire: WireMetricFamily) {
        let kind: MetricDefinition.Kind
        switch wire.kind {
        case .counter: kind = .counter
        case .gauge: kind = .gauge
        case .histogram: kind = .histogram
        case .unspecified, .UNRECOGNIZED: return nil
        }
        self.init(
            name: PeerText.shown(wire.name), kind: kind, unit: PeerText.shown(wire.unit),
            help: PeerText.lines(wire.help, limit: 1000), samples: wire.samples.compactMap { .init($0, kind) })
    }
}

extension MetricSnapshot.Sample {
    /// - Returns: nil for what is no value of the kind.
    fileprivate init?(_ wire: WireMetricSample, _ kind: MetricDefinition.Kind) {
        let labels = wire.labels.map { MetricSnapshot.Label(PeerText.shown($0.name), PeerText.shown($0.value)) }
        switch (wire.value, kind) {
        case (.count(let count), .counter), (.count(let count), .gauge): self.init(labels, .count(count))
        case (.number(let number), .counter), (.number(let number), .gauge): self.init(labels, .number(number))
        case (.histogram(let histogram), .histogram):
            guard
                let value = HistogramValue(
                    bounds: histogram.bounds, counts: histogram.counts, sum: histogram.sum)
            else { return nil }
            self.init(labels, .histogram(value))
        case (_, _): return nil
        }
    }
}
