package import Checkpoint
package import Tensor

/// One level's prior: a transformer over tokens, conditioned on labels, lyrics and the level above
/// (paper sections 4 and 5; the original's `SimplePrior`).
package final class Prior: Sendable {
    package let hyperparameters: PriorHyperparameters
    package let shape: TransformerShape
    /// Codes of the level's codebook.
    package let codes: Int
    let transformer: Transformer
    private let embedding: EmbeddingTable
    private let positions: EmbeddingTable
    private let startToken: Buffer<Float>?
    /// nil where only first layers are there.
    let output: PackedMatrix?
    let labels: LabelConditioner?
    let conditioner: Conditioner?
    /// Tokens of the level above that a window is conditioned on; nil at the top.
    package let windowLengthAbove: Int?
    private let lyricEncoder: LyricEncoder?
    package let profile: NumericProfile
    /// Bytes of the weights in memory.
    package let residentBytes: Int

    /// - Parameters:
    ///   - identity: what every tensor must be; nil when that does not matter.
    ///   - firstLayers: how many layers are loaded, for their activations alone; nil for all, and the output. The set has
    ///     the tensors of `WeightTable.prior(_:vqvae:firstLayers:)` then.
    /// - Throws: `WeightError`, `WeightsChanged`, `PackedStore.Damage`, `EnvironmentDisturbed`.
    package init(
        _ h: PriorHyperparameters, vqvae: VQVAEHyperparameters, weights set: WeightSet, profile: NumericProfile,
        store: PackedStore? = nil, identity: WeightIdentity? = nil, firstLayers: Int? = nil
    ) throws {
        let disturbances = FloatEnvironment.disturbances
        FloatEnvironment.settle()
        self.profile = profile
        residentBytes = h.weightBytes(vqvae: vqvae, profile: profile, firstLayers: firstLayers) {
            set.tensors[$0]?.type.size
        }
        let table = WeightTable.prior(h, vqvae: vqvae, firstLayers: firstLayers)
        let weights = try Weights(set, table: table, store: store, identity: identity)
        // What is in the store was looked through when it was put there.
        if store?.isComplete != true { try weights.check(profile, of: h, vqvae: vqvae) }
        hyperparameters = h
        codes = vqvae.codes
        shape = h.transformer(codes: vqvae.codes)
        transformer = try Transformer(weights, "prior", shape: shape, profile: profile, depth: firstLayers)
        embedding = try EmbeddingTable(weights, "prior.x_emb.weight")
        positions = try EmbeddingTable(weights, "prior.pos_emb.pos_emb")
        startToken = h.labels || h.singleSequence ? nil : Buffer(try weights.floats("prior.start_token"))
        output =
            firstLayers != nil
            ? nil
            : try .packing(
                weights, h.mergedDecoder ? "prior.x_out.weight" : "prior.x_emb.weight", transposed: true,
                storage: profile.otherWeights)
        let top = h.level == vqvae.levels - 1
        if h.labels {
            func table(_ name: String) throws -> EmbeddingTable {
                try EmbeddingTable(weights, "y_emb.\(name).emb.weight")
            }
            labels = LabelConditioner(
                width: h.width, genres: try table("bow_genre_emb"), artists: try table("artist_emb"),
                timing: top
                    ? TimingEmbedding(
                        prior: h, total: try table("total_length_emb"), absolute: try table("absolute_pos_emb"),
                        relative: try table("relative_pos_emb")) : nil,
                genreSlots: h.genreSlots ?? 0)
        } else {
            labels = nil
        }
        windowLengthAbove = top ? nil : h.windowLength / vqvae.downsamples[h.level + 1]
        conditioner = top ? nil : try Conditioner(weights, prior: h, vqvae: vqvae, profile: profile)
        let readsLyrics = h.transformer(codes: vqvae.codes).attendsToLyricEncoder(inFirst: firstLayers ?? h.depth)
        lyricEncoder = try h.lyricTransformer.flatMap {
            readsLyrics ? try LyricEncoder(weights, shape: $0, profile: profile) : nil
        }
        FloatEnvironment.check()
        guard FloatEnvironment.disturbances == disturbances else { throw EnvironmentDisturbed() }
    }

    /// Rows before the music: the lyric tokens of a single sequence.
    package var prefix: Int { hyperparameters.lyricPrefix }

    /// Rows of one run may not cross a multiple of this.
    package var blockLength: Int { shape.blockLength }

    /// Bytes of caches and conditioning that one sequence needs.
    package var bytesPerSequence: Int {
        shape.cacheBytes(type: profile.caches, layers: transformer.depth)
            + (conditioner == nil ? 0 : 4 * hyperparameters.windowLength * shape.width)
    }

    /// Begins a window. Rows can be computed once `prepare` says so.
    ///
    /// - Parameters:
    ///   - labels: the window's label vector; empty without labels.
    ///   - above: the slice of the level above; nil at the top.
    ///   - caches: those of a sequence that has ended, to use their memory again.
    package func beginSequence(labels y: [Int], above: [UInt16]?, caches: SequenceCaches? = nil) -> PriorSequence {
        let start = Buffer<Float>(count: shape.width)
        if let labels {
            labels.start(y, into: start.pointer)
        } else if let startToken {
            start.pointer.update(from: startToken.pointer, count: shape.width)
        }
        let sequence = PriorSequence(
            vocabulary: vocabulary, labels: y, start: start,
            caches: caches?.layers ?? transformer.makeCaches())
        sequence.conditionerRun = above.flatMap { conditioner?.begin($0) }
        sequence.awaitsLyrics = lyricEncoder != nil
        if prefix > 0 { sequence.tokens = lyrics(of: y).map(Int32.init) }
        sequence.tokens.reserveCapacity(shape.length)
        return sequence
    }

    private func lyrics(of labels: [Int]) -> [Int] {
        Array(labels.suffix(hyperparameters.labels ? hyperparameters.lyricLength : 0))
    }

    /// Computes a piece of what a window's rows depend on: the conditioning by the level above, and the lyrics. Pieces
    /// are short, so that other windows need not wait for all of it.
    ///
    /// - Returns: whether it is all there.
    package func prepare(_ sequence: PriorSequence, team: ThreadTeam) -> Bool {
        if sequence.conditionerRun != nil {
            guard let rows = sequence.conditionerRun?.advance(team: team) else { return false }
            sequence.conditioning = rows
            sequence.conditionerRun = nil
        } else if sequence.awaitsLyrics, let lyricEncoder {
            let states = lyricEncoder.apply(lyrics(of: sequence.labels), team: team)
            transformer.attendLyrics(states.pointer, caches: sequence.caches, team: team)
            sequence.awaitsLyrics = false
        }
        return sequence.conditionerRun == nil && !sequence.awaitsLyrics
    }

    /// Begins a window, and computes all that its rows depend on.
    package func makeSequence(labels: [Int], above: [UInt16]?, team: ThreadTeam) -> PriorSequence {
        let sequence = beginSequence(labels: labels, above: above)
        while !prepare(sequence, team: team) {}
        return sequence
    }

    /// See `Vocabulary`.
    package var vocabulary: Vocabulary {
        Vocabulary(codes: codes, lyrics: prefix > 0 ? hyperparameters.lyricVocabulary : 0)
    }

    /// Memory for steps of at most `rows` rows. One for each engine thread.
    ///
    /// - Parameter smallWork: products of numbers in a layer's step below which one thread does it alone.
    package func makeWorkspace(
        rows: Int, team: ThreadTeam, smallWork: Int = Transformer.usualSmallWork
    ) -> PriorWorkspace {
        PriorWorkspace(shape: shape, rows: rows, team: team, smallWork: smallWork)
    }

    /// Computes rows of several sequences at once and writes logits.
    ///
    /// Row r of a sequence is computed from token r − 1, so `tokens.count + 1` rows can be there at most. The
    /// bits of a row depend on its sequence alone. Allocates nothing.
    ///
    /// - Parameters:
    ///   - logits: [wanted rows][vocabulary]: for each run its last row, or all its rows.
    package func step(
        _ runs: [PriorRun], workspace: PriorWorkspace, logits: UnsafeMutablePointer<Float>?, team: ThreadTeam
    ) {
        step(runs, workspace: workspace, logits: logits, team: team, recorder: nil)
    }

    func step(
        _ runs: [PriorRun], workspace: PriorWorkspace, logits: UnsafeMutablePointer<Float>?, team: ThreadTeam,
        recorder: AttentionRecorder?, taps: LayerTaps? = nil
    ) {
        let width = shape.width
        let x = workspace.x.pointer
        var row = 0
        for run in runs {
            for offset in 0..<run.rows {
                embed(run.sequence, row: run.sequence.computed + offset, into: x + row * width, workspace)
                (workspace.condition.pointer + row * width).update(
                    from: workspace.one.pointer, count: width)
                row += 1
            }
        }
        for run in runs {
            workspace.runs.append(
                TransformerRun(caches: run.sequence.caches, position: run.sequence.computed, rows: run.rows))
        }
        if let taps {
            forward(workspace, taps: taps, team: team)
        } else {
            transformer.forward(
                workspace.x, runs: workspace.runs, workspace: workspace.transformer, team: team, recorder: recorder)
        }
        workspace.runs.removeAll(keepingCapacity: true)
        if let logits { project(runs, workspace: workspace, logits: logits, team: team) }
        for run in runs { run.sequence.computed += run.rows }
    }

    /// Token + position + condition; leaves the condition in `workspace.one`.
    private func embed(
        _ sequence: PriorSequence, row: Int, into x: UnsafeMutablePointer<Float>, _ workspace: PriorWorkspace
    ) {
        if row == 0 {
            x.update(from: sequence.start.pointer, count: shape.width)
        } else {
            embedding.copy(row: Int(sequence.tokens[row - 1]), to: x)
        }
        positions.add(row: row, to: x)
        let condition = workspace.one.pointer
        let music = row - prefix
        if music < 0 {
            condition.update(repeating: 0, count: shape.width)
        } else if let rows = sequence.conditioning {
            condition.update(from: rows.pointer + music * shape.width, count: shape.width)
        } else if let timing = labels?.timing {
            timing.write(sequence.labels, position: music, into: condition)
        } else {
            condition.update(repeating: 0, count: shape.width)
        }
        Kernels.active.accumulate(condition, onto: x, count: shape.width)
    }

    /// Adds the condition again unless the decoder is merged, then multiplies by the output weights.
    private func project(
        _ runs: [PriorRun], workspace: PriorWorkspace, logits: UnsafeMutablePointer<Float>, team: ThreadTeam
    ) {
        let width = shape.width
        var row = 0
        var wanted = 0
        for run in runs {
            for offset in 0..<run.rows where run.logits == .all || (run.logits == .last && offset == run.rows - 1) {
                let source = workspace.x.pointer + (row + offset) * width
                let target = workspace.x.pointer + wanted * width
                if target != source { target.update(from: source, count: width) }
                if !hyperparameters.mergedDecoder {
                    Kernels.active.accumulate(
                        workspace.condition.pointer + (row + offset) * width, onto: target, count: width)
                }
                wanted += 1
            }
            row += run.rows
        }
        guard wanted > 0 else { return }
        guard let output else { preconditionFailure("first layers alone have no logits") }
        output.multiply(
            workspace.x.pointer, rows: wanted, xStride: width, into: logits, yStride: shape.vocabulary, team: team)
    }
}

