package import MetricSnapshots

/// Metrics as text for Prometheus: its format 0.0.4.
package enum PrometheusText {
    /// Of an HTTP answer with this text.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Each metric with its help, type and unit, then its series.
    ///
    /// The format of this version has no line for units: `# UNIT` is a comment, which readers skip.
    package static func write(_ snapshot: MetricSnapshot) -> String {
        var text = ""
        for family in snapshot.families where isName(family.name) { write(family, to: &text) }
        return text
    }

    private static func write(_ family: MetricSnapshot.Family, to text: inout String) {
        let name = family.name
        text += "# HELP \(name) \(escaped(family.help, quotes: false))\n"
        text += "# TYPE \(name) \(family.kind.rawValue)\n"
        if isName(family.unit) { text += "# UNIT \(name) \(family.unit)\n" }
        for sample in family.samples {
            switch sample.value {
            case .count(let count): text += "\(name)\(labels(sample)) \(count)\n"
            case .number(let number): text += "\(name)\(labels(sample)) \(self.number(number))\n"
            case .histogram(let histogram): write(histogram, name, sample, to: &text)
            }
        }
    }

    /// Each range counts all values below its bound.
    private static func write(
        _ histogram: HistogramValue, _ name: String, _ sample: MetricSnapshot.Sample, to text: inout String
    ) {
        var count: UInt64 = 0
        for (bound, own) in zip(histogram.bounds + [.infinity], histogram.counts) {
            count = count.addingReportingOverflow(own).partialValue
            text += "\(name)_bucket\(labels(sample, ("le", number(bound)))) \(count)\n"
        }
        text += "\(name)_sum\(labels(sample)) \(number(histogram.sum))\n"
        text += "\(name)_count\(labels(sample)) \(count)\n"
    }

    private static func labels(_ sample: MetricSnapshot.Sample, _ last: (String, String)? = nil) -> String {
        var pairs = sample.labels.filter { isName($0.name) }.map { ($0.name, $0.value) }
        if let last { pairs.append(last) }
        guard !pairs.isEmpty else { return "" }
        return "{" + pairs.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers without ".0", as others write them.
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Letters, digits and underscores: what is none would break the text for everything else in it.
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
    }
}
