import Checkpoint
package import Foundation

/// Writes models of random weights in our own layout: for tests and benchmarks of any size.
package enum ModelWriter {
    /// Writes `vqvae.safetensors`, `prior_level_N.safetensors` and `hparams.json`.
    ///
    /// - Parameters:
    ///   - json: the content of `hparams.json`.
    ///   - progress: bytes written, and of how many.
    /// - Throws: `CheckpointError` when the folder cannot be written.
    package static func write(
        _ hyperparameters: Hyperparameters, json: Data, seed: UInt64, folder: URL,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var parts = [("vqvae", WeightTable.vqvae(hyperparameters.vqvae), false)]
        for (level, prior) in hyperparameters.priors.enumerated() {
            let table = WeightTable.prior(prior, vqvae: hyperparameters.vqvae).filter {
                !($0.optional && $0.name.hasSuffix("x_out.weight"))
            }
            parts.append(("prior_level_\(level)", table, prior.halfPrecision))
        }
        func type(_ wanted: WeightSpecification, _ half: Bool) -> ElementType {
            half && wanted.name.hasSuffix(".w") ? .float16 : .float32
        }
        let total = parts.reduce(0) { sum, part in
            sum + part.1.reduce(0) { $0 + $1.shape.reduce(1, *) * type($1, part.2).size }
        }
        var written = 0
        for (index, part) in parts.enumerated() {
            var random = Normal(seed: seed, stream: UInt32(index))
            let entries = part.1.map { SafetensorsWriter.Entry(name: $0.name, type: type($0, part.2), shape: $0.shape) }
            let writer = try SafetensorsWriter(
                path: folder.appendingPathComponent("\(part.0).safetensors").path, entries: entries,
                metadata: ["made-by": "orchestrion model init", "seed": "\(seed)"])
            for (wanted, entry) in zip(part.1, entries) {
                var left = wanted.shape.reduce(1, *)
                while left > 0 {
                    let count = min(left, 1 << 20)
                    let bytes = random.fill(count: count, wanted.initial, type: entry.type)
                    try bytes.withUnsafeBytes { try writer.write($0, to: entry.name) }
                    written += bytes.count
                    left -= count
                    progress(written, total)
                }
            }
            try writer.finish()
        }
        try json.write(to: folder.appendingPathComponent("hparams.json"), options: .atomic)
    }
}

/// Normal numbers from a counter: SplitMix64 and the sum of four uniforms, which is close enough for weights.
private struct Normal {
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
