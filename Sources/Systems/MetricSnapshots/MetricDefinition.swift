/// What a metric is: all that a reader must know of it, in one place.
package struct MetricDefinition: Sendable, Hashable {
    /// As Prometheus calls them.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Only grows, but begins anew.
        case counter
        case gauge
        /// How many values lie in which range, and their sum.
        case histogram
    }

    /// With the unit in it; a counter ends in `_total`.
    package let name: String
    package let kind: Kind
    /// What is counted or measured: seconds, bytes, or a word for the things.
    package let unit: String
    /// The label that tells the series of the metric apart; nil where there is one series alone.
    package let label: String?
    /// For people, one sentence.
    package let help: String
    /// Of a histogram, the upper bounds of its ranges; one more range has no bound.
    package let bounds: [Double]

    package init(
        _ name: String, _ kind: Kind, unit: String, label: String? = nil, bounds: [Double] = [], _ help: String
    ) {
        precondition(kind != .histogram || !bounds.isEmpty && bounds == Set(bounds).sorted(), "ranges that rise")
        (self.name, self.kind, self.unit, self.label) = (name, kind, unit, label)
        (self.help, self.bounds) = (help, bounds)
    }
}
