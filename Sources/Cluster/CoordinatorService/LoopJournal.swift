import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import SongFiles
import SystemErrors

/// What the loop does while nothing can be journaled: it answers clients, and tries again. Workers keep what they have.
extension CoordinatorLoop {
    private static let trouble = Troubles.Place.coordinator(part: "the journal")

    /// Journals all records in one transaction, then does the rest in order.
    ///
    /// - Returns: what follows from peers that could not be reached.
    func carryOut(
        _ effects: [Effect], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws -> [Effect] {
        switch try gate.pass(effects, isPatient: work.isPatient, at: clock.seconds, append: append) {
        case .durable(let effects): return try perform(effects, transport, &replies)
        case .held(let error):
            tellOfWaiting()
            for case .submitAccepted(let song) in effects {
                let reason =
                    "song \(song) waits, because nothing can be journaled: \(error.waitingExplanation). It is taken on as soon "
                    + "as that is possible; orchestrion status shows it then"
                if let reply = awaited.refuse(song, reason) { replies.append(reply) }
            }
            return handle(.pause(reason: error.waitingExplanation))
        }
    }

    private func tellOfWaiting() {
        guard let reason = gate.reason, let nextTry = gate.nextTry else { return }
        troubles.set(
            Self.trouble, "assignments are stopped, because nothing can be journaled: \(reason)",
            nextTry: .now + .seconds(nextTry - clock.seconds))
    }

    /// A turn while effects are held. What workers say is left: they say it again.
    func waitForJournal(
        _ messages: [ReceivedMessage], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws {
        for message in messages {
            let isWhole = seals.accepts(message.payload, from: message.connection)
            let incoming = isWhole ? Incoming(message) : .damaged
            switch incoming {
            case .request, .foreignRequest, .damaged: _ = handle(incoming, from: message, &replies)
            case .event, .heartbeat: unheard.insert(message.connection)
            case .foreignWorker, .notOfThisProtocol: break
            }
        }
        guard let held = try gate.retry(at: clock.seconds, append: append) else { return tellOfWaiting() }
        troubles.clear(Self.trouble)
        var effects = try perform(held, transport, &replies)
        // At once, rather than when their patience ends: they say all that was left again.
        for connection in unheard {
            effects += try perform([.send(Peer(connection.bytes), .helloWanted)], transport, &replies)
        }
        unheard = []
        if mayProceed { effects += handle(.proceed) }
        while !effects.isEmpty { effects = try carryOut(effects, transport, &replies) }
    }

    /// - Throws: what a client is told who asked for a change, which waits with all others; it is done when that is possible.
    func sayThatItWaits(_ what: String) throws {
        guard let reason = gate.reason else { return }
        throw SongError("\(what) as soon as something can be journaled again: \(reason)")
    }

    /// Why no song can be taken on just now; nil when one can.
    var reasonToRefuseSongs: String? { gate.reason ?? (isOverQuota ? quotaText : nil) }
}
