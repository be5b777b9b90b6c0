import CoordinatorCore

/// The time of a simulation. Everything in it asks this clock alone.
final class VirtualClock: @unchecked Sendable {  // a simulation has one thread
    /// Nanoseconds since its start.
    private(set) var now = Instant(nanoseconds: 0)
    /// What the clock on the wall shows besides, in seconds: people set it.
    var wallOffset = 1_790_000_000.0

    var seconds: Double { Double(now.nanoseconds) * 1e-9 }

    func advance(to instant: Instant) { now = max(now, instant) }

    static func after(_ seconds: Double) -> Duration { .nanoseconds(Int64(seconds * 1e9)) }
}

/// A worker's clock: while its engine computes, it is ahead by what that takes.
final class EngineClock: @unchecked Sendable {  // a simulation has one thread
    private let clock: VirtualClock
    var ahead = 0.0

    init(_ clock: VirtualClock) { self.clock = clock }

    var time: Duration { .nanoseconds(clock.now.nanoseconds) + VirtualClock.after(ahead) }
}
