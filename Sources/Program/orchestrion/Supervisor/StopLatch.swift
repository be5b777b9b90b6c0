import Foundation
import Synchronization

/// A wish to end that may come before there is anything that could end by itself: then the process ends at once.
final class StopLatch: Sendable {
    private let action = Mutex<(@Sendable () -> Void)?>(nil)

    /// With the signal that says so.
    @Sendable func pull(_ signal: Int32) {
        guard let action = action.withLock({ $0 }) else { _exit(128 + signal) }
        action()
    }

    func whenPulled(_ body: @escaping @Sendable () -> Void) { action.withLock { $0 = body } }
}
