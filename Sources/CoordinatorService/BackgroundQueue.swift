import Foundation
import Synchronization

/// Runs jobs one after another on a thread of its own, so that the coordinator's loop never waits for arithmetic.
final class BackgroundQueue: Sendable {
    private let jobs = Mutex<(waiting: [@Sendable () -> Void], closed: Bool)>(([], false))
    private let signal = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    init(name: String) {
        let thread = Thread { [self] in run() }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    func add(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { if !$0.closed { $0.waiting.append(job) } }
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
            signal.wait()
            let (job, closed) = jobs.withLock { ($0.waiting.isEmpty ? nil : $0.waiting.removeFirst(), $0.closed) }
            if closed { break }
            job?()
        }
        done.signal()
    }
}
