import Tensor

/// One thread's part of one residual attention block (the original's `ResAttnBlock`):
/// x becomes x + a + m with a = attention(LayerNorm₀(x)) and m = MLP(LayerNorm₁(x + a)).
struct LayerPart {
    private let place: LayerPlace
    private let layer: TransformerLayer
    private let shape: TransformerShape
    /// Every thread does the operations within a row for itself.
    private let isAlone: Bool
    /// [rows][width]: all threads', or this one's.
    private let normal: UnsafeMutablePointer<Float>
    private let quantized: QuantizedRows
    /// [rows][width]
    private let x: UnsafeMutablePointer<Float>
    private let kernels = Kernels.active

    init(layer: TransformerLayer, place: LayerPlace) {
        let work = place.work
        let workspace = work.workspace
        self.place = place
        self.layer = layer
        shape = layer.shape
        isAlone = !work.isSolo && work.rows < workspace.phases.threads && work.rows <= Transformer.Workspace.mostAlone
        normal = workspace.normal.pointer + (isAlone ? place.thread * work.rows * shape.width : 0)
        quantized = workspace.quantized[isAlone ? place.thread : 0]
        x = work.x.pointer + work.offset
    }

    private var work: ForwardWork { place.work }

    /// Shapes are those of all rows. W and b differ from product to product.
    func run() {
        let workspace = work.workspace
        // n = LayerNorm₀(x)                               [rows][width]
        normalise(x, layer.norm0, for: layer.attention, .normalise, .arrangeNormal)
        // q, k, v = n · W + b                             [rows][3 · stateWidth]; q alone where keys are the lyrics'
        multiply(.project, normal, layer.attention, into: workspace.projected.pointer) { columns in
            copy(columns, to: workspace.projected.pointer, width: layer.attention.matrix.n)
        }
        // o = softmax(q · Kᵀ / √headWidth) · V            [rows][stateWidth], head by head
        AttentionPart(layer: layer, place: place).run()
        ready(
            workspace.attended.pointer, for: layer.attentionOut, quantise: .quantiseAttended, arrange: .arrangeAttended)
        // a = o · W + b                                   [rows][width]
        // sum = x + a                                     [rows][width]
        multiply(.projectBack, workspace.attended.pointer, layer.attentionOut, into: workspace.branch.pointer) {
            addAttention($0)
        }
        // n = LayerNorm₁(sum)                             [rows][width]
        normalise(workspace.sum.pointer, layer.norm1, for: layer.mlpIn, .normaliseSum, .arrangeSum)
        // hidden = quickGELU(n · W + b)                   [rows][mlpWidth]
        multiply(.widen, normal, layer.mlpIn, into: workspace.hidden.pointer, then: { activate($0) }) { columns in
            copy(columns, to: workspace.hidden.pointer, width: shape.mlpWidth)
            // Its columns are the next one's k.
            if !layer.mlpOut.matrix.readsQuantizedRows {
                arranged(.narrow)?.fill(
                    columns.range, from: workspace.hidden.pointer, rows: work.rows, width: shape.mlpWidth)
            }
        }
        if layer.mlpOut.matrix.readsQuantizedRows {
            ready(workspace.hidden.pointer, for: layer.mlpOut, quantise: .quantiseHidden, arrange: .arrangeHidden)
        }
        // m = hidden · W + b                              [rows][width]
        // x = sum + m; with scaled residuals x + (a + m) / depth
        multiply(.narrow, workspace.hidden.pointer, layer.mlpOut, into: workspace.mlp.pointer) { addMLP($0) }
    }

    // MARK: rows

    /// `normal` = norm(from), ready for a product.
    private func normalise(
        _ from: UnsafePointer<Float>, _ norm: Norm, for next: Linear, _ phase: LayerPhase, _ arranging: LayerPhase
    ) {
        func body(_ rows: Range<Int>) {
            let begin = rows.lowerBound * shape.width
            norm.apply(from + begin, rows: rows.count, to: normal + begin)
            quantise(normal, rows, for: next)
        }
        if isAlone {
            // Of a phase that is over nobody needs it.
            if !work.workspace.phases.isOver(place.number(arranging) + 1) { body(0..<work.rows) }
        } else {
            place.doShort(phase, of: work.rows, body)
        }
        arrange(normal, for: next, arranging)
    }

    /// Quantises rows that all see, if the next product asks for it, and arranges them.
    private func ready(
        _ x: UnsafePointer<Float>, for next: Linear, quantise phase: LayerPhase, arrange arranging: LayerPhase
    ) {
        if next.matrix.readsQuantizedRows {
            if isAlone {
                if !work.workspace.phases.isOver(place.number(arranging) + 1) { quantise(x, 0..<work.rows, for: next) }
            } else {
                place.doShort(phase, of: work.rows) { quantise(x, $0, for: next) }
            }
        }
        arrange(x, for: next, arranging)
    }

