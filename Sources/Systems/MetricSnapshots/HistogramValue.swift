/// How many values lay in which range, and their sum.
package struct HistogramValue: Sendable, Hashable {
    /// Upper bounds, which rise; a value that equals one is below it.
    package let bounds: [Double]
    /// By range, not added up: one more than there are bounds.
    package private(set) var counts: [UInt64]
    package private(set) var sum: Double

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
        sum = 0
    }

    /// - Returns: nil when there are not as many counts as ranges.
    package init?(bounds: [Double], counts: [UInt64], sum: Double) {
        guard counts.count == bounds.count + 1 else { return nil }
        (self.bounds, self.counts, self.sum) = (bounds, counts, sum)
    }

    /// Of all values.
    package var count: UInt64 { counts.reduce(0) { $0.addingReportingOverflow($1).partialValue } }

    /// One that is no number is none.
    package mutating func record(_ value: Double) {
        guard value.isFinite else { return }
        // Few, so one after another is as quick as anything.
        var place = 0
        while place < bounds.count, value > bounds[place] { place += 1 }
        counts[place] &+= 1
        sum += value
    }

    /// Adds what another one with the same ranges has.
    package mutating func add(_ other: HistogramValue) {
        guard other.bounds == bounds else { return }
        for place in counts.indices {
            let (sum, overflow) = counts[place].addingReportingOverflow(other.counts[place])
            counts[place] = overflow ? .max : sum
        }
        sum += other.sum
    }

    /// What came since an earlier one of the same process; nil where it is none.
    package func since(_ earlier: HistogramValue) -> HistogramValue? {
        guard earlier.bounds == bounds, zip(counts, earlier.counts).allSatisfy(>=), sum >= earlier.sum else {
            return nil
        }
        return HistogramValue(bounds: bounds, counts: zip(counts, earlier.counts).map(-), sum: sum - earlier.sum)
    }
}
