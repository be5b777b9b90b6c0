import Foundation
import JukeboxModel
import Sampling
import SongPlan
import Synchronization
import Tensor
import WorkerCore

/// Computes the scheduler's steps, on a thread of its own.
final class Engine: @unchecked Sendable {  // used by the engine's thread alone once `run` was called
    /// Windows in the running batch.
    let slots: Int
    private let model: Model
    private let team: ThreadTeam
    private let plan: MemoryPlan
    private let labellers: [Int: Labeller]
    /// Of the levels whose weights are in memory; the one used last comes last.
    private var engines: [(level: Int, engine: SamplingEngine)] = []
    /// By the number of the task. Those that are not whole were begun ahead of their lease.
    private var windows: [Int: (window: ActiveWindow, level: Int, isWhole: Bool)] = [:]
    /// What a step needs, kept from step to step so that none allocates.
    private var step = Step()
    private var batch: [(window: ActiveWindow, rows: Int)] = []
    private var outcomes: [StepOutcome] = []
    private var tokens: [UInt16] = []
    private let log: @Sendable (String) -> Void

    init(model: Model, options: Worker.Options) throws {
        self.model = model
        team = ThreadTeam(threads: options.threads)
        log = options.log
        plan = try MemoryPlan(model: model, options: options)
        slots = plan.slots
        labellers = Dictionary(uniqueKeysWithValues: options.levels.map { ($0, model.labellers[$0]) })
        for level in options.levels where engines.count < plan.residentLevels { try load(level) }
        if plan.residentLevels < options.levels.count {
            log(
                "memory holds the weights of \(plan.residentLevels) of \(options.levels.count) levels at a time; "
                    + "they take turns")
        }
    }

    var residentLevels: Set<Int> { Set(engines.map(\.level)) }

    /// The engine of a level, whose weights are brought in if they are not in memory, in place of those that were used
    /// longest ago.
    private func engine(of level: Int, desk: SharedBatch) throws -> SamplingEngine {
        if let place = engines.firstIndex(where: { $0.level == level }) {
            if place < engines.count - 1 { engines.append(engines.remove(at: place)) }
            return engines[engines.count - 1].engine
        }
        while engines.count >= plan.residentLevels { engines.removeFirst() }
        let start = ContinuousClock.now
        try load(level)
        desk.state.withLock { $0.scheduler.setResident(residentLevels) }
        log(
            "level \(level) is in memory after "
                + "\((start.duration(to: .now) / .seconds(1)).formatted(.number.precision(.fractionLength(1)))) s")
        return engines[engines.count - 1].engine
    }

    private func load(_ level: Int) throws {
        let rows = slots + BatchScheduler.Settings(slots: slots).prefillRows
        engines.append((level, SamplingEngine(prior: try model.prior(level: level), rows: rows, team: team)))
    }

    /// By level that is served.
    var blockLengths: [Int: Int] {
        labellers.keys.reduce(into: [:]) {
            $0[$1] = model.hyperparameters.priors[$1].transformer(codes: model.hyperparameters.vqvae.codes).blockLength
        }
    }

    /// Runs until the desk closes.
    func run(desk: SharedBatch) {
        while true {
            let (hasStep, isClosed) = desk.state.withLock {
                ($0.isClosed ? false : $0.scheduler.next(&step), $0.isClosed)
            }
            if isClosed { return }
            if hasStep {
                runStep(desk: desk)
            } else {
                forgetWindows(desk)
                desk.waitForWork()
            }
        }
    }

