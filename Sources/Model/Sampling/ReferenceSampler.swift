package import JukeboxModel
package import SongPlan
package import Tensor

/// Samples a whole song window by window, with nothing in between: the plainest reading of the plan, and what the
/// cluster's result must equal.
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
            let engine = SamplingEngine(
                prior: prior, rows: max(prior.blockLength, labels.count), team: team)
            for window in level.windows { try sample(window, level.level, engine, &tokens) }
        }
        return tokens
    }

    private func sample(
        _ window: Window, _ level: Int, _ engine: SamplingEngine, _ tokens: inout [[[UInt16]]]
    ) throws {
        let shape = plan.geometry.levels[level]
        let batch = labels.indices.map { sample in
            ActiveWindow(
                prior: engine.prior,
                labels: labellers[level].vector(labels[sample][level], start: window.range.lowerBound),
                above: window.above.map { Array(tokens[level + 1][sample][$0]) }, start: window.range.lowerBound,
                tokens: Array(tokens[level][sample][window.prime]),
                draw: TokenDraw(seed: seed, sample: sample, level: level, filter: filters[level]), team: team)
        }
        var drawn = [[UInt16]](repeating: [], count: batch.count)
        for (sample, active) in batch.enumerated() {
            while active.pendingRows > 1 {
                let rows = min(active.pendingRows - 1, active.rowsToBlockEnd)
                _ = engine.step([(active, rows)])
            }
            drawn[sample].reserveCapacity(window.new.count)
        }
        while drawn[0].count < window.new.count {
            for (sample, outcome) in engine.step(batch.map { ($0, 1) }).enumerated() {
                switch outcome {
                case .token(let token): drawn[sample].append(token)
                case .failed(let reason): throw SamplingError(description: reason)
                case .pending: preconditionFailure("one pending row gives a token")
                }
            }
        }
        for sample in batch.indices { tokens[level][sample] += drawn[sample].map(shape.code(of:)) }
    }
}
