import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import SongFiles

/// Effects that wait, because their records cannot be journaled just now: nothing of them is carried out before.
struct HeldEffects {
    fileprivate(set) var effects: [Effect]
    fileprivate var nextTry: ContinuousClock.Instant
    fileprivate var pauses: Pauses
    fileprivate var error: JournalError
}

/// What the loop does while nothing can be journaled: it answers clients, and tries again. Workers keep what they have.
extension CoordinatorLoop {
    private static let trouble = Troubles.Place.coordinator(part: "the journal")

    /// Journals all records in one transaction, then does the rest in order.
    ///
    /// - Returns: what follows from peers that could not be reached.
    func carryOut(
        _ effects: [Effect], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws -> [Effect] {
        do throws(JournalError) {
            try append(Self.records(effects))
        } catch {
            guard work.isPatient, error.passes else { throw error }
            // The core has gone on from them already; from here on it waits, too.
            hold(HeldEffects(effects: effects, nextTry: .now, pauses: Pauses(), error: error))
            return handle(.pause(reason: error.waitingExplanation))
        }
        return try perform(effects, transport, &replies)
    }

    private static func records(_ effects: [Effect]) -> [Record] {
        effects.compactMap { if case .journal(let record) = $0 { record } else { nil } }
    }

    private func hold(_ effects: HeldEffects) {
        var effects = effects
        if let former = held { effects.effects = former.effects + effects.effects }
        // A disk, or who else uses the file: both may be over soon.
        effects.nextTry = .now + min(effects.pauses.next(after: effects.error), Pauses.longestForDisks)
        troubles.set(
            Self.trouble,
            "assignments are stopped, because nothing can be journaled: "
                + effects.error.waitingExplanation, nextTry: effects.nextTry)
        held = effects
    }

    /// A turn while effects are held. What workers say is left: they say it again.
    func waitForJournal(
        _ messages: [ReceivedMessage], _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws {
        for message in messages {
            guard case .request = Incoming(message) else { continue }
            _ = handle(Incoming(message), from: message, &replies)
        }
        guard var held, held.nextTry <= .now else { return }
        do throws(JournalError) {
            try append(Self.records(held.effects))
        } catch {
            guard error.passes else { throw error }
            held.error = error
            self.held = nil
            return hold(held)
        }
        self.held = nil
        troubles.clear(Self.trouble)
        var effects = try perform(held.effects, transport, &replies)
        if !isOverQuota { effects += handle(.proceed) }
        while !effects.isEmpty { effects = try carryOut(effects, transport, &replies) }
    }

    /// Why no song can be taken on just now; nil when one can.
    var reasonToRefuseSongs: String? {
        if let held { return held.error.waitingExplanation }
        return isOverQuota ? quotaText : nil
    }
}
