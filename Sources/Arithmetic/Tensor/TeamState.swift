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
    private enum Kind {
        case inParts(any TeamWork.Type, parts: Int)
        case inPhases(any PhasedWork.Type)
    }
    private let kind: Kind
    private let work: UnsafeRawPointer

    init(_ type: any TeamWork.Type, _ work: UnsafeRawPointer, parts: Int) {
        (kind, self.work) = (.inParts(type, parts: parts), work)
    }

    init(_ type: any PhasedWork.Type, _ work: UnsafeRawPointer) {
        (kind, self.work) = (.inPhases(type), work)
    }

    /// What one thread does of it.
    ///
    /// - Parameters:
    ///   - takePart: the next part that nobody has taken.
    ///   - letGo: says that the caller's work is not needed any more.
    func run(thread: Int, takePart: () -> Int, letGo: () -> Void) {
        switch kind {
        case .inParts(let type, let parts):
            type.run(work, parts: parts, thread: thread, takePart: takePart)
            // Before the caller takes them for done.
            FloatEnvironment.check()
            letGo()
        case .inPhases(let type): type.run(work, thread: thread, letGo: letGo)
        }
    }
}

extension TeamWork {
    fileprivate static func run(_ work: UnsafeRawPointer, parts: Int, thread: Int, takePart: () -> Int) {
        let work = work.assumingMemoryBound(to: Self.self)
        while true {
            let part = takePart()
            guard part < parts else { return }
            work.pointee.run(part: part, of: parts, thread: thread)
        }
    }
}

extension PhasedWork {
    fileprivate static func run(_ work: UnsafeRawPointer, thread: Int, letGo: () -> Void) {
        let copy = work.assumingMemoryBound(to: Self.self).pointee
        letGo()
        copy.run(thread: thread)
    }
}

/// What a team's threads share: the current job, and how they wait for each other.
///
/// A run is a new generation of the `gate`, which is open while the caller is at work: helpers that find it open enter,
/// do the job and count up `left`. The caller closes the gate and waits for those who entered. Either side
/// first spins, then announces that it sleeps (`sleepers`, `callerSleeps`), looks again, and waits for
/// `wake` or `done`. Announcing and looking, like publishing and looking for sleepers, are sequentially
/// consistent, so one side always sees the other.
// Sendable: `job` is published by `gate`; the rest is atomic or a lock.
final class SharedState: @unchecked Sendable {
    private var job: Job?
    private let busy = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    /// A generation, whether it is open, and how many helpers entered.
    private let gate = Counters(1)
    /// The next part to take.
    private let parts = Counters(1)
    /// Helpers of this generation that do not need the caller's work any more.
    private let left = Counters(1)
    private let sleepers = Atomic<Int>(0)
    private let callerSleeps = Atomic<Bool>(false)
    /// That enter a run: of more than there are processors, each would only keep another from what it does.
    private let mostHelpers: Int
    /// Nanoseconds.
    private let patience: UInt64 = 20_000
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private let done: UnsafeMutablePointer<pthread_cond_t>

    private static let open = 1 << 16
    private static let generation = 1 << 17

    init(threads: Int) {
        let processors = Int(ck_processor_count())
        mostHelpers = processors > 0 ? min(threads, max(2, processors)) - 1 : threads - 1
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

    // MARK: the caller

    /// Does a job, whose work must stay valid until this returns.
    ///
    /// - Parameter helpers: how many are of use.
    func run(_ newJob: Job, helpers: Int) {
        let wasBusy = busy.exchange(true, ordering: .acquiring)
        precondition(!wasBusy, "a thread team was asked for a second run during one")
        job = newJob
        parts[0].store(0, ordering: .relaxed)
        left[0].store(0, ordering: .relaxed)
        gate[0].store(nextGeneration | Self.open, ordering: .sequentiallyConsistent)
        wakeHelpers(min(helpers, mostHelpers))
        FloatEnvironment.exact { newJob.run(thread: 0, takePart: takePart, letGo: {}) }
        let entered = gate[0].bitwiseAnd(~Self.open, ordering: .acquiringAndReleasing).newValue & (Self.open - 1)
        wait(for: entered)
        job = nil
        busy.store(false, ordering: .releasing)
    }

    private var nextGeneration: Int {
        (gate[0].load(ordering: .relaxed) / Self.generation + 1) * Self.generation
    }

    private func takePart() -> Int { parts[0].add(1, ordering: .relaxed).oldValue }

    private func wait(for entered: Int) {
        if spin(for: patience, until: { left[0].load(ordering: .acquiring) == entered }) { return }
        pthread_mutex_lock(lock)
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while left[0].load(ordering: .sequentiallyConsistent) != entered { pthread_cond_wait(done, lock) }
        callerSleeps.store(false, ordering: .relaxed)
        pthread_mutex_unlock(lock)
    }

    private func wakeHelpers(_ count: Int) {
        let asleep = sleepers.load(ordering: .sequentiallyConsistent)
        guard asleep > 0 else { return }
        pthread_mutex_lock(lock)
        if count < asleep {
            for _ in 0..<count { pthread_cond_signal(wake) }
        } else {
            pthread_cond_broadcast(wake)
        }
        pthread_mutex_unlock(lock)
    }

    /// Ends the helpers' `work`.
    func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        wakeHelpers(.max)
    }

    // MARK: helpers

    /// A helper's life: what it comes in time for, until `stop`.
    func work(thread: Int) {
        var seen = 0
        while true {
            guard waitForGeneration(after: seen) else { return }
            seen = enter { $0.run(thread: thread, takePart: takePart, letGo: leave) }
        }
    }

    /// Does the job if the gate is open.
    ///
    /// - Returns: the generation that was seen.
    private func enter(_ body: (Job) -> Void) -> Int {
        var word = gate[0].load(ordering: .acquiring)
        while word & Self.open != 0, word & (Self.open - 1) < mostHelpers {
            let (isIn, found) = gate[0].compareExchange(
                expected: word, desired: word + 1, ordering: .acquiringAndReleasing)
            if isIn {
                if let job { FloatEnvironment.exact { body(job) } }
                break
            }
            word = found
        }
        return word / Self.generation
    }

    /// - Returns: false when the team ends instead.
    private func waitForGeneration(after seen: Int) -> Bool {
        // The end is no generation: a helper that comes late for a run would take the end for it.
        func isEnd() -> Bool { stopping.load(ordering: .sequentiallyConsistent) }
        func isNew() -> Bool { isEnd() || gate[0].load(ordering: .sequentiallyConsistent) / Self.generation != seen }
        if !spin(for: patience, until: isNew) {
            pthread_mutex_lock(lock)
            sleepers.add(1, ordering: .sequentiallyConsistent)
            while !isNew() { pthread_cond_wait(wake, lock) }
            sleepers.subtract(1, ordering: .relaxed)
            pthread_mutex_unlock(lock)
        }
        return !isEnd()
    }

    private func leave() {
        left[0].add(1, ordering: .sequentiallyConsistent)
        if callerSleeps.load(ordering: .sequentiallyConsistent) {
            pthread_mutex_lock(lock)
            pthread_cond_signal(done)
            pthread_mutex_unlock(lock)
        }
    }
}
