import Synchronization

/// When an engine counts as hung: a bound that follows from what its steps took.
package struct HangSettings: Sendable, Hashable {
    /// No step counts before so long.
    package var least: Duration
    /// Times the longest step of its level so far.
    package var factor: Double
    /// Before a step of its level has ended.
    package var unmeasured: Duration
    /// While weights are brought in.
    package var loading: Duration

    package init(
        least: Duration = .seconds(30), factor: Double = 20, unmeasured: Duration = .seconds(600),
        loading: Duration = .seconds(3600)
    ) {
        (self.least, self.factor, self.unmeasured, self.loading) = (least, factor, unmeasured, loading)
    }

    /// The same bound for all.
    package init(all bound: Duration) {
        self.init(least: bound, factor: 0, unmeasured: bound, loading: bound)
    }
}

/// No step ended within its bound.
package struct EngineHung: Error, CustomStringConvertible {
    package var seconds: Int
    package var description: String { "no step ended in \(seconds) s" }
}

/// What the engine's thread shows of its steps to those that watch it.
final class StepPulse: Sendable {
    /// Odd while a step runs, or weights are brought in.
    private let number = Atomic<UInt64>(0)
    /// Nanoseconds that it may take.
    private let limit = Atomic<UInt64>(0)

    func begin(limit: Duration) {
        self.limit.store(UInt64(clamping: Int64(limit / .nanoseconds(1))), ordering: .relaxed)
        number.add(1, ordering: .releasing)
    }

    func end() { number.add(1, ordering: .releasing) }

    /// nil while no step runs.
    var running: (number: UInt64, limit: Duration)? {
        let number = number.load(ordering: .acquiring)
        guard number & 1 == 1 else { return nil }
        return (number, .nanoseconds(Int64(clamping: limit.load(ordering: .relaxed))))
    }
}

/// Watches an engine. Only time counts in which the watch itself ran: a process that was stopped has not hung.
struct HangWatch {
    private var step: UInt64?
    private var waited = Duration.zero
    private var last: ContinuousClock.Instant?
    private static let longestLook = Duration.seconds(1)

    /// Expected several times a second.
    ///
    /// - Throws: `EngineHung`.
    mutating func look(_ pulse: StepPulse, now: ContinuousClock.Instant) throws {
        let elapsed = last.map { min($0.duration(to: now), Self.longestLook) } ?? .zero
        last = now
        guard let running = pulse.running, running.number == step else {
            (step, waited) = (pulse.running?.number, .zero)
            return
        }
        waited += elapsed
        if waited >= running.limit { throw EngineHung(seconds: Int(waited / .seconds(1))) }
    }
}
