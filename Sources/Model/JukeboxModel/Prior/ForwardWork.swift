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
    /// Those that are run.
    let part: Range<Int>
    /// [rows][width], from `offset` on; becomes the last layer's output.
    let x: Buffer<Float>
    let offset: Int
    let rows: Int
    /// In the order of the rows.
    let runs: [TransformerRun]
    let workspace: Transformer.Workspace
    /// Whether one thread does all of it.
    let isSolo: Bool
    /// Number of the first phase.
    let firstPhase: Int
    let recorder: AttentionRecorder?

    func run(thread: Int) {
        for index in part {
            LayerPart(layer: layers[index], place: LayerPlace(work: self, index: index, thread: thread)).run()
        }
    }
}

/// What is done of a layer between two meetings of the threads.
enum LayerPhase: Int {
    case normalise, arrangeNormal, project, store, attend, sumValues, quantiseAttended, arrangeAttended, projectBack
    case normaliseSum, arrangeSum, widen, quantiseHidden, arrangeHidden, narrow, count
}

/// A thread at its part of a layer.
struct LayerPlace {
    let work: ForwardWork
    /// Of the layer.
    let index: Int
    let thread: Int

    /// What this thread computes before it commits it.
    var piece: UnsafeMutablePointer<Float> { work.workspace.pieces.pointer + thread * work.workspace.pieceSize }

    /// What this thread computes of attention weights, before and after their softmax.
    var scores: UnsafeMutablePointer<Float> { work.workspace.scores.pointer + thread * work.workspace.scoresPerPart }

    /// A phase's number among those of all layers.
    func number(_ phase: LayerPhase) -> Int { work.firstPhase + index * LayerPhase.count.rawValue + phase.rawValue }

    /// Shares `count` short things.
    func doShort(_ phase: LayerPhase, of count: Int, _ body: (Range<Int>) -> Void) {
        if work.isSolo { return body(0..<count) }
        work.workspace.phases.doShort(number(phase), of: count, thread: thread, body)
    }
}
