import CLockAnnotations
import Foundation
import Synchronization
import Testing

/// What the thread sanitizer would call a race if it did not hear of Swift's locks; elsewhere it only counts.
@Suite struct ContendedLockTests {
    @Test func `threads that meet at a lock count right`() {
        let count = Mutex(0)
        let threads = 4
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            for _ in 0..<5000 { count.withLock { $0 += 1 } }
        }
        #expect(count.withLock { $0 } == threads * 5000)
        #expect([0, 1].contains(la_is_annotating()))
    }
}
