package import JukeboxModel
package import SongPlan
package import Tensor

/// Samples a whole song window by window, with nothing in between: the plainest reading of the plan, and what the
/// cluster's result must equal. It defines the tokens that every `WindowBackend` must give.
package struct ReferenceSampler {
    package let plan: Plan
    package let seed: UInt64
    /// By level.
    package let filters: [Filter]
    /// [sample][level].
    package let labels: [[SongLabels]]
    package let labellers: [Labeller]
    package let team: ThreadTeam

    package init(
        plan: Plan, seed: UInt64, filters: [Filter], labels: [[SongLabels]], labellers: [Labeller], team: ThreadTeam
    ) {
        self.plan = plan
        self.seed = seed
        self.filters = filters
        self.labels = labels
        self.labellers = labellers
        self.team = team
    }

    /// - Parameters:
    ///   - known: [level][sample]: tokens that are there.
    ///   - prior: loads a level's prior.
    /// - Returns: [level][sample] tokens.
    package func sample(known: [[[UInt16]]], prior load: (Int) throws -> Prior) throws -> [[[UInt16]]] {
        var tokens = known
        for level in plan.levels.reversed() where !level.windows.isEmpty {
            let prior = try load(level.level)
            let code = plan.geometry.levels[level.level].code(of:)
            for window in level.windows {
                let inputs = labels.indices.map { input(window, level.level, sample: $0, tokens) }
                let new = try Self.tokens(prior: prior, inputs, count: window.new.count, team: team)
                for sample in labels.indices { tokens[level.level][sample] += new[sample].map(code) }
            }
        }
        return tokens
    }

    private func input(_ window: Window, _ level: Int, sample: Int, _ tokens: [[[UInt16]]]) -> WindowInput {
        let start = window.range.lowerBound
        return WindowInput(
            labels: labellers[level].vector(labels[sample][level], start: start),
            above: window.above.map { Array(tokens[level + 1][sample][$0]) }, start: start,
            tokens: Array(tokens[level][sample][window.prime]),
            draw: TokenDraw(seed: seed, sample: sample, level: level, filter: filters[level]))
    }

    /// The tokens of some windows of one level: what each one has is computed first, block by block; then all of them
    /// get a token at a time.
    ///
    /// - Parameter count: new tokens of each window.
    /// - Returns: [window][count], sampled values (`LevelGeometry.vocabulary`).
    /// - Throws: `SamplingError`.
    package static func tokens(
        prior: Prior, _ inputs: [WindowInput], count: Int, team: ThreadTeam
    ) throws(SamplingError) -> [[UInt16]] {
        let vocabulary = prior.shape.vocabulary
        let workspace = prior.makeWorkspace(rows: max(prior.blockLength, inputs.count), team: team)
        let logits = Buffer<Float>(count: inputs.count * vocabulary)
        let scratch = Buffer<UInt64>(count: 2 * vocabulary)
        let sequences = inputs.map { input in
            let sequence = prior.makeSequence(labels: input.labels, above: input.above, team: team)
            sequence.append(input.tokens)
            let known = prior.prefix + input.tokens.count
            while sequence.computed < known {
                let toBlockEnd = prior.blockLength - sequence.computed % prior.blockLength
                let run = PriorRun(sequence, rows: min(toBlockEnd, known - sequence.computed), logits: .none)
                prior.step([run], workspace: workspace, logits: nil, team: team)
            }
            return sequence
        }
        var tokens = inputs.map { _ in [UInt16]() }
        for place in 0..<count {
            let runs = sequences.map { PriorRun($0, rows: 1, logits: .last) }
            prior.step(runs, workspace: workspace, logits: logits.pointer, team: team)
            for (index, input) in inputs.enumerated() {
                let token = try input.draw.token(
                    logits.pointer + index * vocabulary, prior.vocabulary,
                    position: input.start + input.tokens.count + place, scratch: scratch.pointer)
                sequences[index].append(CollectionOfOne(token))
                tokens[index].append(token)
            }
        }
        return tokens
    }
}
