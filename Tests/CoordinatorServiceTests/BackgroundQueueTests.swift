import Foundation
import Synchronization
import Testing

@testable import CoordinatorService

struct BackgroundQueueTests {
    @Test func `jobs of a higher priority go first, equal ones as they came`() {
        let queue = BackgroundQueue(name: "test")
        let order = Mutex<[Int]>([])
        let (first, last) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        queue.add { first.wait() }
        for (number, priority) in [0, 2, 1, 2, 0].enumerated() {
            queue.add(priority: priority) { order.withLock { $0.append(number) } }
        }
        queue.add(priority: -1) { last.signal() }
        first.signal()
        last.wait()
        queue.close()
        #expect(order.withLock { $0 } == [1, 3, 2, 0, 4])
    }

    #if os(Linux)
        @Test(arguments: [false, true])
        func `only a patient queue lets other threads go first`(_ isPatient: Bool) {
            let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
            let found = Mutex<Int32?>(nil)
            let queue = BackgroundQueue(name: "test", isPatient: isPatient)
            let done = DispatchSemaphore(value: 0)
            queue.add {
                found.withLock { $0 = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }
                done.signal()
            }
            done.wait()
            queue.close()
            #expect(found.withLock { $0 } == (isPatient ? max(own, 5) : own))
        }
    #endif
}
