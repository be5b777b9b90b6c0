package import CoreMetrics
package import MetricSnapshots
import Synchronization

/// The values behind swift-metrics' counters and recorders: a `MetricsFactory` that keeps them until somebody asks.
///
/// It makes values for metrics that are defined, and nothing for others. What it makes is kept for good: whoever counts
/// holds on to its counter. Any thread; counting allocates nothing.
package final class MetricRegistry: MetricsFactory, Sendable {
    private struct Key: Hashable {
        var name: String
        var labels: [MetricSnapshot.Label]
    }

    private enum Cell: Sendable {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)

        var value: MetricSnapshot.Value {
            switch self {
            case .counter(let cell): .count(cell.value)
            case .gauge(let cell): .number(cell.value)
            case .histogram(let cell): .histogram(cell.value)
            }
        }
    }

    private let definitions: [String: MetricDefinition]
    /// In the order of the snapshot.
    private let names: [String]
    private let cells = Mutex<[Key: Cell]>([:])

    package init(_ definitions: [MetricDefinition]) {
        names = definitions.map(\.name)
        self.definitions = Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })
    }

    /// Everything that was made, in the order of the definitions.
    package func snapshot() -> MetricSnapshot {
        let cells = cells.withLock { $0 }
        let all = Dictionary(grouping: cells, by: \.key.name)
        return MetricSnapshot(
            families: names.compactMap { name in
                guard let definition = definitions[name], let own = all[name] else { return nil }
                let samples = own.map { MetricSnapshot.Sample($0.key.labels, $0.value.value) }
                return MetricSnapshot.Family(definition, samples.sorted { $0.place < $1.place })
            })
    }

    /// - Parameter make: of a definition; nil where the kind does not fit.
    private func cell(
        _ name: String, _ dimensions: [(String, String)], _ make: (MetricDefinition) -> Cell?
    ) -> Cell? {
        guard let definition = definitions[name] else { return nil }
        let key = Key(name: name, labels: dimensions.map { MetricSnapshot.Label($0.0, $0.1) })
        return cells.withLock { cells in
            if let known = cells[key] { return known }
            let made = make(definition)
            cells[key] = made
            return made
        }
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let cell = cell(label, dimensions) { $0.kind == .counter ? .counter(CounterCell()) : nil }
        if case .counter(let counter) = cell { return counter }
        return NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        switch cell(label, dimensions, Self.recorder) {
        case .histogram(let histogram): histogram
        case .gauge(let gauge): gauge
        case .counter, nil: NOOPMetricsHandler.instance
        }
    }

    private static func recorder(_ definition: MetricDefinition) -> Cell? {
        switch definition.kind {
        case .histogram: .histogram(HistogramCell(bounds: definition.bounds))
        case .gauge: .gauge(GaugeCell())
        case .counter: nil
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        if case .histogram(let histogram) = cell(label, dimensions, Self.recorder) { return histogram }
        return NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}

extension MetricRegistry {
    /// The counter of a metric, and of one value of its label where it has one.
    package func counter(_ definition: MetricDefinition, _ label: String? = nil) -> Counter {
        Counter(label: definition.name, dimensions: Self.dimensions(definition, label), factory: self)
    }

    /// The recorder of a histogram, and of one value of its label where it has one.
    package func recorder(_ definition: MetricDefinition, _ label: String? = nil) -> Recorder {
        Recorder(
            label: definition.name, dimensions: Self.dimensions(definition, label), aggregate: true, factory: self)
    }

    private static func dimensions(_ definition: MetricDefinition, _ label: String?) -> [(String, String)] {
        precondition((label == nil) == (definition.label == nil), "\(definition.name) has another label")
        guard let name = definition.label, let label else { return [] }
        return [(name, label)]
    }
}
