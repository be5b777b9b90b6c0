import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Work that a team does in parts.
///
/// A struct of the work's arguments costs no allocation per run, which a closure does.
package protocol TeamWork {
    /// Does part `part` of `parts`; called once for each part, on different threads at a time.
    func run(part: Int, of parts: Int)
}

/// A few threads that do the parts of one piece of work together, many thousand times a second.
///
/// Between two runs a thread spins for a moment and then sleeps. A team does one run at a time: calling
/// `run` from two threads at once, or from inside a run, is a programming error that stops the process.
package final class ThreadTeam: Sendable {
    /// How many parts a run has, including the caller's.
    package let threads: Int
    private let shared: SharedState
    private let helpers: [Helper]

    /// A team of `threads`, of which the caller of `run` is one.
    ///
    /// - Parameters:
    ///   - pinned: whether each helper keeps to a processor of its own, so that no two threads of the team share one
    ///     while another idles. By default they do when the team has as many threads as there are processors.
    ///   - isPatient: whether the helpers let other threads go first.
    package init(threads: Int, pinned: Bool? = nil, isPatient: Bool = false) {
        precondition(threads >= 1, "a thread team needs at least one thread, not \(threads)")
        self.threads = threads
        let shared = SharedState(parts: threads)
        self.shared = shared
        let pinned = pinned ?? (threads == Int(ck_processor_count()))
        self.helpers = (1..<max(threads, 1)).map {
            Helper(part: $0, shared: shared, pinned: pinned, isPatient: isPatient)
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

    /// Does every part of `work`, the parts on different threads, part 0 on the caller's; returns when all
    /// are done. What a part wrote is visible to the caller afterwards. Allocates nothing.
    package func run<Work: TeamWork>(_ work: Work) {
        if threads == 1 { return work.run(part: 0, of: 1) }
        shared.moveCaller()
        withUnsafePointer(to: work) { pointer in
            shared.start(Job(type: Work.self, work: UnsafeRawPointer(pointer)))
            work.run(part: 0, of: threads)
            shared.waitUntilDone()
        }
    }

    /// Inside a run: waits until every part of it is here. What the others wrote before is visible afterwards.
    ///
    /// Meant for moments of a few microseconds: it spins, and gives up the processor only when that was in vain.
    package func meet() {
        if threads > 1 { shared.meet() }
    }

    /// The same for a closure, which costs two small allocations unless the team is one thread.
    package func run(_ body: (_ part: Int, _ parts: Int) -> Void) {
        if threads == 1 { return body(0, 1) }
        withoutActuallyEscaping(body) { run(ClosureWork(body: $0)) }
    }
}

private struct ClosureWork: TeamWork {
    let body: (Int, Int) -> Void

    func run(part: Int, of parts: Int) { body(part, parts) }
}

/// One pthread that does the same part of every run.
// Sendable: `thread` is written once, before anyone else sees the object.
private final class Helper: @unchecked Sendable {
    private let part: Int
    private let shared: SharedState
    private let pinned: Bool
    private let isPatient: Bool
    #if canImport(Darwin)
        private var thread: pthread_t?
    #else
        private var thread = pthread_t()
    #endif

    init(part: Int, shared: SharedState, pinned: Bool, isPatient: Bool) {
        self.pinned = pinned
        self.isPatient = isPatient
        self.part = part
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
                if helper.pinned { helper.shared.pinHelper(helper.part) }
                helper.shared.work(part: helper.part)
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
