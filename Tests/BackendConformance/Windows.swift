import JukeboxModel
import ModelTestSupport
import Sampling
import SongPlan
import Synchronization
import Tensor

/// Windows of a case with unlike songs, primes, filters and places, and what `ReferenceSampler` gives for each alone.
struct Windows: Sendable {
    /// New tokens of each.
    static let count = 24
    let inputs: [WindowInput]
    /// [window][count]
    let tokens: [[UInt16]]
    let blockLength: Int
    /// Lyric rows before the music.
    let prefix: Int

    private static let known = Mutex<[ConformanceCase: Windows]>([:])

    /// Those of a case, computed once a process.
    static func of(_ subject: ConformanceCase) throws -> Windows {
        if let windows = known.withLock({ $0[subject] }) { return windows }
        let windows = try Windows(subject)
        known.withLock { $0[subject] = windows }
        return windows
    }

    private init(_ subject: ConformanceCase) throws {
        let model = try subject.model()
        let prior = try model.prior(level: subject.level)
        let labeller = model.labellers[subject.level]
        let geometry = model.geometry.levels[subject.level]
        var random = SplitMix64(seed: 9)
        inputs = try (0..<6).map { index in
            let song = try labeller.labels(
                SampleSpecification(
                    lyrics: ["Look on my works, ye Mighty, and despair!", "Nothing beside remains.", ""][index % 3],
                    artistID: index % 4,
                    genreIDs: Array([2, 1, 3].prefix(min(index % 3 + 1, labeller.prior.genreSlots ?? 1)))),
                defaultTotal: 4_410_000)
            let code = { UInt16.random(in: 0..<UInt16(prior.codes), using: &random) }
            return WindowInput(
                labels: labeller.vector(song, start: 8 * index),
                above: geometry.tokensPerUpperToken.map { (0..<geometry.windowLength / $0).map { _ in code() } },
                start: 8 * index, tokens: (0..<[20, 0, 7, 33, 1, 16][index]).map { _ in code() },
                draw: TokenDraw(seed: 77, sample: index, level: subject.level, filter: Self.filters[index % 3]))
        }
        let team = ThreadTeam(threads: 1)
        tokens = try inputs.map {
            try ReferenceSampler.tokens(prior: prior, [$0], count: Self.count, team: team)[0]
        }
        blockLength = prior.blockLength
        prefix = prior.prefix
    }

    private static let filters = [
        Filter(temperature: 1), Filter(temperature: 0.7, topK: 9), Filter(temperature: 1.3, topP: 0.9),
    ]
}

/// A backend with the case's level in memory, driven window by window.
final class Driver {
    let backend: any WindowBackend
    let level: Int
    private var outcomes: [StepOutcome] = []

    init(_ backend: any WindowBackend, level: Int, rows: Int) throws {
        self.backend = backend
        self.level = level
        try backend.load(level: level, rows: rows)
    }

    /// A window that is begun and prepared.
    func begin(_ input: WindowInput) throws -> any BackendWindow {
        let window = try backend.begin(input, level: level)
        while try !backend.prepare(window) {}
        return window
    }

    func step(_ work: [WindowRows]) throws -> [StepOutcome] {
        backend.step(work, level: level, outcomes: &outcomes)
        guard outcomes.count == work.count else {
            throw Deviation("a step of \(work.count) windows has \(outcomes.count) outcomes")
        }
        return outcomes
    }

    /// Tokens of a window that is computed alone.
    ///
    /// - Parameter most: rows of a step.
    func sample(_ window: any BackendWindow, count: Int, most: Int) throws -> [UInt16] {
        var tokens: [UInt16] = []
        while tokens.count < count {
            let rows = min(most, window.pendingRows, window.rowsToBlockEnd)
            let isLast = rows == window.pendingRows
            switch try step([WindowRows(window, rows: rows)])[0] {
            case .pending:
                if isLast { throw Deviation("a window's last pending row gives no token") }
            case .token(let token):
                if !isLast { throw Deviation("a window has a token before its last pending row") }
                tokens.append(token)
            case .failed(let reason): throw Deviation("a window fails: \(reason)")
            }
        }
        return tokens
    }
}

/// What a backend does that it must not.
struct Deviation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
