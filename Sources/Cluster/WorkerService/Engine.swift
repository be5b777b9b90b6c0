import ClusterProtocol
import Foundation
import JukeboxModel
import Sampling
import SongPlan
import Synchronization
import WorkerCore

/// Computes the scheduler's steps, on a thread of its own.
final class Engine: @unchecked Sendable {  // used by the engine's thread alone once `run` was called
    /// Windows in the running batch.
    let slots: Int
    private let backend: any WindowBackend
    private let plan: MemoryPlan
    private let labellers: [Int: Labeller]
    /// By level that is served.
    let blockLengths: [Int: Int]
    /// Levels whose weights are in memory; the one used last comes last.
    private var resident: [Int] = []
    /// By the number of the task. Those that are not whole were begun ahead of their lease.
    private var windows: [Int: (window: any BackendWindow, isWhole: Bool)] = [:]
    /// What a step needs, kept from step to step so that none allocates.
    private var step = Step()
    private var batch: [WindowRows] = []
    private var outcomes: [StepOutcome] = []
    private var tokens: [UInt16] = []
    private let log: @Sendable (String) -> Void

    /// Loads the levels that memory holds.
    ///
    /// - Parameter backend: of the model, in its profile.
    init(model: Model, backend: any WindowBackend, options: Worker.Options) throws {
        precondition(backend.profile == model.profile, "the backend has another profile than the model")
        self.backend = backend
        log = options.log
        plan = try MemoryPlan(model: model.name, backend: backend, options: options)
        slots = plan.slots
        labellers = Dictionary(uniqueKeysWithValues: options.levels.map { ($0, model.labellers[$0]) })
        blockLengths = Dictionary(
            uniqueKeysWithValues: options.levels.map {
                ($0, model.hyperparameters.priors[$0].transformer(codes: model.hyperparameters.vqvae.codes).blockLength)
            })
        for level in options.levels where resident.count < plan.residentLevels { try load(level) }
        if plan.residentLevels < options.levels.count {
            log(
                "memory holds the weights of \(plan.residentLevels) of \(options.levels.count) levels at a time; "
                    + "they take turns")
        }
    }

    var residentLevels: Set<Int> { Set(resident) }

    /// Brings the weights of a level in if they are not in memory, in place of those that were used longest ago.
    private func bringIn(_ level: Int, desk: WorkDesk) throws {
        if let place = resident.firstIndex(of: level) {
            if place < resident.count - 1 { resident.append(resident.remove(at: place)) }
            return
        }
        while resident.count >= plan.residentLevels { backend.unload(level: resident.removeFirst()) }
        let start = ContinuousClock.now
        try load(level)
        desk.state.withLock { $0.scheduler.setResident(residentLevels) }
        log(
            "level \(level) is in memory after "
                + "\((start.duration(to: .now) / .seconds(1)).formatted(.number.precision(.fractionLength(1)))) s")
    }

    private func load(_ level: Int) throws {
        try backend.load(level: level, rows: slots + BatchScheduler.Settings(slots: slots).prefillRows)
        resident.append(level)
    }

    /// Runs until the desk closes.
    func run(desk: WorkDesk) {
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

    private func runStep(desk: WorkDesk) {
        do {
            try bringIn(step.level, desk: desk)
        } catch {
            for seat in step.decodes + step.prefills.map(\.seat) { fail(seat, "\(error)", desk: desk) }
            desk.wakeNetwork()
            return
        }
        let start = ContinuousClock.now
        seat(desk: desk)
        outcomes.removeAll(keepingCapacity: true)
        if !batch.isEmpty { backend.step(batch, level: step.level, outcomes: &outcomes) }
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
                    if let ended = windows.removeValue(forKey: job) { backend.recycle(ended.window) }
                }
            }
            return hasNews
        }
        if hasNews { desk.wakeNetwork() }
    }

    /// The batch of the step, which loses seats whose task has gone or has failed, and windows whose conditioning is not
    /// complete: they get a piece of it instead, and their turn comes again.
    private func seat(desk: WorkDesk) {
        step.decodes.removeAll { seat in
            guard let window = window(of: seat, desk: desk) else { return true }
            batch.append(WindowRows(window, rows: 1))
            return false
        }
        step.prefills.removeAll { prefill in
            guard let window = window(of: prefill.seat, desk: desk), isPrepared(window, of: prefill.seat, desk: desk)
            else { return true }
            batch.append(WindowRows(window, rows: prefill.rows.count))
            return false
        }
    }

    private func isPrepared(_ window: any BackendWindow, of seat: Step.Seat, desk: WorkDesk) -> Bool {
        do {
            return try backend.prepare(window)
        } catch {
            fail(seat, "\(error)", desk: desk)
            return false
        }
    }

    private func take(_ outcome: StepOutcome, of seat: Step.Seat, samples: Bool, desk: WorkDesk) {
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
    private func window(of seat: Step.Seat, desk: WorkDesk) -> (any BackendWindow)? {
        if let known = windows[seat.job] {
            guard !known.isWhole, let more = desk.state.withLock({ $0.assignments.removeValue(forKey: seat.job) })
            else {
                return known.window
            }
            known.window.extend(to: more.tokens.map { UInt16(clamping: $0) })
            windows[seat.job]?.isWhole = !more.isAhead
            return known.window
        }
        forgetWindows(desk)
        guard let assignment = desk.state.withLock({ $0.assignments.removeValue(forKey: seat.job) }),
            let labeller = labellers[seat.task.level]
        else { return nil }
        let filter = Filter(
            temperature: assignment.temperature, topK: Int(assignment.topK), topP: assignment.topP)
        let input = WindowInput(
            labels: labeller.vector(assignment.labels.songLabels, start: Int(assignment.start)),
            above: assignment.above.isEmpty ? nil : assignment.above.map { UInt16(clamping: $0) },
            start: Int(assignment.start), tokens: assignment.tokens.map { UInt16(clamping: $0) },
            draw: TokenDraw(
                seed: assignment.seed, sample: assignment.hasNumber ? Int(assignment.number) : seat.task.sample,
                level: seat.task.level, filter: filter))
        do {
            let window = try backend.begin(input, level: seat.task.level)
            windows[seat.job] = (window, isWhole: !assignment.isAhead)
            return window
        } catch {
            fail(seat, "\(error)", desk: desk)
            return nil
        }
    }

    private func fail(_ seat: Step.Seat, _ reason: String, desk: WorkDesk) {
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
    private func forgetWindows(_ desk: WorkDesk) {
        let here = Set(
            desk.state.withLock { state in
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