    private func quantise(_ x: UnsafePointer<Float>, _ rows: Range<Int>, for next: Linear) {
        guard next.matrix.readsQuantizedRows else { return }
        quantized.fill(rows, from: x, stride: next.matrix.k, k: next.matrix.k)
    }

    /// Where the rows of a product are arranged, if they are; products take turns with two places.
    private func arranged(_ product: LayerPhase) -> ArrangedRows? {
        guard ArrangedRows.isUseful(rows: work.rows, kernels: kernels) else { return nil }
        return work.workspace.arranged[product == .project || product == .widen ? 0 : 1]
    }

    /// Arranges all rows for the product of the next phase.
    private func arrange(_ x: UnsafePointer<Float>, for next: Linear, _ phase: LayerPhase) {
        guard let product = LayerPhase(rawValue: phase.rawValue + 1), let arranged = arranged(product) else { return }
        place.doShort(phase, of: next.matrix.arrangedBlocks) { blocks in
            next.matrix.arrange(
                x, quantized: quantized, rows: work.rows, blocks: blocks, into: arranged, kernels: kernels)
        }
    }

    // MARK: products

    /// Some columns of a product.
    private struct Columns {
        let range: Range<Int>
        /// [rows][range], rows `stride` apart.
        let values: UnsafeMutablePointer<Float>
        let stride: Int
    }

    /// x · weights + bias, by columns.
    ///
    /// - Parameters:
    ///   - y: [rows][n], where a thread that does all of it computes.
    ///   - more: what else is computed of columns.
    ///   - commit: puts columns where all see them.
    private func multiply(
        _ phase: LayerPhase, _ x: UnsafePointer<Float>, _ linear: Linear, into y: UnsafeMutablePointer<Float>,
        then more: (Columns) -> Void = { _ in }, commit: (Columns) -> Void
    ) {
        let matrix = linear.matrix
        let arranged = arranged(phase)
        func columns(_ panels: Range<Int>) -> Columns {
            let range = matrix.columns(ofPanels: panels)
            return work.isSolo
                ? Columns(range: range, values: y + range.lowerBound, stride: matrix.n)
                : Columns(range: range, values: place.piece, stride: range.count)
        }
        func compute(_ panels: Range<Int>) {
            let columns = columns(panels)
            matrix.multiply(
                x, xStride: matrix.k, quantized: quantized, arranged: arranged, rows: work.rows, columns: columns.range,
                bias: linear.bias.pointer, into: columns.values - columns.range.lowerBound, yStride: columns.stride,
                kernels: kernels)
            more(columns)
        }
        if work.isSolo {
            compute(0..<matrix.panelCount)
            commit(columns(0..<matrix.panelCount))
        } else {
            work.workspace.phases.run(
                place.number(phase), of: matrix.panelCount, thread: place.thread,
                multiple: work.rows <= PackedMatrix.fewRows ? 4 : 1,
                most: matrix.panels(ofColumns: work.workspace.pieceSize / work.rows),
                compute: compute, commit: { commit(columns($0)) })
        }
    }

    /// Calls `body` for each row with its columns, their place in a [rows][width] array, and their count.
    private func eachRow(
        of columns: Columns, width: Int,
        _ body: (_ values: UnsafeMutablePointer<Float>, _ at: Int, _ count: Int) -> Void
    ) {
        for row in 0..<work.rows {
            body(columns.values + row * columns.stride, row * width + columns.range.lowerBound, columns.range.count)
        }
    }

    private func copy(_ columns: Columns, to y: UnsafeMutablePointer<Float>, width: Int) {
        if work.isSolo { return }
        eachRow(of: columns, width: width) { (y + $1).update(from: $0, count: $2) }
    }

    /// sum = x + attention.
    private func addAttention(_ columns: Columns) {
        if shape.residualScale != 1 { copy(columns, to: work.workspace.branch.pointer, width: shape.width) }
        eachRow(of: columns, width: shape.width) { a, at, count in
            kernels.add(x + at, a, into: work.workspace.sum.pointer + at, count: count)
        }
    }

    private func activate(_ columns: Columns) {
        eachRow(of: columns, width: shape.mlpWidth) { values, _, count in
            kernels.quickGELU(values, into: values, count: count)
        }
    }

    /// x = sum + m, or x + scale · (attention + m).
    private func addMLP(_ columns: Columns) {
        let workspace = work.workspace
        eachRow(of: columns, width: shape.width) { m, at, count in
            if shape.residualScale == 1 {
                kernels.add(workspace.sum.pointer + at, m, into: x + at, count: count)
            } else {
                kernels.add(
                    x + at, sumOf: workspace.branch.pointer + at, m, scaledBy: shape.residualScale, into: x + at,
                    count: count)
            }
        }
    }
}
