import Foundation
import Synchronization
import Tensor

/// Runs jobs one after another on a thread of its own, so that the coordinator's loop never waits for arithmetic.
final class BackgroundQueue: Sendable {
    private typealias Job = (priority: Int, run: @Sendable () -> Void)

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

    /// - Parameter priority: jobs of a higher one go first; equal ones in the order in which they came.
    func add(priority: Int = 0, _ job: @escaping @Sendable () -> Void) {
        jobs.withLock { if !$0.closed { $0.waiting.append((priority, job)) } }
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
            let (job, closed) = jobs.withLock { (Self.removeNext(&$0.waiting), $0.closed) }
            if closed { break }
            FloatEnvironment.settle()
            job?.run()
        }
        done.signal()
    }

    private static func removeNext(_ waiting: inout [Job]) -> Job? {
        guard let highest = waiting.map(\.priority).max(),
            let place = waiting.firstIndex(where: { $0.priority == highest })
        else { return nil }
        return waiting.remove(at: place)
    }
}
