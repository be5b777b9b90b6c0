import ClusterProtocol
import Foundation
import JukeboxModel
import ProgramLog
import Sampling
import SongPlan
import Synchronization
import Tensor
import WorkerCore

/// A window that the engine has.
private struct EngineWindow {
    var window: any BackendWindow
    /// Whether it was not begun ahead of its lease, or has been given the rest since.
    var isWhole: Bool
    /// While its first new token is awaited.
    var begun: Duration?
    /// Place of its first token.
    var start: Int
    /// Its tokens that exist.
    var tokens: [UInt16]
}

/// Computes the scheduler's steps, on a thread of its own.
final class Engine: @unchecked Sendable {  // used by the engine's thread alone once `run` was called
    /// Windows in the running batch.
    let slots: Int
    private let backend: any WindowBackend
    private let plan: MemoryPlan
    private let labellers: [Int: Labeller]
    private let checks: [Int: AssignmentCheck]
    /// By level that is served.
    let blockLengths: [Int: Int]
    /// Levels whose weights are in memory; the one used last comes last.
    private var resident: [Int] = []
    /// By the number of the task. Those that are not whole were begun ahead of their lease.
    private var windows: [Int: EngineWindow] = [:]
    /// What a step needs, kept from step to step so that none allocates.
    private var step = Step()
    private var batch: [WindowRows] = []
    private var outcomes: [StepOutcome] = []
    private var tokens: [UInt16] = []
    private let log: Log
    let metrics: EngineMetrics
    private var record: StepRecord
    private let pulse: StepPulse
    private let hang: HangSettings
    /// By level, the longest step so far.
    private var longest: [Int: Duration] = [:]
    private let clock: @Sendable () -> Duration
    private let lies = LieInjection()
    private let count = TokenCount()
    private var drawnTokens = 0
    /// In the step that runs.
    private var tokensOfStep = 0
    /// As of the start: one more, and nothing that was computed since the last step can be trusted.
    private let disturbances = FloatEnvironment.disturbances

    /// Loads the levels that memory holds.
    ///
    /// - Parameter backend: of the model, in its profile.
    init(
        model: ServedModel, backend: any WindowBackend, options: Worker.Options, pulse: StepPulse = StepPulse()
    ) throws {
        self.backend = backend
        (log, clock) = (options.log, options.clock)
        metrics = EngineMetrics(options)
        (self.pulse, hang) = (pulse, options.hang ?? HangSettings())
        record = StepRecord(board: options.board, fault: .ofEnvironment)
        plan = try MemoryPlan(model: model.name, backend: backend, options: options)
        slots = plan.slots
        (labellers, blockLengths, checks) = (model.labellers, model.blockLengths, model.checks)
        for level in options.levels where resident.count < plan.residentLevels { try load(level) }
        if lies.isAskedFor { log("ORCHESTRION_FAULT asks for wrong tokens: this worker is for tests alone", .warning) }
        if plan.residentLevels < options.levels.count {
            log(
                "memory holds the weights of \(plan.residentLevels) of \(options.levels.count) levels at a time; "
                    + "they take turns")
        }
    }

    var residentLevels: Set<Int> { Set(resident) }

    /// Brings the weights of a level in if they are not in memory, in place of those that were used longest ago.
    private func bringIn(_ level: Int, _ shared: SharedBatch) throws {
        if let place = resident.firstIndex(of: level) {
            if place < resident.count - 1 { resident.append(resident.remove(at: place)) }
            return
        }
        while resident.count >= plan.residentLevels { backend.unload(level: resident.removeFirst()) }
        let start = clock()
        pulse.begin(limit: hang.loading)
        defer { pulse.end() }
        try load(level)
        shared.state.withLock { $0.scheduler.setResident(residentLevels) }
        log(
            "level \(level) is in memory after "
                + "\(((clock() - start) / .seconds(1)).formatted(.number.precision(.fractionLength(1)))) s")
    }

    private func load(_ level: Int) throws {
        try backend.load(level: level, rows: slots + BatchScheduler.Settings(slots: slots).prefillRows)
        resident.append(level)
    }

