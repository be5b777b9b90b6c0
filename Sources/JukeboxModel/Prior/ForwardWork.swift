import Tensor

/// All layers over some rows, as one piece of work for a team.
///
/// Operations within a row (LayerNorm, attention) are shared by rows, products by columns; the parts meet where one
/// needs what others computed. With fewer rows than parts, every part does the row operations for itself instead: they
/// are short, and nobody has to wait. What a product takes differs between threads from moment to moment, as other
/// users of the machine's memory and processors come and go: they take columns as they come free.
struct ForwardWork: TeamWork {
    let layers: [TransformerLayer]
    let x: UnsafeMutablePointer<Float>
    let rows: Int
    let runs: [TransformerRun]
    let workspace: Transformer.Workspace
    let team: ThreadTeam
    let recorder: AttentionRecorder?

    func run(part: Int, of parts: Int) {
        for (index, layer) in layers.enumerated() {
            PartOfLayer(work: self, layer: layer, index: index, part: part, parts: parts).run()
        }
    }
}

/// One thread's part of one layer.
private struct PartOfLayer {
    private let work: ForwardWork
    private let layer: TransformerLayer
    private let index: Int
    private let part: Int
    private let parts: Int
    private let shape: TransformerShape
    private let isAlone: Bool
    /// Rows of the operations within a row.
    private let own: Range<Int>
    private let normal: UnsafeMutablePointer<Float>
    private let quantized: QuantizedRows
    private let kernels = Kernels.active

    init(work: ForwardWork, layer: TransformerLayer, index: Int, part: Int, parts: Int) {
        self.work = work
        self.layer = layer
        self.index = index
        self.part = part
        self.parts = parts
        shape = layer.shape
        isAlone = work.rows < parts
        own = isAlone ? 0..<work.rows : share(of: work.rows, part: part, parts: parts)
        normal = work.workspace.normal.pointer + (isAlone ? part * work.rows * shape.width : 0)
        quantized = work.workspace.quantized[isAlone ? part : 0]
    }

    private func meet() { if parts > 1 { work.team.meet() } }

    /// Waits for other parts' rows, if there are any.
    private func meetRows() { if !isAlone { meet() } }

    func run() {
        let workspace = work.workspace
        let isQuantized = layer.mlpOut.matrix.storage == .int8
        normalise(work.x, layer.norm0, for: layer.attention, 0)
        multiply(normal, layer.attention, 0, into: workspace.projected.pointer)
        meet()
        attend()
        arrange(workspace.attended.pointer, for: layer.attentionOut, 1)
        multiply(workspace.attended.pointer, layer.attentionOut, 1, into: workspace.branch.pointer) { columns in
            eachRow(of: columns) {
                kernels.add(work.x + $0, workspace.branch.pointer + $0, into: workspace.sum.pointer + $0, count: $1)
            }
        }
        meet()
        normalise(workspace.sum.pointer, layer.norm1, for: layer.mlpIn, 2)
        multiply(normal, layer.mlpIn, 2, into: workspace.hidden.pointer) { columns in
            for row in 0..<work.rows {
                let at = workspace.hidden.pointer + row * shape.mlpWidth + columns.lowerBound
                kernels.quickGELU(at, into: at, count: columns.count)
            }
            // Its columns are the next one's k.
            if !isQuantized, let arranged = arranged(3) {
                arranged.fill(columns, from: workspace.hidden.pointer, rows: work.rows, width: shape.mlpWidth)
            }
        }
        meet()
        if isQuantized {
            quantise(workspace.hidden.pointer, for: layer.mlpOut)
            meetRows()
            arrange(workspace.hidden.pointer, for: layer.mlpOut, 3)
        }
        multiply(workspace.hidden.pointer, layer.mlpOut, 3, into: workspace.mlp.pointer) { columns in
            eachRow(of: columns) { place, count in
                let (x, sum, m) = (work.x + place, workspace.sum.pointer + place, workspace.mlp.pointer + place)
                if shape.residualScale == 1 {
                    kernels.add(sum, m, into: x, count: count)
                } else {
                    kernels.add(
                        x, sumOf: workspace.branch.pointer + place, m, scaledBy: shape.residualScale, into: x,
                        count: count)
                }
            }
        }
        meet()
    }

