import ClusterProtocol
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
    private let team: ThreadTeam
    private let engines: [Int: SamplingEngine]
    private let labellers: [Int: Labeller]
    private var windows: [TaskKey: ActiveWindow] = [:]

    init(model: Model, options: Worker.Options) throws {
        team = ThreadTeam(threads: options.threads)
        var priors: [Int: Prior] = [:]
        for level in options.levels { priors[level] = try model.prior(level: level) }
        let largest = priors.values.map(\.bytesPerSequence).max() ?? 1
        let slots = options.slots ?? Self.slots(bytesPerSequence: largest)
        self.slots = slots
        var engines: [Int: SamplingEngine] = [:]
        var labellers: [Int: Labeller] = [:]
        for (level, prior) in priors {
            engines[level] = SamplingEngine(
                prior: prior, rows: slots + BatchScheduler.Settings(slots: slots).prefillRows, team: team)
            labellers[level] = model.labellers[level]
        }
        self.engines = engines
        self.labellers = labellers
    }

    /// 8, or as many sequences as fit into three quarters of the memory that is free.
    private static func slots(bytesPerSequence: Int) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return 8 }
        return min(8, max(1, kilobytes * 1024 / 4 * 3 / max(1, bytesPerSequence)))
    }

    var blockLengths: [Int: Int] { engines.mapValues(\.prior.blockLength) }

    /// Runs until the desk closes.
    func run(desk: WorkDesk) {
        while true {
            let (step, isClosed) = desk.state.withLock { ($0.isClosed ? nil : $0.scheduler.nextStep(), $0.isClosed) }
            if isClosed { return }
            guard let step else {
                forgetWindows(desk)
                desk.waitForWork()
                continue
            }
            run(step, desk: desk)
        }
    }

    private func run(_ step: Step, desk: WorkDesk) {
        guard let engine = engines[step.level] else { return }
        var work: [(window: ActiveWindow, rows: Int)] = []
        var seats: [Step.Seat] = []
        for (seat, rows) in step.decodes.map({ ($0, 1) }) + step.prefills.map({ ($0.seat, $0.rows.count) }) {
            guard let window = window(of: seat, engine: engine, desk: desk) else { continue }
            work.append((window, rows))
            seats.append(seat)
        }
        let outcomes = engine.step(work)
        var tokens: [TaskKey: UInt16] = [:]
        for (seat, outcome) in zip(seats, outcomes) {
            switch outcome {
            case .pending: break
            case .token(let token): tokens[TaskKey(task: seat.task, epoch: seat.epoch)] = token
            case .failed(let reason): fail(seat, reason, desk: desk)
            }
        }
        let hasNews = desk.state.withLock { state in
            state.sampled += tokens.count
            let effects = state.scheduler.completed(
                step, tokens: step.sampled.map { tokens[TaskKey(task: $0.task, epoch: $0.epoch)] ?? 0 })
            var hasNews = !state.failures.isEmpty
            for effect in effects {
                switch effect {
                case .chunkReady(let chunk):
                    state.outgoing.append(chunk)
                    hasNews = true
                case .finished(let task, let epoch, _): windows[TaskKey(task: task, epoch: epoch)] = nil
                }
            }
            return hasNews
        }
        if hasNews { desk.wakeNetwork() }
    }

    /// The window of a seat, begun now if it has not been: conditioning, lyrics, empty caches.
    private func window(of seat: Step.Seat, engine: SamplingEngine, desk: WorkDesk) -> ActiveWindow? {
        let key = TaskKey(task: seat.task, epoch: seat.epoch)
        if let window = windows[key] { return window }
        forgetWindows(desk)
        guard let assignment = desk.state.withLock({ $0.assignments.removeValue(forKey: key) }),
            let labeller = labellers[seat.task.level]
        else { return nil }
        let filter = Filter(
            temperature: assignment.temperature, topK: Int(assignment.topK), topP: assignment.topP)
        let window = ActiveWindow(
            prior: engine.prior,
            labels: labeller.vector(assignment.labels.songLabels, start: Int(assignment.start)),
            above: assignment.above.isEmpty ? nil : assignment.above.map { UInt16(clamping: $0) },
            start: Int(assignment.start), tokens: assignment.tokens.map { UInt16(clamping: $0) },
            draw: TokenDraw(
                seed: assignment.seed, sample: assignment.hasNumber ? Int(assignment.number) : seat.task.sample,
                level: seat.task.level, filter: filter),
            team: team)
        windows[key] = window
        return window
    }

    private func fail(_ seat: Step.Seat, _ reason: String, desk: WorkDesk) {
        windows[TaskKey(task: seat.task, epoch: seat.epoch)] = nil
        desk.state.withLock { state in
            // Its unsent chunks go with it, and those of others move up.
            for effect in state.scheduler.revoke(seat.task, epoch: seat.epoch) {
                if case .chunkReady(let chunk) = effect { state.outgoing.append(chunk) }
            }
            state.failures.append((seat.task, seat.epoch, reason))
        }
    }

    /// Lets go of windows that were revoked.
    private func forgetWindows(_ desk: WorkDesk) {
        let held = Set(desk.state.withLock { $0.scheduler.held }.map { TaskKey(task: $0.task, epoch: $0.epoch) })
        windows = windows.filter { held.contains($0.key) }
    }
}
