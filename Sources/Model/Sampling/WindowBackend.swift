package import JukeboxModel

/// A worker's arithmetic: it computes windows, many at a time, and draws their tokens. The processor is one backend
/// (`CPUBackend`).
///
/// What is the same for every backend, and what `BackendConformance` tests: a window's tokens are those of
/// `ReferenceSampler`, whatever shares its steps, however its rows are cut, and whatever memory it is given. Backends of
/// one numeric profile may share a song.
///
/// One thread at a time uses a backend and its windows. Nothing here waits for anything but arithmetic.
package protocol WindowBackend: AnyObject {
    /// How numbers are kept, and with it every bit that is computed; begins the fingerprints of what it samples.
    var profile: NumericProfile { get }

    /// Bytes that weights and windows may take where they do not lie in the process's memory; nil where they do.
    var ownMemory: Int? { get }

    /// What a level takes. Told without loading it.
    func memory(level: Int) -> LevelMemory

    /// Brings a level's weights in. Does nothing when they are there.
    ///
    /// - Parameter rows: the most rows of a step, over all its windows.
    /// - Throws: what reading the model throws, that it is not what was announced, or that there is no room; the level is
    ///   then not there.
    func load(level: Int, rows: Int) throws

    /// Lets go of a level's weights, if they are there. Its windows stay, and go on when it is loaded again.
    func unload(level: Int)

    /// Begins a window. Rows can be computed once `prepare` says so. The level is loaded.
    ///
    /// - Throws: that this window cannot be computed; others are not concerned.
    func begin(_ input: WindowInput, level: Int) throws -> any BackendWindow

    /// Computes a piece of what a window's rows depend on: its lyrics and the level above. Pieces are short, so that
    /// other windows need not wait for all of it. The window's level is loaded.
    ///
    /// - Returns: whether it is all there, so that the window can be in a step.
    /// - Throws: that this window cannot be computed; it is at its end.
    func prepare(_ window: any BackendWindow) throws -> Bool

    /// Computes some pending rows of each window, from its first pending one on; one whose last pending row is among
    /// them gets a token, which becomes part of it. Allocates nothing once a few steps of that size have run.
    ///
    /// - Parameters:
    ///   - work: different windows of `level`, which is loaded, that are prepared; at most `load`'s rows in all.
    ///   - outcomes: is replaced by one for each window, in order.
    func step(_ work: [WindowRows], level: Int, outcomes: inout [StepOutcome])

    /// Keeps the memory of a window that has ended, at whatever row, for the next of its level.
    func recycle(_ window: any BackendWindow)
}

/// A window that a backend computes: a handle that only the backend that began it understands.
package protocol BackendWindow: AnyObject {
    /// Rows to compute before the next token can be drawn: its own, and those of tokens that were not computed yet.
    var pendingRows: Int { get }

    /// Rows until an attention block ends, which one step's rows of a window may not cross.
    var rowsToBlockEnd: Int { get }

    /// More of the prime exists. Its rows are computed when their turn comes.
    ///
    /// - Parameter tokens: all tokens of the window that exist; those that it has are the first of them.
    func extend(to tokens: [UInt16])
}

/// All that a window's tokens depend on, beside the model.
package struct WindowInput: Sendable {
    /// The label vector (`Labeller.vector`); empty for a model without labels.
    package var labels: [Int]
    /// The slice of the level above that belongs to the window; nil at the top.
    package var above: [UInt16]?
    /// Place of the window's first token in its level.
    package var start: Int
    /// The prime, then what was sampled of the window before; sampled values (`LevelGeometry.vocabulary`).
    package var tokens: [UInt16]
    /// How tokens are drawn.
    package var draw: TokenDraw

    package init(labels: [Int], above: [UInt16]?, start: Int, tokens: [UInt16], draw: TokenDraw) {
        self.labels = labels
        self.above = above
        self.start = start
        self.tokens = tokens
        self.draw = draw
    }
}

/// Some rows of a window, as a step computes them.
package struct WindowRows {
    package var window: any BackendWindow
    /// From the first pending one on; at most `pendingRows` and `rowsToBlockEnd`.
    package var rows: Int

    package init(_ window: any BackendWindow, rows: Int) {
        self.window = window
        self.rows = rows
    }
}

/// What a step did for one window.
package enum StepOutcome: Sendable, Hashable {
    /// Rows were computed; the window has more before its next token.
    case pending
    case token(UInt16)
    /// The window cannot go on, with the reason for people; the others of the batch are not concerned.
    case failed(String)
}
