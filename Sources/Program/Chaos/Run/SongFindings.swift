import ClusterClient

/// What is seen of faults while songs are sampled, and learned of them afterwards.
extension SongSeries {
    func show(_ song: String, _ progress: SongProgress?) {
        let last = injector.records.last { !$0.fault.kind.isStanding }?.fault
        chaos.view.show(
            .init(
                song: song, share: progress?.share ?? 0, faults: fired,
                lastFault: last.map { "\($0.kind.rawValue) of \($0.victim)" } ?? "", secondsLeft: secondsLeft(progress))
        )
    }

    private func secondsLeft(_ progress: SongProgress?) -> Double? {
        let byTime = settings.seconds.map { max(0, $0 - (now - begin)) }
        let gap = (settings.gap.lowerBound + settings.gap.upperBound) / 2
        let byCount = settings.count.map { Double(max(0, $0 - fired)) * gap }
        let faults = [byTime, byCount].compactMap(\.self).min() ?? 0
        return faults > 0 ? faults : progress.map(\.secondsLeft)
    }

    /// Machines that are set aside, at the first sight of each.
    func noteSetAside() {
        for machine in watcher.status?.setAsides ?? []
        where !chaos.report.setAside.contains(where: { $0.machine == machine.name }) {
            let worker = cluster.workers.indices.first { ChaosSettings.name($0) == machine.name }
            let chunks = worker.map { (cluster.drawn(by: $0) + 127) / 128 } ?? 0
            chaos.report.setAside.append(.init(machine: machine.name, reason: machine.reason, at: now, chunks: chunks))
            chaos.view.log("machine of worker \(machine.name) is set aside: \(machine.reason)")
        }
    }

    /// What a song's timeline says of the faults that happened to it.
    func learn(_ history: LeaseHistory) {
        let meter = watcher.meter
        injector.change { record in
            guard record.fault.recoverySeconds == nil, let healed = record.healed else { return }
            record.fault.recoverySeconds = meter.recovery(from: healed)
            guard !record.victims.isEmpty else { return }
            record.fault.reassignedSeconds = history.reassigned(from: record.victims, at: record.moment)
        }
    }

    private func machine(of kind: FaultKind) -> String {
        String(StandingFaults.victim(of: kind, settings).dropFirst("worker ".count))
    }

    /// Whether each machine with a fault from the start has been found.
    var hasSeenStanding: Bool {
        settings.kinds.intersection([.lie, .crashingMachine]).allSatisfy { kind in
            chaos.report.setAside.contains { $0.machine == machine(of: kind) }
        }
    }

    /// Whether the faults that were there from the start had an effect.
    func judgeStanding() {
        injector.change { record in
            record.fault.seconds = record.fault.kind.isStanding ? now - record.fault.at : record.fault.seconds
            switch record.fault.kind {
            case .straggler:
                if let count = dutyCycle?.count, count > 0 { record.fault.seen = "it was stopped \(count) times" }
            case .lie, .crashingMachine:
                let name = machine(of: record.fault.kind)
                if let found = chaos.report.setAside.first(where: { $0.machine == name }) {
                    record.fault.seen = "set aside: \(found.reason)"
                } else {
                    chaos.report.problems.append(
                        "the machine of worker \(name) (\(record.fault.kind.rawValue)) was not set aside")
                }
            case .crashWindow:
                if record.fault.seen == nil { chaos.report.problems.append("the window that crashes parked no song") }
            default: break
            }
        }
        chaos.report.faults = injector.records.map(\.fault)
    }
}
