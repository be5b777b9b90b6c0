/// A point of a monotonic clock. The core reads no clock: whoever calls it says what time it is.
package struct Instant: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start, the same for one run of the process.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds + duration.wholeNanoseconds)
    }

    package static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// So many seconds of an estimate: none for what is no number, and at most what a clock can be advanced by (about 30
    /// years), since speeds that workers tell may be anything.
    static func estimated(_ seconds: Double) -> Duration {
        .nanoseconds(Int64((seconds.isNaN ? 0 : min(max(seconds, 0), 1e9)) * 1e9))
    }

    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
