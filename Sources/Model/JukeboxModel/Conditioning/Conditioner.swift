import Tensor

/// The tokens of the level above, as one vector for each position of a window (the original's `Conditioner`).
struct Conditioner: Sendable {
    private let embedding: EmbeddingTable
    private let stack: DecoderStack
    private let norm: Norm

    init(
        _ weights: Weights, prior: PriorHyperparameters, vqvae: VQVAEHyperparameters, profile: NumericProfile
    ) throws {
        let name = "conditioner_blocks.0"
        embedding = try EmbeddingTable(weights, "\(name).x_emb.weight")
        stack = try DecoderStack(
            weights, "\(name).cond.model", resnet: "blocks",
            downs: vqvae.downs[prior.level + 1], stride: vqvae.strides[prior.level + 1],
            depth: prior.conditionerDepth, growth: prior.conditionerDilationGrowth,
            cycle: prior.conditionerDilationCycle, reversed: false,
            scalesResiduals: prior.conditionerScalesResiduals, storage: profile.otherWeights ?? .float32)
        norm = try Norm(weights, "\(name).ln")
    }

    /// Multiplications and additions of all products for `length` tokens of the level above.
    func operations(length: Int) -> Int { stack.operations(length: length) }

    /// - Parameter above: the slice of the level above that belongs to the window; zeros are seen beyond it.
    func begin(_ above: [UInt16]) -> Run {
        let x = Signal(length: above.count, channels: embedding.width)
        for (row, token) in above.enumerated() {
            embedding.copy(row: Int(token), to: x.values.pointer + row * embedding.width)
        }
        return Run(stack: DecoderStack.Run(stack, x), norm: norm)
    }

    /// A slice on its way through the stack.
    struct Run {
        fileprivate var stack: DecoderStack.Run
        fileprivate let norm: Norm

        /// Does a piece.
        ///
        /// - Returns: after the last one, [above.count · tokens per upper token][width].
        mutating func advance(team: ThreadTeam) -> Buffer<Float>? {
            guard let y = stack.advance(team: team) else { return nil }
            let out = Buffer<Float>(count: max(1, y.length * y.channels))
            norm.apply(y.values.pointer, rows: y.length, to: out.pointer)
            return out
        }
    }
}