    /// Runs until the batch is closed.
    func run(_ shared: SharedBatch) {
        while true {
            let (hasStep, isClosed) = shared.state.withLock { state in
                state.isStepping = state.isOpen ? state.scheduler.next(&step) : false
                return (state.isStepping, state.isClosed)
            }
            if isClosed { return }
            if hasStep {
                runStep(shared)
            } else {
                forgetWindows(shared)
                shared.waitForWork()
            }
        }
    }

    /// One step, for who has no thread for it.
    ///
    /// - Returns: false when there was nothing to do.
    func runOnce(_ shared: SharedBatch) -> Bool {
        guard shared.state.withLock({ $0.isOpen ? $0.scheduler.next(&step) : false }) else {
            forgetWindows(shared)
            return false
        }
        runStep(shared)
        return true
    }

    /// The engine cannot go on, and its windows are not to blame: the worker ends, and they go elsewhere.
    private func stop(_ reason: String, _ shared: SharedBatch) {
        shared.state.withLock { state in
            state.fault = state.fault ?? reason
            state.isClosed = true
        }
        shared.wakeNetwork()
    }

    private func runStep(_ shared: SharedBatch) {
        do {
            try bringIn(step.level, shared)
        } catch {
            return stop("\(error)", shared)
        }
        let start = clock()
        pulse.begin(limit: limit(step.level))
        defer { pulse.end() }
        if record.begin(step, shared) { return failInjected(shared) }
        defer { record.end() }
        seat(shared)
        let rows = batch.reduce(0) { $0 + $1.rows }
        tokensOfStep = 0
        outcomes.removeAll(keepingCapacity: true)
        if !batch.isEmpty { backend.step(batch, level: step.level, outcomes: &outcomes) }
        guard FloatEnvironment.disturbances == disturbances else { return stop("\(EnvironmentDisturbed())", shared) }
        batch.removeAll(keepingCapacity: true)
        tokens.removeAll(keepingCapacity: true)
        for (seat, outcome) in zip(step.decodes, outcomes) { take(outcome, of: seat, samples: true, shared) }
        for (prefill, outcome) in zip(step.prefills, outcomes.dropFirst(step.decodes.count)) {
            take(outcome, of: prefill.seat, samples: prefill.samples, shared)
            if prefill.samples { notePrefill(of: prefill.seat) }
        }
        let duration = clock() - start
        if duration > longest[step.level] ?? .zero { longest[step.level] = duration }
        let seconds = duration / .seconds(1)
        metrics.stepEnded(level: step.level, seconds: seconds, rows: rows, tokens: tokensOfStep)
        let hasNews = shared.state.withLock { state in
            state.sampled += tokens.count
            let effects = state.scheduler.completed(step, tokens: tokens, seconds: seconds)
            var hasNews = !state.failures.isEmpty
            for effect in effects {
                switch effect {
                case .chunkReady(let chunk):
                    state.outgoing.append(chunk)
                    hasNews = true
                case .finished(let task, _, let job):
                    guard let ended = windows.removeValue(forKey: job) else { break }
                    backend.recycle(ended.window)
                    if let check = checks[task.level] {
                        state.ended(task, start: ended.start, tokens: ended.tokens, check)
                    }
                }
            }
            return hasNews
        }
        if hasNews { shared.wakeNetwork() }
    }

    /// How long a step of a level may take.
    private func limit(_ level: Int) -> Duration {
        guard let longest = longest[level] else { return max(hang.least, hang.unmeasured) }
        return max(hang.least, longest * hang.factor)
    }

    /// A test wants the windows of the step to fail.
    private func failInjected(_ shared: SharedBatch) {
        for seat in step.decodes + step.prefills.map(\.seat) where record.isStruck(seat.task) {
            fail(seat, "a fault on purpose", shared)
        }
        record.end()
        shared.wakeNetwork()
    }

    /// The batch of the step, which loses seats whose task has gone or has failed, and windows whose conditioning is not
    /// complete: they get a piece of it instead, and their turn comes again.
    private func seat(_ shared: SharedBatch) {
        step.decodes.removeAll { seat in
            guard let window = window(of: seat, shared) else { return true }
            batch.append(WindowRows(window, rows: 1))
            return false
        }
        step.prefills.removeAll { prefill in
            guard let window = window(of: prefill.seat, shared), isPrepared(window, of: prefill.seat, shared)
            else { return true }
            batch.append(WindowRows(window, rows: prefill.rows.count))
            return false
        }
    }

