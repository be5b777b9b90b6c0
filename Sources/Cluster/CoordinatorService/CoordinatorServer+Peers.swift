import ClusterProtocol
import CoordinatorCore
import Foundation

/// Who came, went, or was refused.
extension CoordinatorServer {
    /// - Parameter refusals: of the transport, since the last turn.
    func notePeers(_ refusals: [ConnectionRefusal], _ transport: any Transport) throws {
        for refusal in refusals {
            if let connection = refusal.connection {
                var message = WireRefused()
                message.reason = "\(refusal.reason): the coordinator's operator has taken it off the list"
                _ = try transport.send(WireFromCoordinator(kind: .refused(message)).payload(), to: connection)
            }
            note(RefusalTable.Entry(refusal), advice: refusal.reason == .keyNotAllowed ? allowAdvice(refusal.key) : "")
        }
        let untold = self.refusals.tick(at: seconds)
        if untold > 0 {
            options.log("refused \(untold) more in the last minute; orchestrion status shows the newest")
        }
        guard workerLog.isDue(at: seconds) else { return }
        let present = core.workerStatuses.filter(\.isConnected).map {
            WorkerLog.Present(
                id: $0.worker, name: $0.name, levels: $0.levels, slots: $0.slots, isBusy: $0.busy > 0)
        }
        for line in workerLog.look(present, lease: options.settings.lease, at: seconds) {
            options.log(line)
        }
    }

    func note(_ refusal: RefusalTable.Entry, advice: String = "") {
        if refusals.add(refusal, at: seconds) { options.log(refusal.line + advice) }
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

    /// The newest, few enough for a reply.
    var wireRefusals: [WireRefusal] { refusals.entries.prefix(8).map { $0.wire(at: seconds) } }

    /// What people call a worker, and of one that this process has not met a piece of its id.
    func workerName(_ id: WorkerID) -> String { workerLog.name(of: id) ?? String(id.prefix(8)) }

    /// A journaled reason, with the name of a worker in place of the piece of its id that stands there.
    func withWorkerName(_ reason: String) -> String {
        guard WorkerLoss.explains(reason), let colon = reason.range(of: ": ", options: .backwards) else {
            return reason
        }
        let piece = reason[colon.upperBound...]
        let names = Set(workersSeen.filter { $0.key.hasPrefix(piece) }.map(\.value.name))
        guard names.count == 1, let name = names.first else { return reason }
        return "\(reason[..<colon.upperBound])\(name) (\(piece))"
    }
}
