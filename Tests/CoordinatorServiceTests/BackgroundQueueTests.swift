import Foundation
import Synchronization
import Testing

@testable import CoordinatorService

struct BackgroundQueueTests {
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
