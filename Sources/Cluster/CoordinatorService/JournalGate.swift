package import CoordinatorCore
package import Journal
import SystemErrors

/// The way from what the core decides to what is done: records first. All of a turn are journaled in one transaction, and
/// nothing of what follows is carried out before. What cannot be journaled just now is held, and tried again.
package struct JournalGate {
    private struct Held {
        var effects: [Effect]
        /// Seconds of the caller's clock.
        var nextTry: Double
        var pauses = Pauses()
        var error: JournalError
    }

    package enum Outcome {
        /// To be carried out, in order.
        case durable([Effect])
        /// Nothing is there yet; the core is to pause.
        case held(JournalError)
    }

    private var held: Held?

    package init() {}

    /// Whether effects wait.
    package var isHolding: Bool { held != nil }

    /// Why effects wait, for people; nil when none do.
    package var reason: String? { held?.error.waitingExplanation }

    /// When it is tried again, in seconds of the caller's clock.
    package var nextTry: Double? { held?.nextTry }

    /// Journals the records of a turn.
    ///
    /// - Parameters:
    ///   - isPatient: what passes is waited for.
    ///   - now: seconds of any clock that nobody sets.
    ///   - append: writes records, all of them or none.
    /// - Throws: what does not pass, or is not waited for.
    package mutating func pass(
        _ effects: [Effect], isPatient: Bool, at now: Double, append: ([Record]) throws(JournalError) -> Void
    ) throws(JournalError) -> Outcome {
        do throws(JournalError) {
            try append(Self.records(effects))
            return .durable(effects)
        } catch {
            guard isPatient, error.passes else { throw error }
            // The core has gone on from them already; from here on it waits, too.
            hold(effects, after: error, Pauses(), at: now)
            return .held(error)
        }
    }

    /// There is room now, perhaps: it is tried again at once.
    package mutating func hurry() { held?.nextTry = 0 }

    /// Tries again when it is time.
    ///
    /// - Returns: the effects that waited, when their records are durable; nil while they are not.
    package mutating func retry(
        at now: Double, append: ([Record]) throws(JournalError) -> Void
    ) throws(JournalError) -> [Effect]? {
        guard let held, held.nextTry <= now else { return nil }
        do throws(JournalError) {
            try append(Self.records(held.effects))
            self.held = nil
            return held.effects
        } catch {
            guard error.passes else { throw error }
            self.held = nil
            hold(held.effects, after: error, held.pauses, at: now)
            return nil
        }
    }

    private mutating func hold(_ effects: [Effect], after error: JournalError, _ pauses: Pauses, at now: Double) {
        var pauses = pauses
        // A disk, or who else uses the file: both may be over soon.
        let pause = min(pauses.next(after: error), Pauses.longestForDisks)
        held = Held(
            effects: (held?.effects ?? []) + effects, nextTry: now + pause / .seconds(1), pauses: pauses, error: error)
    }

    private static func records(_ effects: [Effect]) -> [Record] {
        effects.compactMap { if case .journal(let record) = $0 { record } else { nil } }
    }
}
