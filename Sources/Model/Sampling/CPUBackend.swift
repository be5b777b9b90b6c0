package import JukeboxModel
import SongPlan
package import Tensor

/// Windows on the processors of this machine, whose threads share each step.
package final class CPUBackend: WindowBackend {
    package let profile: NumericProfile
    package let ownMemory: Int? = nil
    private let team: ThreadTeam
    private let smallWork: Int
    private let prior: (Int) throws -> Prior
    private let memory: (Int) -> LevelMemory
    private var loaded: [Int: LoadedLevel] = [:]
    private var runs: [PriorRun] = []  // of the step that runs; empty between steps

    /// - Parameters:
    ///   - profile: that of the priors.
    ///   - smallWork: see `Prior.makeWorkspace`.
    ///   - memory: of a level.
    ///   - prior: loads a level's prior.
    package init(
        profile: NumericProfile, team: ThreadTeam, smallWork: Int = Transformer.usualSmallWork,
        memory: @escaping (Int) -> LevelMemory, prior: @escaping (Int) throws -> Prior
    ) {
        self.profile = profile
        self.team = team
        self.smallWork = smallWork
        self.memory = memory
        self.prior = prior
    }

    /// All levels of a model, in its profile.
    ///
    /// - Parameter announced: by level, what its weights must be whenever they are loaded; nil for whatever they are.
    package convenience init(
        model: Model, team: ThreadTeam, smallWork: Int = Transformer.usualSmallWork,
        announced: [Int: WeightIdentity] = [:]
    ) {
        self.init(
            profile: model.profile, team: team, smallWork: smallWork,
            memory: { model.memory(level: $0) },
            prior: { try model.prior(level: $0, announced: announced[$0]) })
    }

    /// One level, whose prior is there and stays, for steps of at most `rows` rows.
    package convenience init(
        _ prior: Prior, rows: Int, team: ThreadTeam, smallWork: Int = Transformer.usualSmallWork
    ) {
        self.init(
            profile: prior.profile, team: team, smallWork: smallWork,
            memory: { _ in LevelMemory(weights: prior.residentBytes, window: prior.bytesPerSequence) },
            prior: { level in
                precondition(level == prior.hyperparameters.level, "the prior is of another level")
                return prior
            })
        loaded[prior.hyperparameters.level] = LoadedLevel(prior: prior, rows: rows, team: team, smallWork: smallWork)
    }

    package func memory(level: Int) -> LevelMemory { memory(level) }

    package func load(level: Int, rows: Int) throws {
        guard loaded[level] == nil else { return }
        loaded[level] = LoadedLevel(prior: try prior(level), rows: rows, team: team, smallWork: smallWork)
    }

    package func unload(level: Int) { loaded[level] = nil }

    package func begin(_ input: WindowInput, level: Int) -> any BackendWindow {
        let loaded = loadedLevel(level)
        let sequence = FloatEnvironment.exact {
            loaded.prior.beginSequence(labels: input.labels, above: input.above, caches: loaded.spareCaches())
        }
        return CPUWindow(level: level, prior: loaded.prior, sequence: sequence, input: input)
    }

    package func prepare(_ window: any BackendWindow) -> Bool {
        let window = own(window)
        return FloatEnvironment.exact { loadedLevel(window.level).prior.prepare(window.sequence, team: team) }
    }

    package func recycle(_ window: any BackendWindow) {
        let window = own(window)
        loaded[window.level]?.keep(window.sequence.recyclable)
    }

    package func step(_ work: [WindowRows], level: Int, outcomes: inout [StepOutcome]) {
        FloatEnvironment.settle()
        defer { FloatEnvironment.check() }
        let loaded = loadedLevel(level)
        for item in work {
            let wantsToken = item.rows == item.window.pendingRows
            runs.append(
                PriorRun(own(item.window).sequence, rows: item.rows, logits: wantsToken ? .last : .none))
        }
        loaded.prior.step(runs, workspace: loaded.workspace, logits: loaded.logits.pointer, team: team)
        outcomes.removeAll(keepingCapacity: true)
        var row = 0
        for (run, item) in zip(runs, work) {
            switch run.logits {
            case .none, .all: outcomes.append(.pending)
            case .last:
                outcomes.append(own(item.window).sample(loaded.logits(row: row), scratch: loaded.scratch.pointer))
                row += 1
            }
        }
        runs.removeAll(keepingCapacity: true)
    }

    private func loadedLevel(_ level: Int) -> LoadedLevel {
        guard let loaded = loaded[level] else { preconditionFailure("level \(level) is not loaded") }
        return loaded
    }

    private func own(_ window: any BackendWindow) -> CPUWindow {
        guard let window = window as? CPUWindow else { preconditionFailure("the window is another backend's") }
        return window
    }
}

/// A level's weights, and what its steps need.
private final class LoadedLevel {
    let prior: Prior
    let workspace: PriorWorkspace
    /// [rows][vocabulary]; as many rows as windows get a token.
    let logits: Buffer<Float>
    let scratch: Buffer<UInt64>
    private var spare: [SequenceCaches] = []

    init(prior: Prior, rows: Int, team: ThreadTeam, smallWork: Int) {
        self.prior = prior
        workspace = prior.makeWorkspace(rows: rows, team: team, smallWork: smallWork)
        logits = Buffer(count: rows * prior.shape.vocabulary)
        scratch = Buffer(count: 2 * prior.shape.vocabulary)
    }

    func logits(row: Int) -> UnsafeMutablePointer<Float> { logits.pointer + row * prior.shape.vocabulary }

    func keep(_ caches: SequenceCaches) { spare.append(caches) }

    func spareCaches() -> SequenceCaches? { spare.popLast() }
}

/// A window on the processor. Not the prior itself, whose weights may leave the memory while the window waits.
final class CPUWindow: BackendWindow {
    let level: Int
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

    fileprivate init(level: Int, prior: Prior, sequence: PriorSequence, input: WindowInput) {
        self.level = level
        self.sequence = sequence
        vocabulary = prior.vocabulary
        prefix = prior.prefix
        blockLength = prior.blockLength
        draw = input.draw
        start = input.start
        tokens = input.tokens.count
        sequence.append(input.tokens)
    }

    var pendingRows: Int { prefix + tokens + 1 - sequence.computed }

    var rowsToBlockEnd: Int { blockLength - sequence.computed % blockLength }

    func extend(to tokens: [UInt16]) {
        precondition(tokens.count >= self.tokens, "a window does not lose tokens")
        sequence.append(tokens[self.tokens...])
        self.tokens = tokens.count
    }

    /// Draws the next token from its logits [vocabulary].
    fileprivate func sample(
        _ logits: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<UInt64>
    ) -> StepOutcome {
        do {
            let token = try draw.token(logits, vocabulary, position: start + tokens, scratch: scratch)
            sequence.append(CollectionOfOne(token))
            tokens += 1
            return .token(token)
        } catch {
            return .failed("\(error)")
        }
    }
}
