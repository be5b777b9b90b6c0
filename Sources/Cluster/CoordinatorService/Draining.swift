import ClusterProtocol
import CoordinatorCore
import ProgramLog
import SongFiles

/// Workers that get no more windows, because somebody says so.
extension CoordinatorLoop {
    /// - Parameter who: a worker's name or id, a host, or a machine.
    /// - Returns: the workers that are meant, by their ids.
    /// - Throws: `SongError` when nobody is.
    func drain(_ who: String, undo: Bool, of asker: Asker) throws -> ClientReply {
        guard asker.isAdmin else { throw SongError("only a key with the role admin may drain workers", .forbidden) }
        let meant = core.workerStatuses.filter { $0.isConnected && $0.isCalled(who) }
        guard !meant.isEmpty else {
            throw SongError(
                "no worker, host or machine that is here is called \(PeerText.shown(who)); orchestrion workers lists them",
                .unknown)
        }
        completions.post(.event(.drain(meant.map(\.worker), !undo)))
        let names = meant.map(\.name).sorted().joined(separator: ", ")
        options.log(
            undo ? "\(names): windows again, as an operator asks" : "\(names): no more windows, as an operator asks")
        return .drained(workers: meant.prefix(Self.mostNamed).map { PeerText.shown($0.worker, limit: 80) })
    }

    /// Ids that one answer names: a message holds no more.
    private static var mostNamed: Int { 500 }
}

extension WorkerStatus {
    /// Whether people mean it by a name: its own, its host's (what comes before the colon), its id or its machine's.
    func isCalled(_ name: String) -> Bool {
        let host = self.name.split(separator: ":").first.map(String.init)
        return !name.isEmpty
            && [self.name, host, PeerText.shown(worker, limit: 80), worker, machine].contains(name)
    }
}
