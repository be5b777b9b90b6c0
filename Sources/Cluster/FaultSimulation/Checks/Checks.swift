import CoordinatorCore
import Journal
import SongPlan

/// All that watches a simulation. It stays when the coordinator's process goes.
final class Checks {
    var tokens: TokenCheck
    private var durability = DurabilityCheck()
    private var answers = AnswerCheck()
    private var audit: ReplayAudit?
    private var batch: [Record] = []

    init(hasLiar: Bool) { tokens = TokenCheck(hasLiar: hasLiar) }

    // MARK: The journal

    /// Bits of the disk were changed.
    func damaged() { durability.damaged() }

    func opened(_ journal: Journal) throws {
        try durability.opened(journal.read().entries.map(\.record))
    }

    /// What is damaged was left away, and the core goes on.
    ///
    /// - Parameter isWhole: nothing is left away any more.
    func mended(_ journal: Journal, _ core: Coordinator, isWhole: Bool) throws {
        let isDamaged = durability.isDamaged
        if isDamaged {
            let (before, now) = (durability.durable, try journal.read())
            let records = now.entries.map(\.record)
            // Where there is no room for a copy, damaged rows stay and are left away at each start.
            durability.mended(records, isWhole: isWhole && now.unmentioned.isEmpty && records == before)
        }
        try answers.opened(durability.durable, isDamaged: isDamaged)
        audit = ReplayAudit(of: core)
        batch = []
    }

    /// The core decided something; it is not done yet.
    func decided(_ effects: [Effect]) {
        for case .journal(let record) in effects { audit?.add(record) }
    }

    /// Effects are about to be journaled, beside those that wait.
    func tries(_ effects: [Effect]) {
        for case .journal(let record) in effects { batch.append(record) }
        durability.tries(batch)
    }

    /// All that was tried is durable.
    func isDurable(_ core: Coordinator) throws {
        try answers.add(batch)
        tokens.note(batch)
        batch = []
        durability.succeeded()
        let faults = audit?.faults(of: core) ?? []
        if let fault = faults.first { throw Violation(.truth, fault) }
    }

    func tries(toForget song: SongID) { durability.tries(toForget: song) }
    func forgot() { durability.succeeded() }

    /// Of tokens that are journaled, what each record has.
    var journaledTokens: [[UInt16]] {
        durability.durable.compactMap { if case .tokens(_, _, let tokens, _) = $0 { tokens } else { nil } }
    }

    // MARK: Messages

    func answered(_ chunk: Chunk, from peer: Peer, by effects: [Effect]) throws {
        try answers.answered(chunk, from: peer, by: effects)
    }

    func sends(_ message: Outgoing) throws {
        try answers.sends(message)
        if case .assignment(let assignment) = message { try tokens.assigned(assignment) }
    }
}
