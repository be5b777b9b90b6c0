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
    var record: (Int, UnsafeBufferPointer<Float>) -> Void
}

/// The stack of residual attention blocks (paper section 4; the original's `Transformer`), for any number of
/// sequences at once. Every row is computed alone, so its bits do not depend on its neighbours.
final class Transformer: Sendable {
    let shape: TransformerShape
    private let layers: [TransformerLayer]

    init(_ weights: Weights, _ name: String, shape: TransformerShape) throws {
        self.shape = shape
        layers = try (0..<shape.depth).map {
            try TransformerLayer(weights, "\(name).transformer._attn_mods.\($0)", layer: $0, shape: shape)
        }
    }

    /// All matrices that a row passes through.
    var matrices: [PackedMatrix] { layers.flatMap(\.matrices) }

    /// Empty caches for one sequence.
    func makeCaches() -> [AttentionCache] {
        layers.map { AttentionCache(pattern: $0.pattern, shape: shape) }
    }

    /// Fills the caches of lyric-attending layers from the lyric encoder's output [encoderLength][width].
    func attendLyrics(_ states: UnsafePointer<Float>, caches: [AttentionCache], team: ThreadTeam) {
        let width = shape.stateWidth
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

    /// Runs all layers in place.
    ///
    /// - Parameters:
    ///   - x: [sum of rows][width].
    ///   - runs: in the order of `x`; none crosses a block's end.
    func forward(
        _ x: UnsafeMutablePointer<Float>, runs: [TransformerRun], workspace: Workspace, team: ThreadTeam,
        recorder: AttentionRecorder? = nil
    ) {
        let rows = runs.reduce(0) { $0 + $1.rows }
        for (index, layer) in layers.enumerated() {
            layer.forward(
                x, rows: rows, runs: runs, index: index, workspace: workspace, team: team,
                recorder: recorder?.layer == index ? recorder : nil)
        }
    }

    /// Memory for steps of at most `rows` rows.
    struct Workspace {
        let normal: Buffer<Float>
        let projected: Buffer<Float>
        let attended: Buffer<Float>
        let branch: Buffer<Float>
        let sum: Buffer<Float>
        let hidden: Buffer<Float>
        let scores: Buffer<Float>
        let scoresPerPart: Int
        let rows: Int

        init(shape: TransformerShape, rows: Int, team: ThreadTeam) {
            self.rows = rows
            normal = Buffer(count: rows * shape.width)
            projected = Buffer(count: rows * 3 * shape.stateWidth)
            attended = Buffer(count: rows * shape.stateWidth)
            branch = Buffer(count: rows * shape.width)
            sum = Buffer(count: rows * shape.width)
            hidden = Buffer(count: rows * shape.mlpWidth)
            scoresPerPart = max(shape.length, shape.encoderLength)
            scores = Buffer(count: scoresPerPart * team.threads)
        }
    }
}

/// h = x + a + m with a = attn(ln_0(x)), m = mlp(ln_1(x + a)) (the original's `ResAttnBlock`).
private struct TransformerLayer: Sendable {
    let pattern: AttentionPattern
    private let shape: TransformerShape
    private let attention: Linear
    let lyrics: Linear?
    private let attentionOut: Linear
    private let norm0: Norm
    private let norm1: Norm
    private let mlpIn: Linear
    private let mlpOut: Linear
    private let scale: Float

    init(_ weights: Weights, _ name: String, layer: Int, shape: TransformerShape) throws {
        self.shape = shape
        pattern = shape.pattern(layer: layer)
        attention = try Linear(weights, "\(name).attn.c_attn")
        lyrics = pattern == .lyricEncoder ? try Linear(weights, "\(name).attn.c_enc_kv") : nil
        attentionOut = try Linear(weights, "\(name).attn.c_proj")
        norm0 = try Norm(weights, "\(name).ln_0")
        norm1 = try Norm(weights, "\(name).ln_1")
        mlpIn = try Linear(weights, "\(name).mlp.c_fc")
        mlpOut = try Linear(weights, "\(name).mlp.c_proj")
        scale = Float(1 / Double(shape.headWidth).squareRoot())
    }

