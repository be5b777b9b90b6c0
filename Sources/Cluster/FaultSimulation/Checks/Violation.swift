/// A rule that was broken in a simulation.
package struct Violation: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Rule: String, Sendable, Hashable, CaseIterable {
        /// Final tokens are those of one machine without a fault.
        case tokens
        /// What was journaled is there after a crash, and nothing else.
        case durability
        /// What is acknowledged is journaled; what a lease brings is answered.
        case answers
        /// No epoch is given twice.
        case epochs
        /// The core knows what its records say, and its indices follow from it.
        case truth
        /// No song fails, and every one ends when faults have.
        case liveness
        /// Nothing grows without bound.
        case growth
        /// A process ended of itself.
        case process
    }

    package var rule: Rule
    package var what: String

    init(_ rule: Rule, _ what: String) { (self.rule, self.what) = (rule, what) }

    package var description: String { "\(rule.rawValue): \(what)" }

    static func unless(_ condition: Bool, _ rule: Rule, _ what: @autoclosure () -> String) throws(Violation) {
        if !condition { throw Violation(rule, what()) }
    }
}
