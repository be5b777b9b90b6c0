import Foundation
package import JukeboxModel
import Sampling
import SongPlan
package import Tensor
import WorkerCore

/// Measures one prior against the machine's limits.
package struct PriorBenchmark {
    private let prior: Prior
    private let team: ThreadTeam
    private let limits: MachineLimits
    private let stopwatch: Stopwatch
    private let random = RandomTokens(seed: 1)
    private let goals: Goals

    package init(prior: Prior, profile: NumericProfile, limits: MachineLimits, team: ThreadTeam, quick: Bool) {
        (self.prior, self.limits, self.team) = (prior, limits, team)
        goals = Goals(profile)
        stopwatch = Stopwatch(runs: quick ? 3 : 7, seconds: quick ? 0.5 : 3)
    }

    /// Tokens a second of a running batch whose windows are half full.
    package func decode(batch: Int) -> Figure {
        let middle = prior.hyperparameters.windowLength / 2
        let sequences = (0..<batch).map { _ in warm(at: middle) }
        let workspace = prior.makeWorkspace(rows: batch, team: team)
        let logits = Buffer<Float>(count: batch * prior.shape.vocabulary)
        let isReading = batch < 16
        let (seconds, share) = stopwatch.median(
            work: isReading ? Double(prior.matrixBytes) : Double(batch) * prior.operationsPerRow,
            of: isReading ? .bandwidth : .multiplyAdds, limits
        ) {
            for sequence in sequences { sequence.rewind(to: prior.prefix + middle) }
            prior.step(
                sequences.map { PriorRun($0, rows: 1, logits: .last) }, workspace: workspace, logits: logits.pointer,
                team: team)
        }
        return Figure(
            "decode", "batch \(batch)", Double(batch) / seconds, "tokens/s", share: share,
            of: isReading ? "bandwidth" : "multiply-adds",
            goal: batch == 1 ? goals.bandwidth : isReading ? nil : goals.arithmetic)
    }

    /// Rows a second of one window that catches up, a stretch of an attention block at a time.
    package func prefill() -> Figure {
        let rows = min(64, prior.blockLength)
        let workspace = prior.makeWorkspace(rows: rows, team: team)
        let start = (prior.prefix + prior.hyperparameters.windowLength / 2) / prior.blockLength * prior.blockLength
        let sequence = warm(at: start - prior.prefix)
        let (seconds, share) = stopwatch.median(
            work: Double(rows) * prior.operationsPerRow, of: .multiplyAdds, limits
        ) {
            sequence.rewind(to: start)
            sequence.append((0..<rows).map { _ in random.next(prior.codes) })
            prior.step(
                [PriorRun(sequence, rows: rows, logits: .none)], workspace: workspace, logits: nil, team: team)
        }
        return Figure(
            "prefill", "\(rows) rows at a time", Double(rows) / seconds, "tokens/s", share: share, of: "multiply-adds",
            goal: 0.8)
    }

    /// Rows a second of the first half of the layers over a recording whose tokens are known; nil below the top.
    package func embed() -> Figure? {
        guard prior.windowLengthAbove == nil else { return nil }
        let layer = max(1, prior.loadedLayers / 2)
        let count = min(256, prior.hyperparameters.windowLength)
        let window = ActivationWindow(
            labels: prior.exampleLabels, tokens: (0..<count).map { _ in random.next(prior.codes) })
        let rows = Double(prior.prefix + count)
        let (seconds, share) = stopwatch.median(
            work: rows * prior.operationsPerRow(ofFirst: layer), of: .multiplyAdds, limits
        ) { _ = prior.activations(of: [window], layers: [layer], team: team) }
        return Figure(
            "embed", "layer \(layer), \(count) tokens of a recording", rows / seconds, "rows/s", share: share,
            of: "multiply-adds", goal: goals.arithmetic)
    }

    /// The conditioner over a whole window; nil at the top.
    package func conditioner() -> Figure? {
        guard let upper = prior.windowLengthAbove else { return nil }
        let above = (0..<upper).map { _ in random.next(prior.codes) }
        let (seconds, share) = Stopwatch(runs: 3, seconds: 1).median(
            work: Double(prior.conditionerOperations(above: upper)), of: .multiplyAdds, limits
        ) { prior.condition(on: above, team: team) }
        return Figure(
            "conditioner", "a window's \(upper) tokens of the level above", Double(upper) / seconds, "tokens/s",
            share: share, of: "multiply-adds", goal: 0.75)
    }

    /// Sixteen slots whose windows begin, catch up and end at any step, in rows a second, against a steady batch of
    /// sixteen that is measured before and after.
    package func ragged() -> Figure {
        let before = decode(batch: 16).value
        let speed = raggedSpeed(rows: max(800, Int(stopwatch.seconds * 4 * before)))
        let steady = (before + decode(batch: 16).value) / 2
        return Figure(
            "ragged", "16 slots, windows come and go", speed, "rows/s", share: speed / steady, of: "steady batch of 16",
            goal: 0.92)
    }

    private func raggedSpeed(rows wanted: Int) -> Double {
        let slots = 16
        let level = prior.hyperparameters.level
        let settings = BatchScheduler.Settings(slots: slots)
        var scheduler = BatchScheduler(
            settings: settings, blockLengths: [level: prior.blockLength])
        let backend = CPUBackend(prior, rows: slots + settings.prefillRows, team: team)
        var windows: [Int: any BackendWindow] = [:]
        var next = 0
        func join() {
            let prime = random.below(96), new = 16 + random.below(64)
            let task = TaskID(
                stream: StreamID(song: "bench", sample: next, level: level), window: 0)
            let window = backend.begin(
                WindowInput(
                    labels: prior.exampleLabels,
                    above: prior.windowLengthAbove.map { _ in Array(repeating: 1, count: 64) }, start: 0,
                    tokens: (0..<prime).map { _ in random.next(prior.codes) },
                    draw: TokenDraw(seed: 1, sample: next, level: 0, filter: Filter(temperature: 1))), level: level)
            while !backend.prepare(window) {}
            windows[next] = window
            _ = try? scheduler.add(
                WorkerTask(task: task, epoch: 1, prefillRows: prior.prefix + prime + 1, newTokens: new, done: 0))
            next += 1
        }
        for _ in 0..<slots { join() }
        var rows = 0
        var joining = 0.0
        var start = ContinuousClock.now
        var isWarm = false
        var outcomes: [StepOutcome] = []
        while !isWarm || rows < wanted, let step = scheduler.nextStep() {
            let work =
                step.decodes.map { WindowRows(windows[$0.task.sample]!, rows: 1) }
                + step.prefills.map { WindowRows(windows[$0.seat.task.sample]!, rows: $0.rows.count) }
            if !isWarm, next > 2 * slots { (isWarm, rows, joining, start) = (true, 0, 0, .now) }
            rows += work.reduce(0) { $0 + $1.rows }
            backend.step(work, level: level, outcomes: &outcomes)
            var tokens: [Int: UInt16] = [:]
            for (seat, outcome) in zip(step.decodes + step.prefills.map(\.seat), outcomes) {
                if case .token(let token) = outcome { tokens[seat.task.sample] = token }
            }
            for effect in scheduler.completed(step, tokens: step.sampled.map { tokens[$0.task.sample] ?? 0 }) {
                switch effect {
                case .chunkReady(let chunk):
                    _ = scheduler.acknowledged(chunk.task, epoch: chunk.epoch, count: chunk.start + chunk.tokens.count)
                case .finished(let task, _, _):
                    if let window = windows.removeValue(forKey: task.sample) { backend.recycle(window) }
                    let before = ContinuousClock.now
                    join()
                    joining += before.duration(to: .now) / .seconds(1)
                }
            }
        }
        // The conditioner has its own row.
        let seconds = start.duration(to: .now) / .seconds(1) - joining
        return Double(rows) / seconds
    }

    /// What the process holds while a batch of windows runs, beyond the weights and what those windows keep.
    ///
    /// - Parameter resident: bytes that the process has come to hold since before the weights were loaded.
    package func residence(batch: Int = 4, resident: () -> Int) -> Figure {
        let middle = prior.hyperparameters.windowLength / 2
        let sequences = (0..<batch).map { _ in warm(at: middle, whole: true) }
        let workspace = prior.makeWorkspace(rows: batch, team: team)
        let logits = Buffer<Float>(count: batch * prior.shape.vocabulary)
        prior.step(
            sequences.map { PriorRun($0, rows: 1, logits: .last) }, workspace: workspace, logits: logits.pointer,
            team: team)
        let wanted = prior.residentBytes + batch * prior.bytesPerSequence
        return withExtendedLifetime((sequences, workspace)) {
            Figure(
                "memory", "resident beyond weights and \(batch) windows", Double(resident() - wanted) / 1e6, "MB",
                goal: 300, wantsLess: true)
        }
    }

    /// How far the distributions of next tokens are from those of float32: the mean Kullback-Leibler divergence, over
    /// the first tokens of a window of random ones.
    package func divergence(from exact: Prior, tokens count: Int = 128) -> Figure {
        let music = (0..<count).map { _ in random.next(prior.codes) }
        let above = prior.windowLengthAbove.map { _ in (0..<count).map { _ in random.next(prior.codes) } }
        func logits(_ prior: Prior) -> [Float] {
            prior.logits(labels: prior.exampleLabels, above: above, music: music, team: team)
        }
        let (p, q) = (logits(exact), logits(prior))
        let width = prior.shape.vocabulary
        let rows = stride(from: 0, to: p.count, by: width).map { row -> Double in
            let (p, q) = (Self.logSoftmax(p[row..<row + width]), Self.logSoftmax(q[row..<row + width]))
            return zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) } / log(2)
        }
        return Figure("quality", "divergence from float32", rows.reduce(0, +) / Double(rows.count) * 1000, "mbit/token")
    }

    private static func logSoftmax(_ logits: ArraySlice<Float>) -> [Double] {
        let top = Double(logits.max() ?? 0)
        let sum = log(logits.reduce(0) { $0 + exp(Double($1) - top) }) + top
        return logits.map { Double($0) - sum }
    }

    private func warm(at position: Int, whole: Bool = false) -> PriorSequence {
        prior.makeWarmSequence(tokens: (0..<position).map { _ in random.next(prior.codes) }, whole: whole)
    }
}

/// What this project wants of a profile, as shares of the limits.
private struct Goals {
    let bandwidth: Double
    /// Of the float32 multiply-adds.
    let arithmetic: Double

    init(_ profile: NumericProfile) {
        switch profile {
        case .f32: (bandwidth, arithmetic) = (0.9, 0.75)
        case .f16: (bandwidth, arithmetic) = (0.85, 0.75)
        // One and a half times float32's.
        case .int8: (bandwidth, arithmetic) = (0.7, 1.125)
        }
    }
}

/// Tokens that nothing depends on.
private final class RandomTokens {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    func below(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % count
    }
    func next(_ codes: Int) -> UInt16 { UInt16(below(codes)) }
}
