import ModelTestSupport

/// Changes inputs by the dice: the same seed, the same inputs.
package struct Mutator: Sendable {
    private var dice: SplitMix64
    private let corpus: [[UInt8]]
    private let words: [[UInt8]]
    /// Bytes of an input at most.
    private let limit: Int

    /// - Parameter corpus: what is changed; without any, inputs are random bytes.
    package init(seed: UInt64, corpus: [[UInt8]], words: [[UInt8]], limit: Int = 256 << 10) {
        dice = SplitMix64(seed: seed)
        self.corpus = corpus
        self.words = words
        self.limit = limit
    }

    package mutating func next() -> [UInt8] {
        var bytes = corpus.randomElement(using: &dice) ?? noise(0...200)
        for _ in 0..<pick([1, 1, 1, 2, 3, 5, 8]) { change(&bytes) }
        return bytes.count <= limit ? bytes : Array(bytes.prefix(limit))
    }

    private mutating func pick(_ numbers: [Int]) -> Int { numbers[Int.random(in: numbers.indices, using: &dice)] }

    private mutating func noise(_ count: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: count, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
    }

    /// Headers decide the most, so half of all changes are made there.
    private mutating func place(in bytes: [UInt8]) -> Int {
        Int.random(in: 0...(Bool.random(using: &dice) ? min(200, bytes.count) : bytes.count), using: &dice)
    }

    private mutating func piece(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        let start = place(in: bytes)
        return bytes[start..<min(bytes.count, start + Int.random(in: 1...64, using: &dice))]
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let start = place(in: bytes)
        let end = min(bytes.count, start + Int.random(in: 1...16, using: &dice))
        switch Int.random(in: 0..<11, using: &dice) {
        case 0: bytes.removeSubrange(start...)
        case 1: bytes.removeSubrange(start..<end)
        case 2: bytes.insert(contentsOf: piece(of: bytes), at: start)
        case 3: bytes.replaceSubrange(start..<end, with: noise(1...16))
        case 4: bytes.insert(contentsOf: words.randomElement(using: &dice) ?? [], at: start)
        case 5: bytes.replaceSubrange(start..<end, with: words.randomElement(using: &dice) ?? [])
        case 6:
            guard let other = corpus.randomElement(using: &dice) else { return }
            bytes.replaceSubrange(start..., with: other[place(in: other)...])
        case 7 where start < bytes.count: bytes[start] = UInt8(pick([0, 1, 0x7F, 0x80, 0xFF]))
        case 8 where start < bytes.count: bytes[start] &+= UInt8(pick([1, 255]))
        case 9:
            let width = pick([1, 2, 4, 8])
            let value = pick([0, 1, 127, 128, 255, 32_767, 65_535, 1 << 31, 1 << 32, .max, .min, -1, -2])
            let encoded = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            bytes.replaceSubrange(start..<min(bytes.count, start + width), with: encoded)
        default:
            guard start < bytes.count else { return bytes.append(UInt8.random(in: 0...255, using: &dice)) }
            bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
        }
    }
}
