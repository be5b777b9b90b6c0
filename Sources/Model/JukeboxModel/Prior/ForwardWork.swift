import Tensor

/// All layers over some rows, as one piece of work for a team.
///
/// Operations within a row (LayerNorm, attention) are shared by rows, products by columns, in phases: one begins where
/// it needs what others computed. With fewer rows than threads, every thread does the row operations for itself
/// instead: they are short, and nobody has to wait. What a product takes differs between threads from moment to moment,
/// as other users of the machine's memory and processors come and go: they take columns as they come free, and what a
/// thread that lost its processor has begun is computed again by another (`Phases`).
struct ForwardWork: PhasedWork {
    let layers: [TransformerLayer]
    /// [rows][width], from `offset` on.
    let x: Buffer<Float>
    let offset: Int
    let rows: Int
    let runs: [TransformerRun]
    let workspace: Transformer.Workspace
    /// Whether one thread does all of it.
    let isSolo: Bool
    /// Number of the first phase.
    let firstPhase: Int
    let recorder: AttentionRecorder?

    func run(thread: Int) {
        for (index, layer) in layers.enumerated() {
            PartOfLayer(work: self, layer: layer, index: index, thread: thread).run()
        }
    }
}

/// What is done of a layer between two meetings of the threads.
private enum LayerPhase: Int {
    case normalise, arrangeNormal, project, store, attend, sumValues, quantiseAttended, arrangeAttended, projectBack
    case normaliseSum, arrangeSum, widen, quantiseHidden, arrangeHidden, narrow, count
}

/// One thread's part of one layer:
/// h = x + attention(norm0(x)), x = h + narrow(quickGELU(widen(norm1(h)))) (the original's `ResAttnBlock`).
private struct PartOfLayer {
    private let work: ForwardWork
    private let layer: TransformerLayer
    private let index: Int
    private let thread: Int
    private let shape: TransformerShape
    /// Every thread does the operations within a row for itself.
    private let isAlone: Bool
    /// [rows][width]: all threads', or this one's.
    private let normal: UnsafeMutablePointer<Float>
    private let quantized: QuantizedRows
    private let x: UnsafeMutablePointer<Float>
    /// What this thread computes before it commits it.
    private let piece: UnsafeMutablePointer<Float>
    private let scores: UnsafeMutablePointer<Float>
    private let kernels = Kernels.active

    init(work: ForwardWork, layer: TransformerLayer, index: Int, thread: Int) {
        let workspace = work.workspace
        self.work = work
        self.layer = layer
        self.index = index
        self.thread = thread
        shape = layer.shape
        isAlone = !work.isSolo && work.rows < workspace.phases.threads && work.rows <= Transformer.Workspace.mostAlone
        normal = workspace.normal.pointer + (isAlone ? thread * work.rows * shape.width : 0)
        quantized = workspace.quantized[isAlone ? thread : 0]
        x = work.x.pointer + work.offset
        piece = workspace.pieces.pointer + thread * workspace.pieceSize
        scores = workspace.scores.pointer + thread * workspace.scoresPerPart
    }

    func run() {
        let workspace = work.workspace
        normalise(x, layer.norm0, for: layer.attention, .normalise, .arrangeNormal)
        multiply(.project, normal, layer.attention, into: workspace.projected.pointer) { columns in
            copy(columns, to: workspace.projected.pointer, width: layer.attention.matrix.n)
        }
        attend()
        ready(
            workspace.attended.pointer, for: layer.attentionOut, quantise: .quantiseAttended, arrange: .arrangeAttended)
        multiply(.projectBack, workspace.attended.pointer, layer.attentionOut, into: workspace.branch.pointer) {
            addAttention($0)
        }
        normalise(workspace.sum.pointer, layer.norm1, for: layer.mlpIn, .normaliseSum, .arrangeSum)
        multiply(.widen, normal, layer.mlpIn, into: workspace.hidden.pointer, then: { activate($0) }) { columns in
            copy(columns, to: workspace.hidden.pointer, width: shape.mlpWidth)
            // Its columns are the next one's k.
            if layer.mlpOut.matrix.storage != .int8 {
                arranged(.narrow)?.fill(
                    columns.range, from: workspace.hidden.pointer, rows: work.rows, width: shape.mlpWidth)
            }
        }
        if layer.mlpOut.matrix.storage == .int8 {
            ready(workspace.hidden.pointer, for: layer.mlpOut, quantise: .quantiseHidden, arrange: .arrangeHidden)
        }
        multiply(.narrow, workspace.hidden.pointer, layer.mlpOut, into: workspace.mlp.pointer) { addMLP($0) }
    }

