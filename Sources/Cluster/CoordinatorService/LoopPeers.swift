import ClusterMetrics
import ClusterProtocol
import CoordinatorCore
import Foundation
import ProgramLog

/// Who came, went, or was refused.
extension CoordinatorLoop {
    /// - Parameter refusals: of the transport, since the last turn.
    func notePeers(_ refusals: [ConnectionRefusal], _ transport: any Transport) throws {
        for refusal in refusals {
            if let connection = refusal.connection {
                let reason = "\(refusal.reason): the coordinator's operator has taken it off the list"
                _ = try transport.send(Outgoing.refused(reason: reason).payload(), to: connection)
            }
            note(RefusalTable.Entry(refusal), advice: refusal.reason == .keyNotAllowed ? allowAdvice(refusal.key) : "")
        }
        for connection in unwanted { transport.hangUp(on: connection) }
        unwanted = []
        connections = transport.connections
        for line in logBudget.tick(at: clock.seconds) { options.log(line) }
        let untold = self.refusals.tick(at: clock.seconds)
        if untold > 0 {
            options.log("refused \(untold) more in the last minute; orchestrion status shows the newest", .warning)
        }
        for line in machineLog.look(core.setAsides, now: clock.now) { options.log(line, .warning) }
        guard workerLog.isDue(at: clock.seconds) else { return }
        let present = core.workerStatuses.filter(\.isConnected).map {
            WorkerLog.Present(
                id: $0.worker, name: $0.name, levels: $0.levels, slots: $0.slots, isBusy: $0.busy > 0)
        }
        for (line, worker) in workerLog.look(present, lease: options.settings.lease, at: clock.seconds) {
            tell(.worker, line, LogFields(worker: worker))
        }
    }

    /// A supervisor tells of an engine that is dead.
    func note(_ report: DeathReport) {
        workerLog.died(report.worker)
        metrics.count(CoordinatorMetric.enginesDied, report.ending.word)
        let windows = report.windows.prefix(4).map { "\($0.task)" }.joined(separator: ", ")
        let more = report.windows.count > 4 ? " and \(report.windows.count - 4) more" : ""
        let hand = report.windows.isEmpty ? "" : "; in the step that ran: \(windows)\(more)"
        options.log(
            "the engine of worker \(report.name) died: \(report.ending)\(hand)\(report.wasAlone ? ", alone" : "")",
            .warning,
            LogFields(worker: report.name, task: report.wasAlone ? report.windows.first.map { "\($0.task)" } : nil))
    }

    func note(_ refusal: RefusalTable.Entry, advice: String = "") {
        metrics.count(CoordinatorMetric.peersRefused)
        guard refusals.add(refusal, at: clock.seconds) else { return }
        options.log(
            refusal.line + advice, .warning, LogFields(worker: refusal.name.isEmpty ? nil : refusal.name))
    }

    /// The core refuses a worker, whose name the reason begins with.
    func noteRefusedWorker(_ peer: Peer, _ reason: String) {
        let name = workerLog.name(at: peer) ?? ""
        let isNamed = !name.isEmpty && reason.hasPrefix("worker \(name) ")
        note(
            RefusalTable.Entry(name: name, reason: isNamed ? "it" + reason.dropFirst("worker \(name)".count) : reason))
        workerLog.refused(peer)
    }

    /// What allows a key, for a shell: keys have many characters that one would eat, but no quotes.
    private func allowAdvice(_ key: String?) -> String {
        guard let key else { return "" }
        let list = options.allowedKeys.map { "--allow \($0)" } ?? "--state \(folder.path)"
        return "; to allow it: orchestrion keys allow \(list) '\(key)'"
    }

    /// What people call a worker, and of one that this process has not met a piece of its id.
    func name(of worker: WorkerID) -> String { workerLog.name(of: worker) ?? String(worker.prefix(8)) }
}

extension DeathReport.Ending {
    /// Without its number.
    fileprivate var word: String {
        switch self {
        case .signal: "signal"
        case .exit: "exit"
        case .hung: "hung"
        }
    }
}
