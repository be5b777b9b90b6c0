/// Faults that are there from the start: which worker has them, and how they are known to have had an effect.
enum StandingFaults {
    static let (liar, straggler) = (0, 0)

    /// Before the workers are started.
    static func plant(_ settings: ChaosSettings, in cluster: ChaosCluster) throws {
        let kinds = settings.kinds
        if kinds.contains(.lie) { cluster.faults[liar] = "lie" }
        if kinds.contains(.crashWindow) {
            for worker in 0..<settings.workers {
                cluster.faults[worker] = "SIGSEGV song=\(SongSeries.name(1)) sample=0 level=0 window=0"
            }
        }
        if kinds.contains(.crashingMachine) { cluster.faults[settings.workers] = "SIGSEGV" }
    }

    /// Whose fault it is, for the report.
    static func victim(of kind: FaultKind, _ settings: ChaosSettings) -> String {
        switch kind {
        case .lie: "worker \(ChaosSettings.name(liar))"
        case .straggler: "worker \(ChaosSettings.name(straggler))"
        case .crashingMachine: "worker \(ChaosSettings.name(settings.workers))"
        default: "all workers"
        }
    }
}
