import CKernels
import Tensor
import Testing

/// How numbers are rounded is put right wherever arithmetic begins.
@Suite(.serialized) struct EnvironmentTests {
    #if arch(x86_64)
        /// FTZ, DAZ, and rounding towards zero.
        private static let others: [UInt64] = [0x9F80, 0x1FC0, 0x7F80]
    #else
        private static let others: [UInt64] = [1 << 24, 3 << 22]
    #endif
    private static let right: UInt64 = {
        _ = ck_settle_environment()
        return ck_environment()
    }()

    private struct Look: TeamWork {
        let seen: Buffer<UInt64>

        func run(part: Int, of parts: Int, thread: Int) { seen[part] = ck_environment() }
    }

    @Test(arguments: [1, 3]) func `parts of a team's work begin in the right environment, whoever changed it`(
        _ threads: Int
    ) {
        let right = Self.right
        let team = ThreadTeam(threads: threads, pinned: false)
        for other in Self.others {
            let seen = Buffer<UInt64>(count: 16)
            ck_set_environment(other)
            team.run(Look(seen: seen), parts: 16)
            #expect(seen.elements.allSatisfy { $0 == right })
            #expect(ck_environment() == right)
        }
    }

    @Test func `a change during arithmetic is counted, one before it is mended`() {
        _ = Self.right
        // Engines of other tests in this process stop when the process's own count grows; RoundingTests look at that.
        let count = DisturbanceCount()
        for (number, other) in Self.others.enumerated() {
            ck_set_environment(other)
            FloatEnvironment.exact(counting: count) {}
            #expect(count.value == number)
            FloatEnvironment.exact(counting: count) { ck_set_environment(other) }
            #expect(count.value == number + 1)
            #expect(ck_environment() == Self.right)
        }
    }
}