    // MARK: phases

    private func number(_ phase: LayerPhase) -> Int {
        work.firstPhase + index * LayerPhase.count.rawValue + phase.rawValue
    }

    private func doShort(_ phase: LayerPhase, of count: Int, _ body: (Range<Int>) -> Void) {
        if work.isSolo { return body(0..<count) }
        work.workspace.phases.doShort(number(phase), of: count, thread: thread, body)
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
            if !work.workspace.phases.isOver(number(arranging) + 1) { body(0..<work.rows) }
        } else {
            doShort(phase, of: work.rows, body)
        }
        arrange(normal, for: next, arranging)
    }

    /// Quantises rows that all see, if the next product asks for it, and arranges them.
    private func ready(
        _ x: UnsafePointer<Float>, for next: Linear, quantise phase: LayerPhase, arrange arranging: LayerPhase
    ) {
        if next.matrix.storage == .int8 {
            if isAlone {
                if !work.workspace.phases.isOver(number(arranging) + 1) { quantise(x, 0..<work.rows, for: next) }
            } else {
                doShort(phase, of: work.rows) { quantise(x, $0, for: next) }
            }
        }
        arrange(x, for: next, arranging)
    }

    private func quantise(_ x: UnsafePointer<Float>, _ rows: Range<Int>, for next: Linear) {
        guard next.matrix.storage == .int8 else { return }
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
        doShort(phase, of: next.matrix.arrangedBlocks) { blocks in
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
                : Columns(range: range, values: piece, stride: range.count)
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
                number(phase), of: matrix.panelCount, thread: thread,
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
        eachRow(of: columns, width: shape.width) { values, place, count in
            kernels.add(x + place, values, into: work.workspace.sum.pointer + place, count: count)
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
        eachRow(of: columns, width: shape.width) { m, place, count in
            if shape.residualScale == 1 {
                kernels.add(workspace.sum.pointer + place, m, into: x + place, count: count)
            } else {
                kernels.add(
                    x + place, sumOf: workspace.branch.pointer + place, m, scaledBy: shape.residualScale,
                    into: x + place, count: count)
            }
        }
    }

    // MARK: attention

    /// Floats between rows of the projection: queries, keys, values, or queries alone.
    private var projectedWidth: Int { layer.pattern == .lyricEncoder ? shape.stateWidth : 3 * shape.stateWidth }

    /// From `projected` to `attended`.
    private func attend() {
        if layer.pattern != .lyricEncoder { doShort(.store, of: work.rows) { store($0) } }
        let units = work.rows * shape.heads
        if work.isSolo {
            attend(0..<units, into: work.workspace.attended.pointer)
        } else if units >= work.workspace.phases.threads {
            // What is recorded of a row and head is the thread's only until the next.
            let most = work.recorder == nil ? work.workspace.pieceSize / shape.headWidth : 1
            work.workspace.phases.run(number(.attend), of: units, thread: thread, most: most) {
                attend($0, into: piece - $0.lowerBound * shape.headWidth)
            } commit: { units in
                let place = units.lowerBound * shape.headWidth
                (work.workspace.attended.pointer + place).update(from: piece, count: units.count * shape.headWidth)
                if work.recorder != nil {
                    eachHead(of: units) { row, head, visible, _ in record(row, head, scores, count: visible.count) }
                }
            }
        } else {
            attendTogether()
        }
    }

    private func store(_ rows: Range<Int>) {
        eachRow(rows) { row, position, cache in
            let key = work.workspace.projected.pointer + row * projectedWidth + shape.stateWidth
            cache.store(position: position, key: key, value: key + shape.stateWidth)
        }
    }

    /// Calls `body` with rows, their positions, and their caches.
    private func eachRow(_ rows: Range<Int>, _ body: (Int, Int, AttentionCache) -> Void) {
        var first = 0
        for run in work.runs {
            for row in rows.clamped(to: first..<first + run.rows) {
                body(row, run.position + row - first, run.caches[index])
            }
            first += run.rows
        }
    }

    /// Calls `body` with rows and heads, what they see of their cache, and the cache.
    ///
    /// - Parameter units: row · heads + head.
    private func eachHead(of units: Range<Int>, _ body: (Int, Int, Range<Int>, AttentionCache) -> Void) {
        let heads = shape.heads
        eachRow(units.lowerBound / heads..<(units.upperBound + heads - 1) / heads) { row, position, cache in
            let visible = cache.visible(from: position)
            for head in 0..<heads where units.contains(row * heads + head) { body(row, head, visible, cache) }
        }
    }

    private func query(_ row: Int, _ head: Int) -> UnsafePointer<Float> {
        UnsafePointer(work.workspace.projected.pointer + row * projectedWidth + head * shape.headWidth)
    }

    /// out[unit] = softmax(q · keys · scale) · values.
    private func attend(_ units: Range<Int>, into out: UnsafeMutablePointer<Float>) {
        eachHead(of: units) { row, head, visible, cache in
            let out = out + (row * shape.heads + head) * shape.headWidth
            guard !visible.isEmpty else { return out.update(repeating: 0, count: shape.headWidth) }
            let column = head * shape.headWidth
            kernels.attend(
                q: query(row, head), keys: cache.key(visible.lowerBound, column),
                values: cache.value(visible.lowerBound, column), type: cache.type, stride: shape.stateWidth,
                count: visible.count, d: shape.headWidth, scale: layer.scale, weights: scores, into: out)
            if work.isSolo { record(row, head, scores, count: visible.count) }
        }
    }

    /// Fewer heads than threads: each scores some of the keys, and sums some of the columns.
    private func attendTogether() {
        let phases = work.workspace.phases
        let shares = phases.threads
        func shared(_ row: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
            work.workspace.scores.pointer + (shares + row * shape.heads + head) * work.workspace.scoresPerPart
        }
        /// Calls `body` with a unit's part of a row's keys, and where that lies among the unit's scores.
        func eachPart(_ unit: Int, _ body: (Int, Int, Range<Int>, Range<Int>, AttentionCache, Int) -> Void) {
            var place = 0
            eachHead(of: 0..<work.rows * shape.heads) { row, head, visible, cache in
                let keys = share(of: visible.count, part: unit, parts: shares)
                if !keys.isEmpty { body(row, head, visible, keys, cache, place) }
                place += keys.count
            }
        }
        phases.run(number(.attend), of: shares, thread: thread, most: 1) { unit in
            eachPart(unit.lowerBound) { row, head, visible, keys, cache, place in
                let first = visible.lowerBound + keys.lowerBound
                kernels.scores(
                    q: query(row, head), keys: cache.key(first, head * shape.headWidth), type: cache.type,
                    stride: shape.stateWidth, count: keys.count, d: shape.headWidth, scale: layer.scale,
                    into: scores + place)
            }
        } commit: { unit in
            eachPart(unit.lowerBound) { row, head, _, keys, _, place in
                (shared(row, head) + keys.lowerBound).update(from: scores + place, count: keys.count)
            }
        }
        sumTogether(shared)
    }

    /// attended = softmax(scores) · values, by blocks of 16 columns of every head.
    private func sumTogether(_ shared: (_ row: Int, _ head: Int) -> UnsafeMutablePointer<Float>) {
        let heads = 0..<work.rows * shape.heads
        let blocks = (shape.headWidth + 15) / 16
        func columns(_ blocks: Range<Int>) -> Range<Int> {
            16 * blocks.lowerBound..<min(16 * blocks.upperBound, shape.headWidth)
        }
        // Each softmax is done for all of a thread's columns at once.
        let each = max(1, blocks / work.workspace.phases.threads)
        work.workspace.phases.run(number(.sumValues), of: blocks, thread: thread, multiple: each, most: each) {
            blocks in
            let columns = columns(blocks)
            eachHead(of: heads) { row, head, visible, cache in
                let out = piece + (row * shape.heads + head) * columns.count
                guard !visible.isEmpty else { return out.update(repeating: 0, count: columns.count) }
                scores.update(from: shared(row, head), count: visible.count)
                kernels.softmax(scores, count: visible.count)
                kernels.weightedSum(
                    scores, values: cache.value(visible.lowerBound, head * shape.headWidth + columns.lowerBound),
                    type: cache.type, stride: shape.stateWidth, count: visible.count, d: columns.count, into: out)
            }
        } commit: { blocks in
            let columns = columns(blocks)
            eachHead(of: heads) { row, head, visible, _ in
                let unit = row * shape.heads + head
                (work.workspace.attended.pointer + unit * shape.headWidth + columns.lowerBound).update(
                    from: piece + unit * columns.count, count: columns.count)
                guard work.recorder != nil, blocks.lowerBound == 0 else { return }
                scores.update(from: shared(row, head), count: visible.count)
                kernels.softmax(scores, count: visible.count)
                record(row, head, scores, count: visible.count)
            }
        }
    }

    private func record(_ row: Int, _ head: Int, _ weights: UnsafePointer<Float>, count: Int) {
        guard let recorder = work.recorder, recorder.layer == index, recorder.head == head, count > 0 else { return }
        recorder.record(row, UnsafeBufferPointer(start: weights, count: count))
    }
}