    /// Own rows of `normal`, ready for a product.
    private func normalise(_ x: UnsafePointer<Float>, _ norm: Norm, for next: Linear, _ number: Int) {
        let begin = own.lowerBound * shape.width
        norm.apply(x + begin, rows: own.count, to: normal + begin)
        quantise(normal, for: next)
        meetRows()
        arrange(normal, for: next, number)
    }

    private func quantise(_ x: UnsafePointer<Float>, for next: Linear) {
        guard next.matrix.storage == .int8 else { return }
        quantized.fill(own, from: x, stride: next.matrix.k, k: next.matrix.k)
    }

    /// Where the rows of the layer's product `number` are arranged, if they are.
    private func arranged(_ number: Int) -> ArrangedRows? {
        ArrangedRows.isUseful(rows: work.rows, kernels: kernels) ? work.workspace.arranged[number % 2] : nil
    }

    /// Arranges all rows for the layer's product `number`.
    private func arrange(_ x: UnsafePointer<Float>, for next: Linear, _ number: Int) {
        guard let arranged = arranged(number) else { return }
        next.matrix.arrange(
            x, quantized: quantized, rows: work.rows, into: arranged, part: part, parts: parts, kernels: kernels)
        meet()
    }

    /// This part's columns of the layer's product `number`, and what `body` does with them.
    private func multiply(
        _ x: UnsafePointer<Float>, _ linear: Linear, _ number: Int, into y: UnsafeMutablePointer<Float>,
        then body: (_ columns: Range<Int>) -> Void = { _ in }
    ) {
        let matrix = linear.matrix
        let arranged = arranged(number)
        func compute(_ columns: Range<Int>) {
            matrix.multiply(
                x, xStride: matrix.k, quantized: quantized, arranged: arranged, rows: work.rows, columns: columns,
                bias: linear.bias.pointer, into: y, yStride: matrix.n, kernels: kernels)
            body(columns)
        }
        guard parts > 1 else { return compute(0..<matrix.n) }
        let tickets = work.workspace.tickets
        // Of the product before the last one, which all parts have left.
        tickets.reset((number + 2) % 4, part: part)
        let multiple = work.rows <= PackedMatrix.fewRows ? 4 : 1
        while let columns = tickets.next(number, of: matrix.n, part: part, multiple: multiple) { compute(columns) }
    }

    /// Calls `body` with the place of each row's columns in a [rows][width] array, and their count.
    private func eachRow(of columns: Range<Int>, _ body: (Int, Int) -> Void) {
        for row in 0..<work.rows { body(row * shape.width + columns.lowerBound, columns.count) }
    }

    // MARK: attention

    /// Floats between rows of the projection: queries, keys, values, or queries alone.
    private var projectedWidth: Int { layer.pattern == .lyricEncoder ? shape.stateWidth : 3 * shape.stateWidth }

    /// From `projected` to `attended`, ready for a product.
    private func attend() {
        if !isAlone || part == 0 { store(own) }
        if isAlone || work.runs.contains(where: { $0.rows > 1 }) { meet() }
        let attended = work.workspace.attended.pointer
        if isAlone {
            if work.rows * shape.heads >= parts {
                let units = share(of: work.rows * shape.heads, part: part, parts: parts)
                eachRow(units.lowerBound / shape.heads..<(units.upperBound + shape.heads - 1) / shape.heads) {
                    row, visible, cache in
                    for head in 0..<shape.heads where units.contains(row * shape.heads + head) {
                        attend(row, head, visible, cache)
                    }
                }
            } else {
                attendTogether()
            }
            meet()
            quantise(attended, for: layer.attentionOut)
        } else {
            eachRow(own) { row, visible, cache in
                for head in 0..<shape.heads { attend(row, head, visible, cache) }
            }
            quantise(attended, for: layer.attentionOut)
            meet()
        }
    }

