package import JukeboxModel
import Sampling
import SongPlan
package import Tensor

/// Measures what drawing several tokens of one window in a step gains, level by level of a trained model.
package struct LookaheadBenchmark {
    private let model: Model
    private let team: ThreadTeam
    private let count: Int

    package init(model: Model, team: ThreadTeam, quick: Bool) {
        (self.model, self.team) = (model, team)
        count = quick ? 512 : 2048
    }

    /// For each level and number of guesses, tokens a second and tokens a step.
    package func run() throws -> [Figure] {
        var figures: [Figure] = []
        var above: [UInt16]?
        for level in model.geometry.levels.indices.reversed() {
            let prior = try model.prior(level: level)
            let ratio = model.geometry.levels[level].tokensPerUpperToken ?? 1
            let slice = above.map { Array($0.prefix(count / ratio)) }
            var single: [UInt16] = []
            for depth in [0, 1, 3, 7, 15] {
                let (tokens, seconds, steps) = try sample(prior, level: level, above: slice, depth: depth)
                if depth == 0 { single = tokens }
                precondition(tokens == single, "guesses changed a token")
                figures.append(
                    Figure(
                        "lookahead", "level \(level), \(depth) guesses", Double(count) / seconds, "tokens/s",
                        share: Double(count) / Double(steps), of: "a token a step"))
            }
            above = single
        }
        return figures
    }

    private func sample(
        _ prior: Prior, level: Int, above: [UInt16]?, depth: Int
    ) throws -> (tokens: [UInt16], seconds: Double, steps: Int) {
        let engine = SamplingEngine(prior: prior, rows: depth + 1, team: team)
        let window = engine.begin(
            labels: prior.exampleLabels, above: above, start: 0, tokens: [],
            draw: TokenDraw(
                seed: 3, sample: 0, level: level, filter: Filter(temperature: 0.99, topK: 0, topP: 0)))
        while !engine.prepare(window) {}
        while window.pendingRows > 1 { _ = engine.step([(window, min(1, window.rowsToBlockEnd))]) }
        let lookahead = Lookahead(depth: depth, period: prior.blockLength, tokens: [])
        var tokens: [UInt16] = []
        var steps = 0
        let start = ContinuousClock.now
        while tokens.count < count {
            tokens += try lookahead.step(window, engine: engine, limit: count - tokens.count)
            steps += 1
        }
        return (tokens, start.duration(to: .now) / .seconds(1), steps)
    }
}
