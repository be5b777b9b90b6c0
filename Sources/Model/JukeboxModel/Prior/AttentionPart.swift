import Tensor

/// One thread's part of one layer's attention: keys and values into the caches, then for every row and head
/// o = softmax(q · Kᵀ / √headWidth) · V with K, V [what the row sees][headWidth].
struct AttentionPart {
    private let place: LayerPlace
    private let layer: TransformerLayer
    private let shape: TransformerShape
    /// What this thread computes before it commits it.
    private let piece: UnsafeMutablePointer<Float>
    /// Attention weights of one row and head: [what it sees].
    private let scores: UnsafeMutablePointer<Float>
    private let kernels = Kernels.active

    init(layer: TransformerLayer, place: LayerPlace) {
        self.place = place
        self.layer = layer
        shape = layer.shape
        piece = place.piece
        scores = place.scores
    }

    private var work: ForwardWork { place.work }

    /// Floats between rows of the projection: queries, keys, values, or queries alone.
    private var projectedWidth: Int { layer.pattern == .lyricEncoder ? shape.stateWidth : 3 * shape.stateWidth }

    func run() {
        if layer.pattern != .lyricEncoder { place.doShort(.store, of: work.rows) { store($0) } }
        let units = work.rows * shape.heads
        if work.isSolo {
            attend(0..<units, into: work.workspace.attended.pointer)
        } else if units >= work.workspace.phases.threads {
            // What is recorded of a row and head is the thread's only until the next.
            let most = work.recorder == nil ? work.workspace.pieceSize / shape.headWidth : 1
            work.workspace.phases.run(place.number(.attend), of: units, thread: place.thread, most: most) {
                attend($0, into: piece - $0.lowerBound * shape.headWidth)
            } commit: { units in
                let first = units.lowerBound * shape.headWidth
                (work.workspace.attended.pointer + first).update(from: piece, count: units.count * shape.headWidth)
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
                body(row, run.position + row - first, run.caches[place.index])
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

    /// o [unit][headWidth] = softmax(q · Kᵀ · scale) · V, of row and head alike.
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
            var done = 0
            eachHead(of: 0..<work.rows * shape.heads) { row, head, visible, cache in
                let keys = share(of: visible.count, part: unit, parts: shares)
                if !keys.isEmpty { body(row, head, visible, keys, cache, done) }
                done += keys.count
            }
        }
        phases.run(place.number(.attend), of: shares, thread: place.thread, most: 1) { unit in
            eachPart(unit.lowerBound) { row, head, visible, keys, cache, done in
                let first = visible.lowerBound + keys.lowerBound
                kernels.scores(
                    q: query(row, head), keys: cache.key(first, head * shape.headWidth), type: cache.type,
                    stride: shape.stateWidth, count: keys.count, d: shape.headWidth, scale: layer.scale,
                    into: scores + done)
            }
        } commit: { unit in
            eachPart(unit.lowerBound) { row, head, _, keys, _, done in
                (shared(row, head) + keys.lowerBound).update(from: scores + done, count: keys.count)
            }
        }
        sumTogether(shared)
    }

    /// o = softmax(scores) · V, by blocks of 16 columns of every head.
    private func sumTogether(_ shared: (_ row: Int, _ head: Int) -> UnsafeMutablePointer<Float>) {
        let heads = 0..<work.rows * shape.heads
        let blocks = (shape.headWidth + 15) / 16
        func columns(_ blocks: Range<Int>) -> Range<Int> {
            16 * blocks.lowerBound..<min(16 * blocks.upperBound, shape.headWidth)
        }
        // Each softmax is done for all of a thread's columns at once.
        let each = max(1, blocks / work.workspace.phases.threads)
        work.workspace.phases.run(
            place.number(.sumValues), of: blocks, thread: place.thread, multiple: each, most: each
        ) { blocks in
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
        guard let recorder = work.recorder, recorder.layer == place.index, recorder.head == head, count > 0 else {
            return
        }
        recorder.record(row, UnsafeBufferPointer(start: weights, count: count))
    }
}
