/// Chance that a seed decides (SplitMix64). Each part of a simulation has its own, so that a change of one leaves the others.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Those of a part, by any number of its own.
    init(seed: UInt64, part: UInt64) {
        var first = Dice(seed: seed)
        state = first.next() ^ Mixing.mix(part)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Mixing.mix(state)
    }

    mutating func happens(_ share: Double) -> Bool { share > 0 && unit() < share }

    /// From 0 to below 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func between(_ least: Double, _ most: Double) -> Double { least + (most - least) * unit() }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }
}

enum Mixing {
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    @inline(__always)
    static func add(_ value: UInt64, to hash: UInt64) -> UInt64 { mix(hash &* 0x1_0000_0001_B3 ^ value) &+ 1 }

    static func of(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
