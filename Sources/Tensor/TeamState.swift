import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A pointer to the work of a run, with its type.
struct Job {
    let type: any TeamWork.Type
    let work: UnsafeRawPointer

    func run(part: Int, of parts: Int) { type.run(part: part, of: parts, work: work) }
}

extension TeamWork {
    fileprivate static func run(part: Int, of parts: Int, work: UnsafeRawPointer) {
        work.assumingMemoryBound(to: Self.self).pointee.run(part: part, of: parts)
    }
}

/// What a team's threads share: the current job, and how they wait for each other.
///
/// A run is a new `generation`; helpers that see it call the job and count down `unfinished`. Either side
/// first spins, then announces that it sleeps (`sleepers`, `callerSleeps`), looks again, and waits for
/// `wake` or `done`. Announcing and looking, like publishing and looking for sleepers, are sequentially
/// consistent, so one side always sees the other.
// Sendable: `job` is published by `generation`; the rest is atomic or a lock.
final class SharedState: @unchecked Sendable {
    private let parts: Int
    private var job: Job?
    private let busy = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    private let generation = Atomic<UInt64>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    /// Processors of pinned helpers; and the one where the caller was last seen beside them.
    private let taken = Mutex<Set<Int32>>([])
    private let hasTaken = Atomic<Bool>(false)
    private let lastFree = Atomic<Int32>(-1)
    /// Parts that are at the current meeting; and meetings until now.
    private let meeting = Counters(2)
    private let callerSleeps = Atomic<Bool>(false)
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private let done: UnsafeMutablePointer<pthread_cond_t>

    init(parts: Int) {
        self.parts = parts
        lock = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        done = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
    }

    deinit {
        pthread_cond_destroy(done)
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(lock)
        done.deallocate()
        wake.deallocate()
        lock.deallocate()
    }

    /// Waits until every part of the current run has called this.
    func meet() {
        let before = meeting[1].load(ordering: .relaxed)
        if meeting[0].add(1, ordering: .acquiringAndReleasing).newValue == parts {
            meeting[0].store(0, ordering: .relaxed)
            meeting[1].store(before &+ 1, ordering: .releasing)
            return
        }
        if spin(until: { meeting[1].load(ordering: .acquiring) != before }) { return }
        // Another part lost its processor; at first it may need this one.
        var patience = 200
        while meeting[1].load(ordering: .acquiring) == before {
            if patience > 0 { sched_yield() } else { usleep(50) }
            patience -= 1
        }
    }

    /// Keeps the calling helper on a processor of its own.
    func pinHelper(_ part: Int) {
        ck_pin_thread(Int32(part))
        taken.withLock { _ = $0.insert(ck_processor()) }
        hasTaken.store(true, ordering: .releasing)
    }

    /// Leaves a helper's processor, where the system may have put the caller and would leave it for a while.
    func moveCaller() {
        guard hasTaken.load(ordering: .acquiring) else { return }
        let here = ck_processor()
        if here == lastFree.load(ordering: .relaxed) { return }
        if taken.withLock({ $0.contains(here) }) { ck_move_thread(0) }
        lastFree.store(ck_processor(), ordering: .relaxed)
    }

    /// Lets the helpers begin. The work must stay valid until `waitUntilDone` returns.
    func start(_ newJob: Job) {
        let wasBusy = busy.exchange(true, ordering: .acquiring)
        precondition(!wasBusy, "a thread team was asked for a second run during one")
        job = newJob
        unfinished.store(parts - 1, ordering: .relaxed)
        advance()
    }

    func waitUntilDone() {
        if !spin(until: { unfinished.load(ordering: .acquiring) == 0 }) {
            pthread_mutex_lock(lock)
            callerSleeps.store(true, ordering: .sequentiallyConsistent)
            while unfinished.load(ordering: .sequentiallyConsistent) != 0 {
                pthread_cond_wait(done, lock)
            }
            callerSleeps.store(false, ordering: .relaxed)
            pthread_mutex_unlock(lock)
        }
        job = nil
        busy.store(false, ordering: .releasing)
    }

    /// Ends the helpers' `work`.
    func stop() {
        stopping.store(true, ordering: .relaxed)
        advance()
    }

    private func advance() {
        generation.add(1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            pthread_mutex_lock(lock)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(lock)
        }
    }

    /// A helper's life: every run's part `part`, until `stop`.
    func work(part: Int) {
        var seen: UInt64 = 0
        while true {
            waitForGeneration(after: seen)
            // One at a time: the next run cannot begin before this helper has finished the current one.
            seen += 1
            if stopping.load(ordering: .relaxed) { return }
            job?.run(part: part, of: parts)
            finish()
        }
    }

    private func waitForGeneration(after seen: UInt64) {
        if spin(until: { generation.load(ordering: .acquiring) != seen }) { return }
        pthread_mutex_lock(lock)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while generation.load(ordering: .sequentiallyConsistent) == seen {
            pthread_cond_wait(wake, lock)
        }
        sleepers.subtract(1, ordering: .relaxed)
        pthread_mutex_unlock(lock)
    }

    private func finish() {
        let left = unfinished.subtract(1, ordering: .sequentiallyConsistent).newValue
        if left == 0 && callerSleeps.load(ordering: .sequentiallyConsistent) {
            pthread_mutex_lock(lock)
            pthread_cond_signal(done)
            pthread_mutex_unlock(lock)
        }
    }

    /// Waits some 20 µs at most without giving up the processor; false when the condition did not come.
    private func spin(until condition: () -> Bool) -> Bool {
        if condition() { return true }
        let deadline = monotonicNanoseconds() + 20_000
        repeat {
            for _ in 0..<16 {
                ck_spin_hint()
                if condition() { return true }
            }
        } while monotonicNanoseconds() < deadline
        return false
    }
}

private func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
