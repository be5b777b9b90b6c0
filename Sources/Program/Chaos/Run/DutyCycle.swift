import Foundation
import Synchronization

/// Lets a process run only a part of the time, by SIGSTOP and SIGCONT, on a thread of its own.
final class DutyCycle: Sendable {
    private static let (period, share) = (200_000.0, 0.1)
    private let target = Mutex<pid_t?>(nil)
    private let isEnding = Atomic<Bool>(false)
    private let stops = Atomic<Int>(0)
    private let ended = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [self] in
            while !isEnding.load(ordering: .relaxed) {
                let process = target.withLock { $0 }
                if let process, kill(process, SIGSTOP) == 0 { stops.add(1, ordering: .relaxed) }
                usleep(useconds_t(Self.period * (1 - Self.share)))
                if let process { kill(process, SIGCONT) }
                usleep(useconds_t(Self.period * Self.share))
            }
            ended.signal()
        }
        thread.stackSize = 256 << 10
        thread.start()
    }

    /// - Parameter process: nil when there is none just now.
    func follow(_ process: pid_t?) { target.withLock { $0 = process } }

    var count: Int { stops.load(ordering: .relaxed) }

    func close() {
        isEnding.store(true, ordering: .relaxed)
        ended.wait()
    }
}
