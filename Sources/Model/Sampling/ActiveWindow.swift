package import JukeboxModel
import SongPlan
package import Tensor

/// A window in a running batch.
package final class ActiveWindow {
    let sequence: PriorSequence
    private let vocabulary: Vocabulary
    /// Rows before the music.
    private let prefix: Int
    private let blockLength: Int
    private let draw: TokenDraw
    /// Place of the window's first token in its level.
    private let start: Int
    /// Tokens of the window that exist.
    private var tokens: Int

    fileprivate init(prior: Prior, sequence: PriorSequence, start: Int, tokens: [UInt16], draw: TokenDraw) {
        // Not the prior itself: its weights may leave the memory while the window waits.
        vocabulary = prior.vocabulary
        prefix = prior.prefix
        blockLength = prior.blockLength
        self.sequence = sequence
        self.draw = draw
        self.start = start
        self.tokens = tokens.count
        sequence.append(tokens)
    }

    /// Begins a window outside of a running batch, all of what its rows need at once. See `SamplingEngine.begin`.
    package convenience init(
        prior: Prior, labels: [Int], above: [UInt16]?, start: Int, tokens: [UInt16], draw: TokenDraw, team: ThreadTeam
    ) {
        let sequence = prior.makeSequence(labels: labels, above: above, team: team)
        self.init(prior: prior, sequence: sequence, start: start, tokens: tokens, draw: draw)
    }

    /// More of the prime exists. Its rows are computed when their turn comes.
    ///
    /// - Parameter tokens: all tokens of the window that exist; those that it has are the first of them.
    package func extend(to tokens: [UInt16]) {
        precondition(tokens.count >= self.tokens, "a window does not lose tokens")
        sequence.append(tokens[self.tokens...])
        self.tokens = tokens.count
    }

    /// Rows to compute before the next token can be drawn: its own, and those of tokens that are not in the
    /// caches yet.
    package var pendingRows: Int { prefix + tokens + 1 - sequence.computed }

    /// Rows until a block ends, which a step may not cross.
    package var rowsToBlockEnd: Int { blockLength - sequence.computed % blockLength }

    fileprivate func take(
        _ logits: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<UInt64>
    ) throws(SamplingError) -> UInt16 {
        let index = try draw.draw(
            logits, count: vocabulary.codes + vocabulary.lyrics, position: start + tokens, scratch: scratch)
        let token = vocabulary.sampledValue(index)
        sequence.append(CollectionOfOne(token))
        tokens += 1
        return token
    }
}

/// What a step did for one window.
package enum StepOutcome: Sendable, Hashable {
    /// Rows were computed; the window has more before its next token.
    case pending
    case token(UInt16)
    /// The window cannot go on; the others of the batch are not concerned.
    case failed(String)
}

/// Computes steps of a running batch of windows of one prior.
package final class SamplingEngine {
    package let prior: Prior
    private let team: ThreadTeam
    private let workspace: PriorWorkspace
    private let logits: Buffer<Float>
    private let scratch: Buffer<UInt64>
    private var spare: [SequenceCaches] = []
    /// Of the step that runs; empty between steps.
    private var runs: [PriorRun] = []

    /// - Parameter rows: the most rows of a step.
    package init(prior: Prior, rows: Int, team: ThreadTeam) {
        self.prior = prior
        self.team = team
        workspace = prior.makeWorkspace(rows: rows, team: team)
        logits = Buffer(count: rows * prior.shape.vocabulary)
        scratch = Buffer(count: 2 * prior.shape.vocabulary)
    }

    package var maximumRows: Int { workspace.rows }

    /// Begins a window.
    ///
    /// - Parameters:
    ///   - labels: the window's label vector.
    ///   - above: the slice of the level above; nil at the top.
    ///   - start: place of the window's first token in its level.
    ///   - tokens: the prime, then what was sampled of the window before.
    package func begin(
        labels: [Int], above: [UInt16]?, start: Int, tokens: [UInt16], draw: TokenDraw
    ) -> ActiveWindow {
        let sequence = prior.beginSequence(labels: labels, above: above, caches: spare.popLast())
        return ActiveWindow(prior: prior, sequence: sequence, start: start, tokens: tokens, draw: draw)
    }

    /// Computes a piece of what a window needs before its first row.
    ///
    /// - Returns: whether it is all there, so that the window can be in a step.
    package func prepare(_ window: ActiveWindow) -> Bool { prior.prepare(window.sequence, team: team) }

    /// Keeps the memory of a window that has ended for the next one.
    package func recycle(_ window: ActiveWindow) { spare.append(window.sequence.recyclable) }

    /// Computes some pending rows of each window; those whose last pending row is among them get a token.
    package func step(_ work: [(window: ActiveWindow, rows: Int)]) -> [StepOutcome] {
        var outcomes: [StepOutcome] = []
        step(work, outcomes: &outcomes)
        return outcomes
    }

    /// The same with room for the outcomes, one for each window in order, that the caller uses again: allocates nothing
    /// after the first steps.
    package func step(_ work: [(window: ActiveWindow, rows: Int)], outcomes: inout [StepOutcome]) {
        for (window, rows) in work {
            runs.append(
                PriorRun(window.sequence, rows: rows, logits: rows == window.pendingRows ? .last : .none))
        }
        prior.step(runs, workspace: workspace, logits: logits.pointer, team: team)
        outcomes.removeAll(keepingCapacity: true)
        var row = 0
        for (run, item) in zip(runs, work) {
            guard run.logits == .last else {
                outcomes.append(.pending)
                continue
            }
            do {
                let own = logits.pointer + row * prior.shape.vocabulary
                outcomes.append(.token(try item.window.take(own, scratch: scratch.pointer)))
            } catch {
                outcomes.append(.failed("\(error)"))
            }
            row += 1
        }
        runs.removeAll(keepingCapacity: true)
    }
}
