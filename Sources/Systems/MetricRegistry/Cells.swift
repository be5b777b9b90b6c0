import CoreMetrics
import MetricSnapshots
import Synchronization

/// Counts up.
final class CounterCell: CounterHandler {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) {
        if amount > 0 { count.wrappingAdd(UInt64(amount), ordering: .relaxed) }
    }

    func reset() { count.store(0, ordering: .relaxed) }
}

/// The number that was said last.
final class GaugeCell: RecorderHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
}

/// Sorts values into ranges.
final class HistogramCell: RecorderHandler, TimerHandler {
    private let histogram: Mutex<HistogramValue>

    init(bounds: [Double]) { histogram = Mutex(HistogramValue(bounds: bounds)) }

    var value: HistogramValue { histogram.withLock { $0 } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) { histogram.withLock { $0.record(value) } }

    /// Timers record seconds, the base unit.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
