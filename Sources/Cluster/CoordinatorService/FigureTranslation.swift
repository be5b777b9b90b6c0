import ClusterMetrics
import ClusterProtocol
import MetricSnapshots

// What workers tell of themselves comes from anyone: every number is brought into a range that sums can go on with, and
// what does not fit is left away.

extension WorkerFigures {
    private static let mostLevels = 16
    private static let mostMemory: UInt64 = 1 << 50

    init(_ wire: WireWorkerFigures) {
        self.init(run: wire.run, seconds: wire.seconds.peerAmount, memory: min(wire.memoryBytes, Self.mostMemory))
        device = PeerText.shown(wire.device, limit: 100)
        residentLevels = wire.residentLevels.prefix(Self.mostLevels).filter { $0 < Self.mostLevels }.map(Int.init)
        for level in wire.levels.prefix(Self.mostLevels) where level.level < Self.mostLevels {
            levels[Int(level.level)] = Level(level)
        }
    }
}

extension WorkerFigures.Level {
    fileprivate init(_ wire: WireLevelFigures) {
        self.init()
        if let counts = HistogramValue(wire.step, bounds: step.bounds) { step = counts }
        if let counts = HistogramValue(wire.prefill, bounds: prefill.bounds) { prefill = counts }
        if let counts = HistogramValue(wire.rows, bounds: rows.bounds) { rows = counts }
        tokens = wire.tokens.peerCount
    }
}

extension HistogramValue {
    /// - Returns: nil where the ranges are others, which a later release may have.
    fileprivate init?(_ wire: WireRangeCounts, bounds: [Double]) {
        self.init(bounds: bounds, counts: wire.counts.map(\.peerCount), sum: wire.sum.peerAmount)
    }
}

extension UInt64 {
    /// A count as a peer says it, such that many of them can be added.
    fileprivate var peerCount: UInt64 { Swift.min(self, 1 << 50) }
}