    private func runStep(desk: SharedBatch) {
        let engine: SamplingEngine
        do {
            engine = try self.engine(of: step.level, desk: desk)
        } catch {
            for seat in step.decodes + step.prefills.map(\.seat) { fail(seat, "\(error)", desk: desk) }
            desk.wakeNetwork()
            return
        }
        let start = ContinuousClock.now
        seat(engine: engine, desk: desk)
        if batch.isEmpty { outcomes.removeAll(keepingCapacity: true) } else { engine.step(batch, outcomes: &outcomes) }
        batch.removeAll(keepingCapacity: true)
        tokens.removeAll(keepingCapacity: true)
        for (seat, outcome) in zip(step.decodes, outcomes) { take(outcome, of: seat, samples: true, desk: desk) }
        for (prefill, outcome) in zip(step.prefills, outcomes.dropFirst(step.decodes.count)) {
            take(outcome, of: prefill.seat, samples: prefill.samples, desk: desk)
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        let hasNews = desk.state.withLock { state in
            state.sampled += tokens.count
            let effects = state.scheduler.completed(step, tokens: tokens, seconds: seconds)
            var hasNews = !state.failures.isEmpty
            for effect in effects {
                switch effect {
                case .chunkReady(let chunk):
                    state.outgoing.append(chunk)
                    hasNews = true
                case .finished(_, _, let job):
                    if let ended = windows.removeValue(forKey: job) { engine.recycle(ended.window) }
                }
            }
            return hasNews
        }
        if hasNews { desk.wakeNetwork() }
    }

    /// The batch of the step, which loses seats whose task has gone, and windows whose conditioning is not complete: they
    /// get a piece of it instead, and their turn comes again.
    private func seat(engine: SamplingEngine, desk: SharedBatch) {
        step.decodes.removeAll { window(of: $0, engine: engine, desk: desk).map { batch.append(($0, 1)) } == nil }
        step.prefills.removeAll {
            guard let window = window(of: $0.seat, engine: engine, desk: desk), engine.prepare(window) else {
                return true
            }
            batch.append((window, $0.rows.count))
            return false
        }
    }

    private func take(_ outcome: StepOutcome, of seat: Step.Seat, samples: Bool, desk: SharedBatch) {
        var token: UInt16 = 0
        switch outcome {
        case .pending: break
        case .token(let drawn): token = drawn
        case .failed(let reason): fail(seat, reason, desk: desk)
        }
        if samples { tokens.append(token) }
    }

    /// The window of a seat, begun now if it has not been. One that was begun ahead of its lease has all of its prime that
    /// has come.
    private func window(of seat: Step.Seat, engine: SamplingEngine, desk: SharedBatch) -> ActiveWindow? {
        if let known = windows[seat.job] {
            guard !known.isWhole, let more = desk.state.withLock({ $0.assignments.removeValue(forKey: seat.job) })
            else {
                return known.window
            }
            known.window.extend(to: more.tokens)
            windows[seat.job]?.isWhole = !more.isAhead
            return known.window
        }
        forgetWindows(desk)
        guard let assignment = desk.state.withLock({ $0.assignments.removeValue(forKey: seat.job) }),
            let labeller = labellers[seat.task.level]
        else { return nil }
        let window = engine.begin(
            labels: labeller.vector(assignment.labels, start: assignment.start),
            above: assignment.above.isEmpty ? nil : assignment.above,
            start: assignment.start, tokens: assignment.tokens,
            draw: TokenDraw(
                seed: assignment.seed, sample: assignment.number, level: seat.task.level, filter: assignment.filter))
        windows[seat.job] = (window, seat.task.level, isWhole: !assignment.isAhead)
        return window
    }

    private func fail(_ seat: Step.Seat, _ reason: String, desk: SharedBatch) {
        windows[seat.job] = nil
        desk.state.withLock { state in
            guard let epoch = state.scheduler.epoch(ofJob: seat.job) else { return }
            // Its unsent chunks go with it, and those of others move up.
            for effect in state.scheduler.revoke(seat.task, epoch: epoch) {
                if case .chunkReady(let chunk) = effect { state.outgoing.append(chunk) }
            }
            state.failures.append((seat.task, epoch, reason))
        }
    }

    /// Lets go of windows that were revoked, and of what was to begin them.
    private func forgetWindows(_ desk: SharedBatch) {
        let here = Set(
            desk.state.withLock { state in
                let numbers = state.scheduler.numbers
                state.assignments = state.assignments.filter { numbers.contains($0.key) }
                return numbers
            })
        for (job, gone) in windows where !here.contains(job) {
            windows[job] = nil
            engines.first { $0.level == gone.level }?.engine.recycle(gone.window)
        }
    }
}
