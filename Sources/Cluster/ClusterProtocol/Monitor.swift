import Glibc

/// A mutex whose conditions wait on the monotonic clock, so that a step of the wall clock neither ends nor
/// prolongs a wait.
final class Monitor: @unchecked Sendable {  // the pointee is only ever used through pthread calls
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        let result = pthread_mutex_init(mutex, nil)
        precondition(result == 0, "pthread_mutex_init: error \(result)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Waits for `condition` until `deadline`; call it with the lock held. False once the deadline has
    /// passed.
    fileprivate func wait(for condition: UnsafeMutablePointer<pthread_cond_t>, until deadline: timespec)
        -> Bool
    {
        var deadline = deadline
        return pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT
    }
}

/// A condition variable of one ``Monitor``.
final class Condition: @unchecked Sendable {  // the pointee is only ever used through pthread calls
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let monitor: Monitor

    init(of monitor: Monitor) {
        self.monitor = monitor
        condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        defer { pthread_condattr_destroy(&attributes) }
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let result = pthread_cond_init(condition, &attributes)
        precondition(result == 0, "pthread_cond_init: error \(result)")
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    func signal() {
        pthread_cond_signal(condition)
    }

    /// Waits, with the monitor's lock held, until `isReady` or until the time is over.
    func wait(atMost timeout: Duration, until isReady: () -> Bool) {
        guard !isReady(), timeout > .zero else { return }
        let deadline = Self.deadline(after: timeout)
        while !isReady() {
            guard monitor.wait(for: condition, until: deadline) else { return }
        }
    }

    private static func deadline(after timeout: Duration) -> timespec {
        // A century is forever, and keeps the sum below from overflowing.
        let timeout = min(timeout, .seconds(100 * 365 * 86_400)).components
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = time.tv_nsec + Int(timeout.attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: time.tv_sec + Int(timeout.seconds) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000)
    }
}
