import Foundation
import Synchronization
import Tensor

/// Runs jobs one after another on a thread of its own, so that the coordinator's loop never waits for arithmetic. A job
/// that is to run later is in nobody's way until then.
final class BackgroundQueue: Sendable {
    private struct Job {
        var priority: Int
        /// nil is at once.
        var due: ContinuousClock.Instant?
        var run: @Sendable () -> Void
    }

    private let jobs = Mutex<(waiting: [Job], closed: Bool)>(([], false))
    private let signal = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    /// - Parameter isPatient: whether threads of workers on the same machine go first.
    init(name: String, isPatient: Bool = false) {
        let thread = Thread { [self] in
            if isPatient { ThreadTeam.letOthersGoFirst() }
            run()
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// - Parameters:
    ///   - priority: jobs of a higher one go first; equal ones in the order in which they came.
    ///   - pause: how long the job must not run.
    func add(priority: Int = 0, after pause: Duration? = nil, _ job: @escaping @Sendable () -> Void) {
        let due = pause.map { ContinuousClock.now + $0 }
        jobs.withLock { if !$0.closed { $0.waiting.append(Job(priority: priority, due: due, run: job)) } }
        signal.signal()
    }

    /// Waits for the job that runs, and drops the others.
    func close() {
        jobs.withLock { $0 = ([], true) }
        signal.signal()
        done.wait()
    }

    private func run() {
        while true {
            let now = ContinuousClock.now
            let (job, next, closed) = jobs.withLock { jobs in
                (Self.removeNext(&jobs.waiting, now), jobs.waiting.compactMap(\.due).min(), jobs.closed)
            }
            if closed { break }
            if let job {
                job.run()
            } else if let next {
                let seconds = max(0.001, now.duration(to: next) / .seconds(1))
                _ = signal.wait(timeout: .now() + seconds)
            } else {
                signal.wait()
            }
        }
        done.signal()
    }

    private static func removeNext(_ waiting: inout [Job], _ now: ContinuousClock.Instant) -> Job? {
        let due = waiting.indices.filter { waiting[$0].due.map { $0 <= now } ?? true }
        guard let highest = due.map({ waiting[$0].priority }).max(),
            let place = due.first(where: { waiting[$0].priority == highest })
        else { return nil }
        return waiting.remove(at: place)
    }
}
