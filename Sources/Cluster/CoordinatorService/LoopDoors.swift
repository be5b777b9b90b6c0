import ClusterProtocol
import CoordinatorCore
import ProgramLog

/// What peers may do, and what it costs them to do what they may not.
extension CoordinatorLoop {
    /// Whether a peer's key is for what it sent; otherwise it is told so.
    func isAllowed(
        _ message: Incoming, _ sender: ReceivedMessage, _ replies: inout [AddressedReply], _ effects: inout [Effect]
    ) -> Bool {
        guard let role = message.role, !sender.roles.contains(role) else { return true }
        let reason =
            "its key is allowed as \(sender.roles.text) and not as \(role.text): orchestrion keys remove and keys allow "
            + "--role at the coordinator's machine change that"
        switch message {
        case .request(_, let number), .foreignRequest(let number, _):
            replies.append(
                AddressedReply(connection: sender.connection, number: number, reply: .refused(reason)))
        case .event(.workerHello(let peer, let worker)):
            refusedAtDoor.insert(peer)
            effects.append(.send(peer, .refused(reason: reason)))
            note(
                RefusalTable.Entry(
                    key: sender.peerKey ?? "", address: sender.address, name: worker.name, reason: reason))
            return false
        case .event, .heartbeat, .foreignWorker, .damaged, .notOfThisProtocol: break
        }
        note(RefusalTable.Entry(key: sender.peerKey ?? "", address: sender.address, reason: reason))
        return false
    }

    /// A connection sent what is of no use to anybody.
    func strike(_ connection: ConnectionID) {
        if conduct.isTooMuch(of: connection, at: clock.seconds) { unwanted.append(connection) }
    }

    /// Writes a line that others may bring about any number of times.
    func tell(
        _ kind: LogKind, _ text: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = LogFields()
    ) {
        if logBudget.mayTell(kind) { options.log(text(), kind.level, fields()) }
    }
}
