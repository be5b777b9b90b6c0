import Tensor

/// A stretch of consecutive rows of one sequence, computed in one step together with other sequences' rows.
struct TransformerRun {
    /// One cache a layer.
    var caches: [AttentionCache]
    /// Position of the first row in its sequence.
    var position: Int
    var rows: Int
}

/// Receives attention weights of one layer and head: (row of the step, weights over what the row sees).
struct AttentionRecorder {
    var layer: Int
    var head: Int
    /// Called for different rows by different threads at a time.
    var record: (Int, UnsafeBufferPointer<Float>) -> Void
}

/// The stack of residual attention blocks (paper section 4; the original's `Transformer`), for any number of
/// sequences at once. Every row is computed alone, so its bits do not depend on its neighbours.
///
/// Of each layer, for a row x [width] of a sequence whose earlier rows are in the caches:
///
///     n       = LayerNorm₀(x)                        [width]
///     q, k, v = n · W_qkv + b                        [heads][headWidth] each; k and v go into the cache
///     o       = softmax(q · Kᵀ / √headWidth) · V     [heads][headWidth]; K, V: the cached rows that the pattern sees
///     a       = o · W_o + b                          [width]
///     n       = LayerNorm₁(x + a)                    [width]
///     m       = quickGELU(n · W_in + b) · W_out + b  [mlpWidth], then [width]
///     x       = x + a + m                            [width]; with scaled residuals x + (a + m) / depth
///
/// `LayerPart` computes it. Where a layer attends to lyrics, K and V are `attendLyrics`'s instead.
package final class Transformer: Sendable {
    /// Below this a layer is done before threads have met seven times.
    package static let usualSmallWork = 1 << 19

    let shape: TransformerShape
    private let layers: [TransformerLayer]

    private let profile: NumericProfile
    /// Weights of a layer, about.
    private let layerWeights: Int

    /// - Parameter depth: layers that are loaded, from the first on; nil for all.
    init(
        _ weights: Weights, _ name: String, shape: TransformerShape, profile: NumericProfile, depth: Int? = nil
    ) throws {
        self.shape = shape
        self.profile = profile
        layerWeights = shape.width * (4 * shape.stateWidth + 2 * shape.mlpWidth)
        layers = try (0..<(depth ?? shape.depth)).map {
            try TransformerLayer(
                weights, "\(name).transformer._attn_mods.\($0)", layer: $0, shape: shape, profile: profile)
        }
    }

    /// Layers that are there.
    var depth: Int { layers.count }

    /// All matrices that a row passes through.
    var matrices: [PackedMatrix] { layers.flatMap(\.matrices) }

    /// Empty caches for one sequence.
    func makeCaches() -> [AttentionCache] {
        layers.map { AttentionCache(pattern: $0.pattern, shape: shape, type: profile.caches) }
    }

    /// Fills the caches of lyric-attending layers: K, V = states · W_kv + b, [encoderLength][stateWidth] each.
    ///
    /// - Parameter states: the lyric encoder's output, [encoderLength][width].
    func attendLyrics(_ states: UnsafePointer<Float>, caches: [AttentionCache], team: ThreadTeam) {
        let width = shape.stateWidth
        // [encoderLength][2 · stateWidth]: keys, then values.
        let both = Buffer<Float>(count: shape.encoderLength * 2 * width)
        for (layer, cache) in zip(layers, caches) {
            guard let projection = layer.lyrics else { continue }
            projection.apply(states, rows: shape.encoderLength, to: both.pointer, team: team)
            for row in 0..<shape.encoderLength {
                let key = both.pointer + row * 2 * width
                cache.store(position: row, key: key, value: key + width)
            }
        }
    }

    /// Runs layers in place.
    ///
    /// - Parameters:
    ///   - x: [sum of rows][width], from `offset` on.
    ///   - runs: in the order of `x`; none crosses a block's end.
    ///   - part: which layers; nil for all.
    func forward(
        _ x: Buffer<Float>, offset: Int = 0, runs: [TransformerRun], workspace: Workspace, team: ThreadTeam,
        recorder: AttentionRecorder? = nil, layers part: Range<Int>? = nil
    ) {
        let rows = runs.reduce(0) { $0 + $1.rows }
        let isSolo = team.threads == 1 || rows * layerWeights < workspace.smallWork
        let work = ForwardWork(
            layers: layers, part: part ?? layers.indices, x: x, offset: offset, rows: rows, runs: runs,
            workspace: workspace, isSolo: isSolo,
            firstPhase: workspace.phases.next, recorder: recorder)
        if isSolo { work.run(thread: 0) } else { team.run(work) }
    }

    /// Memory for steps of at most `rows` rows.
    final class Workspace: Sendable {
        /// n: [rows][width]; or that for each thread, when there are fewer rows than threads.
        let normal: Buffer<Float>
        /// q, k, v: [rows][3 · stateWidth]; or q alone, [rows][stateWidth].
        let projected: Buffer<Float>
        /// o: [rows][stateWidth]
        let attended: Buffer<Float>
        /// a: [rows][width]
        let branch: Buffer<Float>
        /// x + a: [rows][width]
        let sum: Buffer<Float>
        /// quickGELU(n · W_in + b): [rows][mlpWidth]
        let hidden: Buffer<Float>
        /// m: [rows][width]
        let mlp: Buffer<Float>
        /// The first for everyone; or one for each thread, when there are fewer rows than threads.
        let quantized: [QuantizedRows]
        /// For each thread, and then for each head that threads share.
        let scores: Buffer<Float>
        let scoresPerPart: Int
        /// For a product, and for the one after it.
        let arranged: [ArrangedRows]
        /// What each thread computes before it commits it.
        let pieces: Buffer<Float>
        let pieceSize: Int
        let phases: Phases
        let smallWork: Int

        /// Rows up to which threads may do the operations within a row for themselves.
        static let mostAlone = 16
        /// What stays in the second-level cache beside weights.
        private static let pieceFloats = 1 << 16

        /// Floats that a thread's largest piece has: a panel of every row or, of few rows, four; a head; or, where threads
        /// share heads, some columns of every head.
        private static func pieceSize(shape: TransformerShape, rows: Int, threads: Int) -> Int {
            let blocks = (shape.headWidth + 15) / 16
            let sharedHeads = min(rows * shape.heads, threads - 1)
            return max(
                pieceFloats / max(1, threads / 16), max(rows, 4 * PackedMatrix.fewRows) * 16, shape.headWidth,
                sharedHeads * 16 * max(1, blocks / threads))
        }

        init(shape: TransformerShape, rows: Int, team: ThreadTeam, smallWork: Int = usualSmallWork) {
            self.smallWork = smallWork
            let threads = team.threads
            let alone = min(Self.mostAlone, threads - 1, rows)
            phases = Phases(threads: threads)
            normal = Buffer(count: max(rows, threads * alone) * shape.width)
            projected = Buffer(count: rows * 3 * shape.stateWidth)
            attended = Buffer(count: rows * shape.stateWidth)
            branch = Buffer(count: rows * shape.width)
            sum = Buffer(count: rows * shape.width)
            hidden = Buffer(count: rows * shape.mlpWidth)
            mlp = Buffer(count: rows * shape.width)
            let widest = max(shape.width, shape.stateWidth, shape.mlpWidth)
            quantized = (0..<threads).map { QuantizedRows(rows: $0 == 0 ? rows : alone, k: widest) }
            let isArranged = ArrangedRows.isUseful(rows: rows)
            arranged = (0..<2).map { _ in ArrangedRows(rows: isArranged ? rows : 0, k: widest) }
            pieceSize = Self.pieceSize(shape: shape, rows: rows, threads: threads)
            pieces = Buffer(count: threads == 1 ? 1 : pieceSize * threads)
            scoresPerPart = max(shape.length, shape.encoderLength) + threads
            scores = Buffer(count: scoresPerPart * (threads == 1 ? 1 : 2 * threads))
        }
    }
}