/// One window being computed: its tokens so far, its conditioning, and its caches. Used by one thread at a time.
package final class PriorSequence {
    /// Vocabulary tokens: lyric prefix, prime, and what was drawn.
    package internal(set) var tokens: [Int32] = []
    private let vocabulary: Vocabulary
    /// Rows whose keys and values are in the caches.
    package internal(set) var computed = 0
    let labels: [Int]
    let start: Buffer<Float>
    var conditioning: Buffer<Float>?
    let caches: [AttentionCache]
    /// What is still to be computed before the first row.
    var conditionerRun: Conditioner.Run?
    var awaitsLyrics = false

    init(
        vocabulary: Vocabulary, labels: [Int], start: Buffer<Float>, conditioning: Buffer<Float>? = nil,
        caches: [AttentionCache]
    ) {
        self.vocabulary = vocabulary
        self.labels = labels
        self.start = start
        self.conditioning = conditioning
        self.caches = caches
    }

    /// The memory of the caches, for another sequence when this one has ended.
    package var recyclable: SequenceCaches { SequenceCaches(layers: caches) }

    /// Appends tokens that are known: a prime, what was sampled before, or the token just drawn.
    package func append(_ tokens: some Sequence<UInt16>) {
        for token in tokens { self.tokens.append(vocabulary.token(of: token)) }
    }
}

/// What a step does for one sequence.
package struct PriorRun {
    package enum Logits: Sendable { case none, last, all }
    package var sequence: PriorSequence
    package var rows: Int
    package var logits: Logits

    package init(_ sequence: PriorSequence, rows: Int, logits: Logits) {
        self.sequence = sequence
        self.rows = rows
        self.logits = logits
    }
}

/// Memory that steps of one engine share.
package final class PriorWorkspace {
    let x: Buffer<Float>
    let condition: Buffer<Float>
    let one: Buffer<Float>
    let transformer: Transformer.Workspace
    /// Of the step that runs; empty between steps.
    var runs: [TransformerRun] = []
    package let rows: Int

    init(shape: TransformerShape, rows: Int, team: ThreadTeam, smallWork: Int) {
        self.rows = rows
        x = Buffer(count: rows * shape.width)
        condition = Buffer(count: rows * shape.width)
        one = Buffer(count: shape.width)
        transformer = Transformer.Workspace(shape: shape, rows: rows, team: team, smallWork: smallWork)
    }
}

/// Caches whose content no longer matters: rows are always written before they are seen.
package struct SequenceCaches {
    let layers: [AttentionCache]
}
