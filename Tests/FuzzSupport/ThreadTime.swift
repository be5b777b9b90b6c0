import Foundation

/// How long the calling thread has computed: what others do on the machine does not count.
package enum ThreadTime {
    /// Seconds since the thread began.
    package static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
