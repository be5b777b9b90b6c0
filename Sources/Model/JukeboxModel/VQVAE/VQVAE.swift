package import Checkpoint
package import Tensor

/// Audio to tokens and back (paper section 3; the original's `VQVAE`). Mono samples in −1 … 1.
///
/// Under the numerics contract too, so that a song's audio and a recording's codes are the same everywhere.
package final class VQVAE: Sendable {
    package let hyperparameters: VQVAEHyperparameters
    /// A hash of geometry and weights: of the bytes that are in memory.
    package let fingerprint: String
    private let levels: [VQVAELevel]

    /// - Throws: `WeightError`, `WeightsChanged`.
    package init(_ hyperparameters: VQVAEHyperparameters, weights set: WeightSet) throws {
        self.hyperparameters = hyperparameters
        let table = WeightTable.vqvae(hyperparameters)
        let identity = try Weights(set, table: table).identity(geometry: "\(hyperparameters)", profile: nil)
        let weights = try Weights(set, table: table, identity: identity)
        fingerprint = identity.fingerprint
        try weights.checkFinite()
        FloatEnvironment.settle()
        levels = try (0..<hyperparameters.levels).map { try VQVAELevel($0, hyperparameters, weights) }
    }

    /// Codes of a recording at one level.
    ///
    /// - Parameters:
    ///   - audio: what lies beyond its last whole token has none, and is seen by those before it.
    ///   - most: tokens that are wanted, from the first on; the audio after them is seen as well. nil for all.
    /// - Returns: one code for each `samplesPerToken[level]` samples.
    package func encode(
        _ audio: [Float], level: Int, team: ThreadTeam, most: Int? = nil, progress: (Int) -> Void = { _ in }
    ) -> [UInt16] {
        FloatEnvironment.settle()
        let unit = hyperparameters.samplesPerToken[level]
        let whole = audio.count / unit
        let tokens = min(whole, most ?? whole)
        let coder = levels[level]
        // Pieces see everything that decides their codes, so they agree with encoding in one go.
        let reach = (coder.encoderReach + unit - 1) / unit + 1
        let piece = max(4 * reach, (1 << 17) / unit)
        var codes: [UInt16] = []
        codes.reserveCapacity(tokens)
        for begin in stride(from: 0, to: tokens, by: piece) {
            let end = min(tokens, begin + piece)
            let low = max(0, begin - reach)
            let high = min(whole, end + reach)
            let part = audio[low * unit..<(high == whole ? audio.count : high * unit)].withUnsafeBufferPointer {
                coder.encode($0, team: team)
            }
            codes += part[(begin - low)..<(end - low)]
            progress(end)
        }
        return codes
    }

    /// Audio of tokens of one level, in pieces of bounded memory that equal decoding in one go.
    ///
    /// - Parameter write: receives consecutive runs of samples.
    package func decode(
        _ tokens: [UInt16], level: Int, team: ThreadTeam, write: (UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        let unit = hyperparameters.samplesPerToken[level]
        let piece = pieceLength(level: level)
        for begin in stride(from: 0, to: tokens.count, by: piece) {
            let end = min(tokens.count, begin + piece)
            let audio = decode(tokens, range: begin..<end, level: level, team: team)
            try write(UnsafeBufferPointer(start: audio.pointer, count: (end - begin) * unit))
        }
    }

    /// Tokens of a piece: enough that the overlap costs little, few enough that the first is heard soon.
    package func pieceLength(level: Int) -> Int {
        max(4 * levels[level].decoderReach, (1 << 15) / hyperparameters.samplesPerToken[level])
    }

    /// Tokens on each side of a token's audio that decide it.
    package func reach(level: Int) -> Int { levels[level].decoderReach }

    /// The audio of `range`, decoded with the tokens on both sides that reach it.
    package func decode(_ tokens: [UInt16], range: Range<Int>, level: Int, team: ThreadTeam) -> Buffer<Float> {
        FloatEnvironment.settle()
        let unit = hyperparameters.samplesPerToken[level]
        let low = max(0, range.lowerBound - levels[level].decoderReach)
        let high = min(tokens.count, range.upperBound + levels[level].decoderReach)
        let audio = levels[level].decode(tokens[low..<high], team: team)
        let result = Buffer<Float>(count: max(1, range.count * unit))
        result.pointer.update(
            from: audio.values.pointer + (range.lowerBound - low) * unit, count: range.count * unit)
        return result
    }
}

/// The encoder, decoder and codebook of one level.
private struct VQVAELevel: Sendable {
    let encoders: [EncoderStack]
    let decoders: [DecoderStack]
    let out: Convolution
    /// [codes][embedding width].
    let codebook: Buffer<Float>
    /// x → x·k − |k|²/2 for each row k of the codebook.
    let nearness: Product
    let width: Int
    let codes: Int
    let encoderReach: Int
    let decoderReach: Int

    init(_ level: Int, _ h: VQVAEHyperparameters, _ weights: Weights) throws {
        let depth = h.depth * (h.multipliers?[level] ?? 1)
        encoders = try (0...level).map {
            try EncoderStack(
                weights, "encoders.\(level).level_blocks.\($0).model", downs: h.downs[$0], stride: h.strides[$0],
                depth: depth, growth: h.dilationGrowth, cycle: h.dilationCycle)
        }
        decoders = try (0...level).map {
            try DecoderStack(
                weights, "decoders.\(level).level_blocks.\($0).model", resnet: "model", downs: h.downs[$0],
                stride: h.strides[$0], depth: depth, growth: h.dilationGrowth, cycle: h.dilationCycle,
                reversed: h.reversesDecoderDilation, scalesResiduals: false)
        }
        out = try Convolution(weights, "decoders.\(level).out", padding: 1)
        let rows = try weights.floats("bottleneck.level_blocks.\(level).k")
        codebook = Buffer(rows)
        width = h.embeddingWidth
        codes = h.codes
        var transposed = [Float](repeating: 0, count: rows.count)
        var halfSquares = [Float](repeating: 0, count: h.codes)
        for code in 0..<h.codes {
            for channel in 0..<h.embeddingWidth {
                let value = rows[code * h.embeddingWidth + channel]
                transposed[channel * h.codes + code] = value
                halfSquares[code] -= value * value / 2
            }
        }
        nearness = Product(inputs: h.embeddingWidth, outputs: h.codes, bias: halfSquares) { transposed }
        encoderReach = encoders.reversed().reduce(0) { $1.reach(after: $0) }
        decoderReach = decoders.reduce(1) { $1.reach(after: $0) }
    }

    func encode(_ audio: UnsafeBufferPointer<Float>, team: ThreadTeam) -> [UInt16] {
        var x = Signal(length: audio.count, channels: 1)
        x.values.pointer.update(from: audio.baseAddress!, count: audio.count)
        for encoder in encoders { x = encoder.apply(x, team: team) }
        return nearest(x, team: team)
    }

    /// The code whose row is nearest, the lower index on a tie.
    private func nearest(_ x: Signal, team: ThreadTeam) -> [UInt16] {
        let result = Buffer<UInt16>(count: max(1, x.length))
        nearness.forEachChunk(of: x.length, scratch: codes, team: team) { rows, scores in
            nearness.apply(
                x.values.pointer + rows.lowerBound * width, rows: rows.count, to: scores, stride: codes)
            for row in rows { result[row] = largest(scores + (row - rows.lowerBound) * codes) }
        }
        return Array(result.elements.prefix(x.length))
    }

    private func largest(_ scores: UnsafePointer<Float>) -> UInt16 {
        var best = 0
        for code in 1..<codes where scores[code] > scores[best] { best = code }
        return UInt16(best)
    }

    func decode(_ tokens: ArraySlice<UInt16>, team: ThreadTeam) -> Signal {
        var x = Signal(length: tokens.count, channels: width)
        for (row, token) in tokens.enumerated() {
            (x.values.pointer + row * width).update(from: codebook.pointer + Int(token) * width, count: width)
        }
        for decoder in decoders.reversed() { x = decoder.apply(x, team: team) }
        return out.apply(x, length: x.length, team: team)
    }
}
