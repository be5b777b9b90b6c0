package import Tensor

/// A window whose tokens are all known, and whose layers' outputs are wanted.
package struct ActivationWindow: Sendable {
    /// The label vector; empty without labels.
    package var labels: [Int]
    /// Of the music. The last one is never seen: row t is computed from token t − 1.
    package var tokens: [UInt16]

    package init(labels: [Int], tokens: [UInt16]) {
        self.labels = labels
        self.tokens = tokens
    }
}

/// What some layers put out for the music rows of a window.
package struct Activations: Sendable {
    /// Music tokens of the window.
    package let rows: Int
    package let width: Int
    /// By layer k, [rows][width]: the stream of residuals after k blocks; 0 is the input of the first.
    package let layers: [Int: Buffer<Float>]
}

/// Receives the stream of residuals, [rows of the step][width], after some of the layers.
struct LayerTaps {
    /// Ascending; 0 is the input of the first block.
    var layers: [Int]
    var record: (_ layer: Int, _ x: UnsafePointer<Float>) -> Void
}

extension Prior {
    /// Layers that are there: all, or the first ones.
    package var loadedLayers: Int { transformer.depth }

    /// Rows of one step where no block is shorter: enough to be bound by arithmetic.
    package static let activationRows = 64

    /// Outputs of layers for windows whose tokens are known (what others call embeddings or representations), a stretch of
    /// every window in each step. The bits of a window do not depend on the others, on layers after it, or on the team.
    ///
    /// Of a model with a lyric encoder or a lyric prefix the rows of the music alone are returned.
    ///
    /// - Parameters:
    ///   - layers: k of 0 … `loadedLayers`: the output of k blocks, and 0 the input of the first.
    ///   - progress: gets the rows of a step when they are done; false stops.
    /// - Returns: by window; nil when it was stopped.
    package func activations(
        of windows: [ActivationWindow], layers: Set<Int>, team: ThreadTeam, progress: (Int) -> Bool = { _ in true }
    ) -> [Activations]? {
        precondition(layers.allSatisfy { (0...loadedLayers).contains($0) }, "a layer is not loaded")
        let width = shape.width
        let most = min(Self.activationRows, blockLength)
        let results = windows.map { window in
            Activations(
                rows: window.tokens.count, width: width,
                layers: Dictionary(
                    uniqueKeysWithValues: layers.map { ($0, Buffer<Float>(count: window.tokens.count * width)) }))
        }
        let workspace = makeWorkspace(rows: max(1, windows.count * most), team: team)
        let sequences = windows.map { window in
            let sequence = makeSequence(labels: window.labels, above: nil, team: team)
            sequence.append(window.tokens)
            return sequence
        }
        while true {
            FloatEnvironment.settle()
            defer { FloatEnvironment.check() }
            var places: [(index: Int, start: Int)] = []
            var runs: [PriorRun] = []
            for (index, sequence) in sequences.enumerated() {
                let start = sequence.computed
                let rows = min(most, blockLength - start % blockLength, prefix + windows[index].tokens.count - start)
                guard rows > 0 else { continue }
                places.append((index, start))
                runs.append(PriorRun(sequence, rows: rows, logits: .none))
            }
            guard !runs.isEmpty else { return results }
            let taps = LayerTaps(layers: layers.sorted()) { layer, x in
                var first = 0
                for (run, place) in zip(runs, places) {
                    results[place.index].keep(layer, x + first * width, rows: run.rows, from: place.start - self.prefix)
                    first += run.rows
                }
            }
            step(runs, workspace: workspace, logits: nil, team: team, recorder: nil, taps: taps)
            guard progress(runs.reduce(0) { $0 + $1.rows }) else { return nil }
        }
    }

    /// Runs the layers up to the last that is wanted, and stops at each of those.
    func forward(_ workspace: PriorWorkspace, taps: LayerTaps, team: ThreadTeam) {
        var done = 0
        for layer in taps.layers {
            if layer > done {
                transformer.forward(
                    workspace.x, runs: workspace.runs, workspace: workspace.transformer, team: team,
                    layers: done..<layer)
            }
            done = layer
            taps.record(layer, workspace.x.pointer)
        }
    }
}

extension Activations {
    /// Keeps rows of a layer; those before the music, at negative places, are left out.
    fileprivate func keep(_ layer: Int, _ x: UnsafePointer<Float>, rows: Int, from start: Int) {
        let skipped = max(0, -start)
        guard let buffer = layers[layer], skipped < rows else { return }
        (buffer.pointer + (start + skipped) * width).update(
            from: x + skipped * width, count: (rows - skipped) * width)
    }
}

extension Prior {
    /// What labels add: to the first row ([width]), and to every music row ([rows][width]).
    ///
    /// - Returns: nil for a prior without labels, or with a level above.
    package func labelConditioning(_ y: [Int], rows: Int) -> (start: [Float], timing: [Float])? {
        guard let labels, let timing = labels.timing else { return nil }
        var start = [Float](repeating: 0, count: shape.width)
        start.withUnsafeMutableBufferPointer { labels.start(y, into: $0.baseAddress!) }
        var all = [Float](repeating: 0, count: rows * shape.width)
        all.withUnsafeMutableBufferPointer { all in
            for row in 0..<rows { timing.write(y, position: row, into: all.baseAddress! + row * shape.width) }
        }
        return (start, all)
    }
}
