import Foundation

/// Repeatable random numbers (SplitMix64).
package struct Dice: RandomNumberGenerator, Sendable {
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// A new seed each run, printed so that a failure can be played again with `ORCHESTRION_TEST_SEED`.
    package static func thrown(for test: String) -> Dice {
        let given = ProcessInfo.processInfo.environment["ORCHESTRION_TEST_SEED"].flatMap { UInt64($0) }
        let dice = Dice(seed: given ?? UInt64.random(in: 0...UInt64(UInt32.max)))
        print("\(test): ORCHESTRION_TEST_SEED=\(dice.seed)")
        return dice
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` instants in the middle of a run of `total` steps, in order: one at random in each of `count` equal parts
    /// of its first 85 %, a little apart from one another.
    package mutating func instants(_ count: Int, of total: Int) -> [Int] {
        let part = total * 85 / 100 / count
        return (0..<count).map { $0 * part + Int.random(in: part / 4..<part, using: &self) }
    }
}
