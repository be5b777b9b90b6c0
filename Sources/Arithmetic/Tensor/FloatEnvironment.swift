import CKernels
import Synchronization

/// The floating-point environment of the calling thread: how numbers are rounded, and whether the smallest are flushed to
/// zero (MXCSR, FPCR). A library that others bring into the process may change it, in any thread and at any time; bits
/// would follow.
///
/// So it is put right where arithmetic begins, and looked at where that ends: what was computed in another one is not used.
package enum FloatEnvironment {
    private static let found = DisturbanceCount()

    /// Puts it right.
    @inline(__always)
    package static func settle() { _ = ck_settle_environment() }

    /// Counts it if it is wrong, and puts it right: what was computed since `settle` may be wrong, too.
    @inline(__always)
    package static func check() {
        if ck_settle_environment() != 0 { found.add() }
    }

    /// How often it was wrong at the end of arithmetic that had put it right, in any thread.
    package static var disturbances: Int { found.value }

    /// Does arithmetic between `settle` and `check`.
    @inline(__always)
    package static func exact<Result>(_ body: () throws -> Result) rethrows -> Result {
        settle()
        defer { check() }
        return try body()
    }

    /// The same with a count of one's own: that of the process stops every engine in it.
    package static func exact<Result>(
        counting count: DisturbanceCount, _ body: () throws -> Result
    ) rethrows -> Result {
        settle()
        defer { if ck_settle_environment() != 0 { count.add() } }
        return try body()
    }
}

/// Counts. Any thread.
package final class DisturbanceCount: Sendable {
    private let count = Atomic(0)

    package init() {}

    package var value: Int { count.load(ordering: .sequentiallyConsistent) }

    func add() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// Somebody changed how numbers are rounded while they were computed.
package struct EnvironmentDisturbed: Error, CustomStringConvertible {
    package init() {}

    package var description: String {
        "a library in this process changes how floating-point numbers are rounded (MXCSR or FPCR) while weights or tokens "
            + "are computed, so they cannot be trusted; look for it in LD_PRELOAD, and run without it"
    }
}
