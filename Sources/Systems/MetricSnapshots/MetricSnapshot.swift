/// What a process counted and measured, as of one moment. It is what travels, and what is written as text.
package struct MetricSnapshot: Sendable, Hashable {
    package struct Label: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    package enum Value: Sendable, Hashable {
        /// Exact.
        case count(UInt64)
        case number(Double)
        case histogram(HistogramValue)
    }

    /// One series.
    package struct Sample: Sendable, Hashable {
        package var labels: [Label]
        package var value: Value

        package init(_ labels: [Label], _ value: Value) { (self.labels, self.value) = (labels, value) }
    }

    /// All series of one metric.
    package struct Family: Sendable, Hashable {
        package var name: String
        package var kind: MetricDefinition.Kind
        package var unit: String
        package var help: String
        package var samples: [Sample]

        package init(
            name: String, kind: MetricDefinition.Kind, unit: String, help: String, samples: [Sample] = []
        ) {
            (self.name, self.kind, self.unit, self.help, self.samples) = (name, kind, unit, help, samples)
        }

        package init(_ definition: MetricDefinition, _ samples: [Sample]) {
            self.init(
                name: definition.name, kind: definition.kind, unit: definition.unit, help: definition.help,
                samples: samples)
        }
    }

    /// Each name once.
    package var families: [Family]

    package init(families: [Family] = []) { self.families = families }

    package subscript(name: String) -> Family? { families.first { $0.name == name } }

    /// One series of a metric without a label.
    package mutating func add(_ definition: MetricDefinition, _ value: Value) {
        families.append(Family(definition, [Sample([], value)]))
    }

    /// By value of the metric's label.
    package mutating func add(_ definition: MetricDefinition, _ values: [String: Value]) {
        guard let label = definition.label else { preconditionFailure("\(definition.name) has no label") }
        families.append(
            Family(
                definition,
                values.map { Sample([Label(label, $0.key)], $0.value) }.sorted { $0.place < $1.place }))
    }
}

extension MetricSnapshot.Value {
    /// A count; none below 0.
    package init(_ count: Int) { self = .count(UInt64(clamping: count)) }
}

extension MetricSnapshot.Sample {
    /// Levels in the order of their numbers, words in that of their letters.
    package var place: (Int, String) {
        let text = labels.map(\.value).joined(separator: " ")
        return (Int(text) ?? 0, text)
    }
}