/// The weights of a residual attention block (the original's `ResAttnBlock`); matrices are [in][out].
struct TransformerLayer: Sendable {
    let pattern: AttentionPattern
    let shape: TransformerShape
    /// W_qkv [width][3 · stateWidth] (`c_attn`); W_q [width][stateWidth] where keys are the lyrics'.
    let attention: Linear
    /// W_kv [width][2 · stateWidth], from the lyric encoder's output (`c_enc_kv`).
    let lyrics: Linear?
    /// W_o [stateWidth][width] (`attn.c_proj`).
    let attentionOut: Linear
    /// LayerNorm₀ (`ln_0`).
    let norm0: Norm
    /// LayerNorm₁ (`ln_1`).
    let norm1: Norm
    /// W_in [width][mlpWidth] (`c_fc`).
    let mlpIn: Linear
    /// W_out [mlpWidth][width] (`mlp.c_proj`).
    let mlpOut: Linear
    /// 1 / √headWidth.
    let scale: Float

    init(_ weights: Weights, _ name: String, layer: Int, shape: TransformerShape, profile: NumericProfile) throws {
        self.shape = shape
        pattern = shape.pattern(layer: layer)
        let storage = profile.weights(layer: layer, of: shape.depth)
        func linear(_ part: String) throws -> Linear {
            try Linear(weights, "\(name).\(part)", storage: storage)
        }
        attention = try linear("attn.c_attn")
        lyrics = pattern == .lyricEncoder ? try linear("attn.c_enc_kv") : nil
        attentionOut = try linear("attn.c_proj")
        norm0 = try Norm(weights, "\(name).ln_0")
        norm1 = try Norm(weights, "\(name).ln_1")
        mlpIn = try linear("mlp.c_fc")
        mlpOut = try linear("mlp.c_proj")
        scale = Float(1 / Double(shape.headWidth).squareRoot())
    }

    var matrices: [PackedMatrix] { [attention, attentionOut, mlpIn, mlpOut].map(\.matrix) }
}
