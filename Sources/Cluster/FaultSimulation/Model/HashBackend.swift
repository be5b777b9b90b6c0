import JukeboxModel
import Sampling
import SongPlan

/// Computes windows of the stand-in for a model, and takes its time by the engine's clock.
final class HashBackend: WindowBackend {
    private let clock: EngineClock
    /// Seconds of a step, and of each row besides.
    var secondsOfStep: Double
    /// A machine that says other tokens than it drew, of this share of its windows.
    let lies: Double

    init(clock: EngineClock, secondsOfStep: Double, lies: Double) {
        (self.clock, self.secondsOfStep, self.lies) = (clock, secondsOfStep, lies)
    }

    let profile = NumericProfile.standard
    var ownMemory: Int? { 1 << 30 }
    func memory(level: Int) -> LevelMemory { LevelMemory(weights: 1, window: 1) }
    func load(level: Int, rows: Int) {}
    func unload(level: Int) {}
    func begin(_ input: WindowInput, level: Int) -> any BackendWindow { HashWindow(input, level: level) }
    func prepare(_ window: any BackendWindow) -> Bool { true }
    func recycle(_ window: any BackendWindow) {}

    func step(_ work: [WindowRows], level: Int, outcomes: inout [StepOutcome]) {
        outcomes.removeAll(keepingCapacity: true)
        var rows = 0
        for item in work {
            guard let window = item.window as? HashWindow, window.level == level else {
                preconditionFailure("a step has a window of another level")
            }
            rows += item.rows
            outcomes.append(window.compute(item.rows).map { .token(said($0, of: window)) } ?? .pending)
        }
        clock.ahead += secondsOfStep * (1 + Double(rows) / 64)
    }

    private func said(_ token: UInt16, of window: HashWindow) -> UInt16 {
        guard lies > 0, Double(window.lot % 1000) < lies * 1000 else { return token }
        return token == 0 ? 1 : token - 1
    }
}

private final class HashWindow: BackendWindow {
    let level: Int
    private let start: Int
    private var tokens: [UInt16] = []
    private var hash: WindowHash
    private var computed = 0
    /// The same for the same window.
    let lot: UInt64

    private static let blocks = 4

    init(_ input: WindowInput, level: Int) {
        self.level = level
        start = input.start
        hash = WindowHash(
            seed: input.draw.seed, sample: input.draw.sample, level: input.draw.level, filter: input.draw.filter,
            labels: input.labels, above: input.above ?? [], start: input.start)
        lot = Mixing.add(UInt64(input.start), to: input.draw.seed ^ UInt64(level))
        extend(to: input.tokens)
    }

    var pendingRows: Int { tokens.count + 1 - computed }

    var rowsToBlockEnd: Int {
        let length = HashModel.geometry.levels[level].windowLength / Self.blocks
        return length - computed % length
    }

    func extend(to all: [UInt16]) {
        precondition(all.starts(with: tokens), "a window goes on with other tokens")
        for token in all.dropFirst(tokens.count) { append(token) }
    }

    private func append(_ token: UInt16) {
        tokens.append(token)
        hash.append(token)
    }

    /// - Returns: the token that was drawn, where there is one.
    func compute(_ rows: Int) -> UInt16? {
        precondition(rows >= 1 && rows <= pendingRows && rows <= rowsToBlockEnd, "a step has rows that it may not have")
        computed += rows
        guard pendingRows == 0 else { return nil }
        let token = hash.token(at: start + tokens.count)
        append(token)
        return token
    }
}