    private func store(_ rows: Range<Int>) {
        guard layer.pattern != .lyricEncoder else { return }
        var first = 0
        for run in work.runs {
            for row in rows.clamped(to: first..<first + run.rows) {
                let key = work.workspace.projected.pointer + row * projectedWidth + shape.stateWidth
                run.caches[index].store(
                    position: run.position + row - first, key: key, value: key + shape.stateWidth)
            }
            first += run.rows
        }
    }

    /// Calls `body` with rows, what they see of their cache, and the cache.
    private func eachRow(_ rows: Range<Int>, _ body: (Int, Range<Int>, AttentionCache) -> Void) {
        var first = 0
        for run in work.runs {
            let mine = rows.clamped(to: first..<first + run.rows)
            if !mine.isEmpty {
                let cache = run.caches[index]
                for row in mine { body(row, cache.visible(from: run.position + row - first), cache) }
            }
            first += run.rows
        }
    }

    private func query(_ row: Int, _ head: Int) -> UnsafePointer<Float> {
        UnsafePointer(work.workspace.projected.pointer + row * projectedWidth + head * shape.headWidth)
    }

    private func out(_ row: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
        work.workspace.attended.pointer + row * shape.stateWidth + head * shape.headWidth
    }

    private func attend(_ row: Int, _ head: Int, _ visible: Range<Int>, _ cache: AttentionCache) {
        guard !visible.isEmpty else { return out(row, head).update(repeating: 0, count: shape.headWidth) }
        let scores = work.workspace.scores.pointer + part * work.workspace.scoresPerPart
        let offset = head * shape.headWidth
        kernels.attend(
            q: query(row, head), keys: cache.key(visible.lowerBound, offset),
            values: cache.value(visible.lowerBound, offset), type: cache.type, stride: shape.stateWidth,
            count: visible.count, d: shape.headWidth, scale: layer.scale, weights: scores, into: out(row, head))
        record(row, head, UnsafeBufferPointer(start: scores, count: visible.count))
    }

    /// Fewer heads than parts: each scores some of the keys, and sums some of the columns.
    private func attendTogether() {
        let scores = work.workspace.scores.pointer
        let room = work.workspace.scoresPerPart
        func shared(_ row: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
            scores + (parts + row * shape.heads + head) * room
        }
        eachRow(0..<work.rows) { row, visible, cache in
            let keys = share(of: visible.count, part: part, parts: parts)
            for head in 0..<shape.heads where !keys.isEmpty {
                kernels.scores(
                    q: query(row, head), keys: cache.key(visible.lowerBound + keys.lowerBound, head * shape.headWidth),
                    type: cache.type, stride: shape.stateWidth, count: keys.count, d: shape.headWidth,
                    scale: layer.scale, into: shared(row, head) + keys.lowerBound)
            }
        }
        meet()
        eachRow(0..<work.rows) { row, visible, cache in
            let blocks = share(of: (shape.headWidth + 15) / 16, part: part, parts: parts)
            let columns = 16 * blocks.lowerBound..<min(16 * blocks.upperBound, shape.headWidth)
            for head in 0..<shape.heads where !columns.isEmpty {
                let weights = scores + part * room
                weights.update(from: shared(row, head), count: visible.count)
                kernels.softmax(weights, count: visible.count)
                kernels.weightedSum(
                    weights, values: cache.value(visible.lowerBound, head * shape.headWidth + columns.lowerBound),
                    type: cache.type, stride: shape.stateWidth, count: visible.count, d: columns.count,
                    into: out(row, head) + columns.lowerBound)
                if part == 0 { record(row, head, UnsafeBufferPointer(start: weights, count: visible.count)) }
            }
        }
    }

    private func record(_ row: Int, _ head: Int, _ weights: UnsafeBufferPointer<Float>) {
        guard let recorder = work.recorder, recorder.layer == index, recorder.head == head, !weights.isEmpty else {
            return
        }
        recorder.record(row, weights)
    }
}
