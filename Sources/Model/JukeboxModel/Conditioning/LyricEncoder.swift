import Tensor

/// The separate transformer that reads the lyric window (`prime_prior`), and the projection of its output to what
/// music attends to.
struct LyricEncoder: Sendable {
    private let transformer: Transformer
    private let embedding: EmbeddingTable
    private let positions: EmbeddingTable
    private let start: Buffer<Float>
    private let projection: Linear
    private let norm: Norm

    init(_ weights: Weights, shape: TransformerShape, profile: NumericProfile) throws {
        transformer = try Transformer(weights, "prime_prior", shape: shape, profile: profile)
        embedding = try EmbeddingTable(weights, "prime_prior.x_emb.weight")
        positions = try EmbeddingTable(weights, "prime_prior.pos_emb.pos_emb")
        start = Buffer(try weights.floats("prime_prior.start_token"))
        projection = try Linear(weights, "prime_state_proj", storage: profile.otherWeights)
        norm = try Norm(weights, "prime_state_ln")
    }

    /// - Parameter lyrics: one token for each position.
    /// - Returns: [positions][width of the music transformer].
    func apply(_ lyrics: [Int], team: ThreadTeam) -> Buffer<Float> {
        let shape = transformer.shape
        let width = shape.width
        let x = Buffer<Float>(count: shape.length * width)
        for position in 0..<shape.length {
            let row = x.pointer + position * width
            if position == 0 {
                row.update(from: start.pointer, count: width)
            } else {
                embedding.copy(row: lyrics[position - 1], to: row)
            }
            positions.add(row: position, to: row)
        }
        let caches = transformer.makeCaches()
        let workspace = Transformer.Workspace(shape: shape, rows: shape.blockLength, team: team)
        for begin in stride(from: 0, to: shape.length, by: shape.blockLength) {
            let rows = min(shape.blockLength, shape.length - begin)
            transformer.forward(
                x, offset: begin * width, runs: [TransformerRun(caches: caches, position: begin, rows: rows)],
                workspace: workspace, team: team)
        }
        let projected = Buffer<Float>(count: shape.length * projection.matrix.n)
        projection.apply(x.pointer, rows: shape.length, to: projected.pointer, team: team)
        let states = Buffer<Float>(count: projected.count)
        norm.apply(projected.pointer, rows: shape.length, to: states.pointer)
        return states
    }
}
