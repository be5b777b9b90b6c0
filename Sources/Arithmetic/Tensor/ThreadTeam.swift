import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Work that a team does in parts, which its threads take as they come free.
///
/// A struct of the work's arguments costs no allocation per run, which a closure does.
package protocol TeamWork {
    /// Does part `part` of `parts`; called once for each part, on different threads at a time.
    ///
    /// - Parameter thread: who calls, 0 to the team's `threads` - 1: one part at a time.
    func run(part: Int, of parts: Int, thread: Int)
}

/// Work that all threads that come do together, phase by phase (see `Phases`).
///
/// The caller's own call returns when all of the work is done. A thread that lost its processor may then still be in
/// its call, on a copy of the work of its own: what the copy keeps alive is all that it may read.
package protocol PhasedWork {
    /// Called at most once by each thread.
    func run(thread: Int)
}

/// A few threads that do pieces of work together, many thousand times a second.
///
/// Between two runs a thread spins for a moment and then sleeps. A run does not wait for threads that do not come, and no
/// more come than there are processors. A team
/// does one run at a time: calling `run` from two threads at once, or from inside a run, is a programming error that
/// stops the process.
package final class ThreadTeam: Sendable {
    /// The most that `--threads` allows.
    package static let most = 1024

    /// How many threads there are, including the caller's.
    package let threads: Int
    private let shared: SharedState
    private let pinned: Bool
    private let helpers: [Helper]

    /// A team of `threads`, of which the caller of `run` is one.
    ///
    /// - Parameters:
    ///   - pinned: whether each thread keeps to a processor of its own, the caller while it is in a run. By default they
    ///     do when the team has as many threads as there are processors: then others that want a processor share it
    ///     with one of them, and no two of them share one while another idles.
    ///   - isPatient: whether the helpers let other threads go first.
    package init(threads: Int, pinned: Bool? = nil, isPatient: Bool = false) {
        precondition(threads >= 1, "a thread team needs at least one thread, not \(threads)")
        self.threads = threads
        let shared = SharedState(threads: threads)
        self.shared = shared
        let pinned = threads > 1 && pinned ?? (threads == Int(ck_processor_count()))
        self.pinned = pinned
        self.helpers = (1..<max(threads, 1)).map {
            Helper(number: $0, shared: shared, pinned: pinned, isPatient: isPatient)
        }
    }

    /// The calling thread gets a third of what another gets that wants the same processor.
    package static func letOthersGoFirst() {
        #if canImport(Glibc)
            // On Linux a thread has a priority of its own; 0 is the one that asks.
            let own = __priority_which_t(PRIO_PROCESS.rawValue)
            // Who has yielded further already, as the whole process under `nice`, stays there.
            if getpriority(own, 0) < 5 { _ = setpriority(own, 0, 5) }
        #endif
    }

    deinit {
        shared.stop()
        for helper in helpers { helper.join() }
    }

    /// Does every part of `work`, and returns when all are done. What a part wrote is visible to the caller
    /// afterwards. Allocates nothing.
    ///
    /// - Parameter parts: into how many it is cut; by default as many as there are threads.
    package func run<Work: TeamWork>(_ work: Work, parts: Int? = nil) {
        let parts = parts ?? threads
        guard threads > 1, parts > 1 else {
            return FloatEnvironment.exact {
                for part in 0..<parts { work.run(part: part, of: parts, thread: 0) }
            }
        }
        withUnsafePointer(to: work) { pointer in
            run(Job(Work.self, UnsafeRawPointer(pointer), parts: parts), helpers: min(parts, threads) - 1)
        }
    }

    /// Does `work`, and returns when it is done. Allocates nothing.
    package func run<Work: PhasedWork>(_ work: Work) {
        if threads == 1 { return FloatEnvironment.exact { work.run(thread: 0) } }
        withUnsafePointer(to: work) { pointer in
            run(Job(Work.self, UnsafeRawPointer(pointer)), helpers: threads - 1)
        }
    }

    private func run(_ job: Job, helpers: Int) {
        var before = ck_processors()
        let isHeld = pinned && ck_hold_thread(0, &before) != 0
        shared.run(job, helpers: helpers)
        if isHeld { ck_release_thread(&before) }
    }

    /// The same for a closure, which costs two small allocations unless the team is one thread.
    package func run(parts: Int? = nil, _ body: (_ part: Int, _ parts: Int, _ thread: Int) -> Void) {
        withoutActuallyEscaping(body) { run(ClosureWork(body: $0), parts: parts) }
    }

    /// A closure that does not mind who calls it.
    package func run(parts: Int? = nil, _ body: (_ part: Int, _ parts: Int) -> Void) {
        run(parts: parts) { part, parts, _ in body(part, parts) }
    }
}

private struct ClosureWork: TeamWork {
    let body: (Int, Int, Int) -> Void

    func run(part: Int, of parts: Int, thread: Int) { body(part, parts, thread) }
}

/// One pthread of a team.
// Sendable: `thread` is written once, before anyone else sees the object.
private final class Helper: @unchecked Sendable {
    private let number: Int
    private let shared: SharedState
    private let pinned: Bool
    private let isPatient: Bool
    #if canImport(Darwin)
        private var thread: pthread_t?
    #else
        private var thread = pthread_t()
    #endif

    init(number: Int, shared: SharedState, pinned: Bool, isPatient: Bool) {
        self.pinned = pinned
        self.isPatient = isPatient
        self.number = number
        self.shared = shared
        let me = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                    let me = argument
                #else
                    let me = argument!
                #endif
                let helper = Unmanaged<Helper>.fromOpaque(me).takeRetainedValue()
                if helper.isPatient { ThreadTeam.letOthersGoFirst() }
                if helper.pinned { ck_pin_thread(Int32(helper.number)) }
                helper.shared.work(thread: helper.number)
                return nil
            }, me)
        precondition(code == 0, "the system refused another thread (error \(code)); use fewer threads")
    }

    func join() {
        #if canImport(Darwin)
            if let thread { pthread_join(thread, nil) }
        #else
            pthread_join(thread, nil)
        #endif
    }
}
