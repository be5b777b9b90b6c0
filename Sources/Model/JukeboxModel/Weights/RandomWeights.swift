package import Checkpoint

/// Normal numbers from a counter: SplitMix64 and the sum of four uniforms, which is close enough for weights.
struct RandomWeights {
    private var state: UInt64

    init(seed: UInt64, stream: UInt32) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(stream) &* 0xD1B5_4A32_D192_ED03
    }

    private mutating func next() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        let sum = Int32(z & 0xFFFF) + Int32(z >> 16 & 0xFFFF) + Int32(z >> 32 & 0xFFFF) + Int32(z >> 48)
        // Variance of a uniform of width 65536 is 65536²/12; four of them: 65536²/3.
        return Float(sum - 131_070) * (1.732_050_8 / 65_536)
    }

    mutating func fill(count: Int, _ initial: WeightSpecification.Initial, type: ElementType) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count * type.size)
        bytes.withUnsafeMutableBytes { raw in
            switch (initial, type) {
            case (.zeros, _): break
            case (.ones, .float16): raw.bindMemory(to: UInt16.self).update(repeating: 0x3C00)
            case (.ones, _): raw.bindMemory(to: Float.self).update(repeating: 1)
            case (.normal(let spread), .float16):
                let halves = raw.bindMemory(to: UInt16.self)
                for index in 0..<count { halves[index] = Self.half(next() * Float(spread)) }
            case (.normal(let spread), _):
                let floats = raw.bindMemory(to: Float.self)
                for index in 0..<count { floats[index] = next() * Float(spread) }
            }
        }
        return bytes
    }

    /// float32 to float16, truncating; small weights never overflow.
    private static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(bits >> 16 & 0x8000)
        let exponent = Int(bits >> 23 & 0xFF) - 127 + 15
        guard exponent > 0 else { return sign }
        return sign | UInt16(min(exponent, 30)) << 10 | UInt16(bits >> 13 & 0x3FF)
    }
}

extension WeightSpecification {
    /// Elements.
    var count: Int { shape.reduce(1, *) }

    /// float16 for the matrices of a model that is stored so (`fp16_params`), float32 for all else.
    func type(half: Bool) -> ElementType { half && name.hasSuffix(".w") ? .float16 : .float32 }
}

extension WeightSet {
    /// Random weights in memory, for benchmarks.
    ///
    /// - Parameter shared: tensors of one shape and spread are the same and lie in the same memory, so that a model of
    ///   any depth costs the memory of a layer until it is packed.
    package static func random(
        _ part: ModelPart, table: [WeightSpecification], half: Bool, seed: UInt64 = 0, shared: Bool = true
    ) throws -> WeightSet {
        struct Kind: Hashable {
            let shape: [Int], initial: WeightSpecification.Initial, half: Bool
        }
        var random = RandomWeights(seed: seed, stream: 0)
        var known: [Kind: MappedFile] = [:]
        var tensors: [String: StoredTensor] = [:]
        for wanted in table where !wanted.optional || wanted.name.hasSuffix("prior.x_out.weight") {
            let type = wanted.type(half: half)
            let count = wanted.count
            let kind = Kind(shape: wanted.shape, initial: wanted.initial, half: type == .float16)
            let memory =
                (shared ? known[kind] : nil)
                ?? MappedFile(named: "random weights", size: count * type.size) {
                    $0.copyBytes(from: random.fill(count: count, wanted.initial, type: type))
                }
            known[kind] = memory
            tensors[wanted.name] = try StoredTensor(
                name: wanted.name, type: type, shape: wanted.shape, file: memory, storageStart: 0, storageCount: count)
        }
        return WeightSet(part: part, tensors: tensors, source: "random weights")
    }
}