    func forward(
        _ x: UnsafeMutablePointer<Float>, rows: Int, runs: [TransformerRun], index: Int,
        workspace: Transformer.Workspace, team: ThreadTeam, recorder: AttentionRecorder?
    ) {
        let count = rows * shape.width
        norm0.apply(x, rows: rows, to: workspace.normal.pointer)
        attention.apply(workspace.normal.pointer, rows: rows, to: workspace.projected.pointer, team: team)
        store(runs, index: index, from: workspace.projected.pointer)
        attend(rows: rows, runs: runs, index: index, workspace: workspace, team: team, recorder: recorder)
        attentionOut.apply(workspace.attended.pointer, rows: rows, to: workspace.branch.pointer, team: team)

        let sum = workspace.sum.pointer
        let kernels = Kernels.active
        kernels.add(x, workspace.branch.pointer, into: sum, count: count)
        norm1.apply(sum, rows: rows, to: workspace.normal.pointer)
        mlpIn.apply(workspace.normal.pointer, rows: rows, to: workspace.hidden.pointer, team: team)
        kernels.quickGELU(workspace.hidden.pointer, into: workspace.hidden.pointer, count: rows * shape.mlpWidth)
        if shape.residualScale == 1 {
            mlpOut.apply(workspace.hidden.pointer, rows: rows, to: workspace.normal.pointer, team: team)
            kernels.add(sum, workspace.normal.pointer, into: x, count: count)
        } else {
            mlpOut.apply(workspace.hidden.pointer, rows: rows, to: sum, team: team)
            kernels.add(
                x, sumOf: workspace.branch.pointer, sum, scaledBy: shape.residualScale, into: x, count: count)
        }
    }

    var matrices: [PackedMatrix] { [attention, attentionOut, mlpIn, mlpOut].map(\.matrix) }

    /// Floats between rows of the projection: queries, keys, values, or queries alone.
    private var projectedWidth: Int { pattern == .lyricEncoder ? shape.stateWidth : 3 * shape.stateWidth }

    private func store(_ runs: [TransformerRun], index: Int, from projected: UnsafePointer<Float>) {
        guard pattern != .lyricEncoder else { return }
        var row = projected
        for run in runs {
            for offset in 0..<run.rows {
                run.caches[index].store(
                    position: run.position + offset, key: row + shape.stateWidth, value: row + 2 * shape.stateWidth)
                row += 3 * shape.stateWidth
            }
        }
    }

    private func attend(
        rows: Int, runs: [TransformerRun], index: Int, workspace: Transformer.Workspace, team: ThreadTeam,
        recorder: AttentionRecorder?
    ) {
        if let recorder {
            attendRows(0..<rows, runs: runs, index: index, workspace: workspace, part: 0, recorder: recorder)
        } else if rows > 1, team.threads > 1 {
            team.run { part, parts in
                let range = rows * part / parts..<rows * (part + 1) / parts
                attendRows(range, runs: runs, index: index, workspace: workspace, part: part, recorder: nil)
            }
        } else {
            attendRows(0..<rows, runs: runs, index: index, workspace: workspace, part: 0, recorder: nil)
        }
    }

    private func attendRows(
        _ range: Range<Int>, runs: [TransformerRun], index: Int, workspace: Transformer.Workspace, part: Int,
        recorder: AttentionRecorder?
    ) {
        let kernels = Kernels.active
        let scores = workspace.scores.pointer + part * workspace.scoresPerPart
        var first = 0
        for run in runs {
            let cache = run.caches[index]
            for row in range.clamped(to: first..<first + run.rows) {
                let visible = cache.visible(from: run.position + row - first)
                let query = workspace.projected.pointer + row * projectedWidth
                let out = workspace.attended.pointer + row * shape.stateWidth
                guard !visible.isEmpty else {
                    out.update(repeating: 0, count: shape.stateWidth)
                    continue
                }
                for head in 0..<shape.heads {
                    let offset = visible.lowerBound * shape.stateWidth + head * shape.headWidth
                    kernels.attend(
                        q: query + head * shape.headWidth, keys: cache.keys.pointer + offset,
                        values: cache.values.pointer + offset, stride: shape.stateWidth, count: visible.count,
                        d: shape.headWidth, scale: scale, weights: scores, into: out + head * shape.headWidth)
                    if let recorder, recorder.head == head {
                        recorder.record(row, UnsafeBufferPointer(start: scores, count: visible.count))
                    }
                }
            }
            first += run.rows
        }
    }
}
