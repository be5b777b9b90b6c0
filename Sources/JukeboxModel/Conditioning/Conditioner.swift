import Tensor

/// The tokens of the level above, as one vector for each position of a window (the original's `Conditioner`).
struct Conditioner: Sendable {
    private let embedding: EmbeddingTable
    private let stack: DecoderStack
    private let norm: Norm

    init(_ weights: Weights, prior: PriorHyperparameters, vqvae: VQVAEHyperparameters, profile: NumericProfile) throws {
        let name = "conditioner_blocks.0"
        embedding = try EmbeddingTable(weights, "\(name).x_emb.weight")
        stack = try DecoderStack(
            weights, "\(name).cond.model", resnet: "blocks",
            downs: vqvae.downs[prior.level + 1], stride: vqvae.strides[prior.level + 1],
            depth: prior.conditionerDepth, growth: prior.conditionerDilationGrowth,
            cycle: prior.conditionerDilationCycle, reversed: false,
            scalesResiduals: prior.conditionerScalesResiduals, kind: .contract(profile.otherWeights ?? .float32))
        norm = try Norm(weights, "\(name).ln")
    }

    /// - Parameter above: the slice of the level above that belongs to the window; zeros are seen beyond it.
    /// - Returns: [above.count · tokens per upper token][width].
    func apply(_ above: [UInt16], team: ThreadTeam) -> Buffer<Float> {
        let x = Signal(length: above.count, channels: embedding.width)
        for (row, token) in above.enumerated() {
            embedding.copy(row: Int(token), to: x.values.pointer + row * embedding.width)
        }
        let y = stack.apply(x, team: team)
        let out = Buffer<Float>(count: max(1, y.length * y.channels))
        norm.apply(y.values.pointer, rows: y.length, to: out.pointer)
        return out
    }
}