    private func isPrepared(_ window: any BackendWindow, of seat: Step.Seat, _ shared: SharedBatch) -> Bool {
        do {
            return try backend.prepare(window)
        } catch {
            fail(seat, "\(error)", shared)
            return false
        }
    }

    private func take(_ outcome: StepOutcome, of seat: Step.Seat, samples: Bool, _ shared: SharedBatch) {
        var token: UInt16 = 0
        switch outcome {
        case .pending: break
        case .token(let drawn):
            token = lies.said(drawn, of: seat.task, after: drawnTokens)
            drawnTokens += 1
            if samples {
                windows[seat.job]?.tokens.append(token)
                count.add()
                tokensOfStep += 1
            }
        case .failed(let reason): fail(seat, reason, shared)
        }
        if samples { tokens.append(token) }
    }

    /// The window of a seat, begun now if it has not been. One that was begun ahead of its lease has all of its prime that
    /// has come.
    private func window(of seat: Step.Seat, _ shared: SharedBatch) -> (any BackendWindow)? {
        if let known = windows[seat.job] {
            guard !known.isWhole, let more = shared.state.withLock({ $0.assignments.removeValue(forKey: seat.job) })
            else {
                return known.window
            }
            known.window.extend(to: more.tokens)
            windows[seat.job]?.isWhole = !more.isAhead
            windows[seat.job]?.tokens.replaceSubrange(0..., with: more.tokens)
            record.forget()
            return known.window
        }
        forgetWindows(shared)
        guard let assignment = shared.state.withLock({ $0.assignments.removeValue(forKey: seat.job) }),
            let labeller = labellers[seat.task.level]
        else { return nil }
        let input = WindowInput(
            labels: labeller.vector(assignment.labels, start: assignment.start),
            above: assignment.above.isEmpty ? nil : assignment.above, start: assignment.start,
            tokens: assignment.tokens,
            draw: TokenDraw(
                seed: assignment.seed, sample: assignment.number, level: seat.task.level, filter: assignment.filter))
        do {
            let window = try backend.begin(input, level: seat.task.level)
            // What was begun ahead also waited for its tokens.
            var own = EngineWindow(
                window: window, isWhole: !assignment.isAhead, begun: assignment.isAhead ? nil : clock(),
                start: assignment.start, tokens: [])
            // All at once, so that no step allocates.
            own.tokens.reserveCapacity(assignment.end - assignment.start)
            own.tokens += assignment.tokens
            windows[seat.job] = own
            return window
        } catch {
            fail(seat, "\(error)", shared)
            return nil
        }
    }

    /// A window has its first new token.
    private func notePrefill(of seat: Step.Seat) {
        guard let begun = windows[seat.job]?.begun else { return }
        windows[seat.job]?.begun = nil
        metrics.prefillEnded(level: seat.task.level, seconds: (clock() - begun) / .seconds(1))
    }

    private func fail(_ seat: Step.Seat, _ reason: String, _ shared: SharedBatch) {
        windows[seat.job] = nil
        shared.state.withLock { state in
            guard let epoch = state.scheduler.epoch(ofJob: seat.job) else { return }
            // Its unsent chunks go with it, and those of others move up.
            for effect in state.scheduler.revoke(seat.task, epoch: epoch) {
                if case .chunkReady(let chunk) = effect { state.outgoing.append(chunk) }
            }
            state.failures.append((seat.task, epoch, reason))
        }
    }

    /// Lets go of windows that were revoked, and of what was to begin them.
    private func forgetWindows(_ shared: SharedBatch) {
        let here = Set(
            shared.state.withLock { state in
                let numbers = state.scheduler.numbers
                state.assignments = state.assignments.filter { numbers.contains($0.key) }
                return numbers
            })
        for (job, gone) in windows where !here.contains(job) {
            windows[job] = nil
            backend.recycle(gone.window)
        }
    }
}
