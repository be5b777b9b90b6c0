import JukeboxModel

/// Draws several tokens of one window in a step, exactly.
///
/// Rows for guessed tokens are computed together with the row that is due. Chance is a function of the position, so the
/// token drawn from a row is the right one as soon as all guesses before it were: those are kept, and what was drawn after
/// the first wrong guess are the next guesses (a fixed-point iteration). Tokens are the same as one at a time.
package final class Lookahead {
    private let depth: Int
    /// Positions after which the music may repeat: where there is no better guess.
    private let period: Int
    private var guesses: [UInt16] = []
    private var history: [UInt16]

    /// - Parameters:
    ///   - depth: guesses a step.
    ///   - tokens: of the window so far.
    package init(depth: Int, period: Int, tokens: [UInt16]) {
        (self.depth, self.period, history) = (depth, period, tokens)
    }

    /// One step.
    ///
    /// - Returns: the tokens drawn, at least one.
    /// - Throws: `SamplingError`.
    package func step(_ window: ActiveWindow, engine: SamplingEngine, limit: Int) throws -> [UInt16] {
        let room = min(depth, window.rowsToBlockEnd - 1, limit - 1)
        while guesses.count < room {
            let place = history.count + guesses.count - period
            guesses.append(
                place < 0 ? 0 : place < history.count ? history[place] : guesses[place - history.count])
        }
        let drawn = try engine.stepAhead(window, guesses: Array(guesses.prefix(room)))
        let right = zip(guesses, drawn).prefix(room).prefix { $0 == $1 }.count + 1
        history += drawn.prefix(right)
        guesses = Array(drawn.dropFirst(right))
        return Array(drawn.prefix(right))
    }
}
