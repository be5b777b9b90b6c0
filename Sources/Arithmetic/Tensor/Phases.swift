import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Phases of a run that threads do together, one phase after another.
///
/// A phase has `count` units, which may be done in any order and by any thread. It is over when all are done; then the
/// next one begins. Threads take ranges of units as they come free, each its own share first.
///
/// **A thread that loses its processor holds up nobody.** What it was computing is computed again by a thread that has
/// nothing left to do. So a range is done in two steps: *computing* reads what all share and writes only what is the
/// thread's own; *committing* then puts that where all see it, and only the first of those who computed it may. A thread
/// that comes late finds its range committed, and its phase over, and goes on to the phase that is under way.
///
/// So a thread may read memory that others write meanwhile: what it makes of that is thrown away.
// Sendable: the memory of the slots never moves, and holds atomics.
package final class Phases: @unchecked Sendable {
    package let threads: Int
    /// Shares of a phase that are taken from apart.
    private let owners: Int
    /// The first phase that is not over; and units of it that are committed.
    private let progress = Counters(2)
    /// By share: a phase's number, and how many of the share's units are taken.
    private let taken: Counters
    private let slots: UnsafeMutableRawPointer
    /// Nanoseconds after which a thread does what another holds.
    private let patience: UInt64 = 20_000

    /// - Parameter threads: that may come.
    package init(threads: Int) {
        self.threads = threads
        owners = min(threads, 64)
        taken = Counters(owners)
        slots = .allocate(byteCount: threads * Slot.distance, alignment: Slot.distance)
        for thread in 0..<threads { slot(thread).initialize(to: Slot()) }
    }

    deinit {
        for thread in 0..<threads { slot(thread).deinitialize(count: 1) }
        slots.deallocate()
    }

    /// The number of the next phase; the phases of a run are numbered from here, in order, and may leave numbers out.
    package var next: Int { progress[0].load(ordering: .acquiring) }

    /// Whether a phase is over, so that a thread need not prepare for it.
    package func isOver(_ phase: Int) -> Bool { next > phase }

    /// Does short units together with the other threads; returns when the phase is over.
    ///
    /// Nobody does the units of a thread that loses its processor meanwhile.
    ///
    /// - Parameters:
    ///   - phase: its number.
    ///   - count: of its units.
    ///   - thread: who calls.
    ///   - body: does some units.
    package func doShort(_ phase: Int, of count: Int, thread: Int, _ body: (Range<Int>) -> Void) {
        run(Phase(number: phase, count: count), thread: thread, state: .committing, compute: { _ in }, commit: body)
    }

    /// Does units together with the other threads; returns when the phase is over.
    ///
    /// - Parameters:
    ///   - phase: its number.
    ///   - count: of its units.
    ///   - thread: who calls.
    ///   - multiple: units that are best done at once.
    ///   - most: units that the thread's own memory has room for.
    ///   - compute: writes only what is this thread's own. May be called for units that are another thread's.
    ///   - commit: puts the result of the last `compute` where all see it; called once for each unit, by one thread.
    package func run(
        _ phase: Int, of count: Int, thread: Int, multiple: Int = 1, most: Int = .max,
        compute: (Range<Int>) -> Void, commit: (Range<Int>) -> Void
    ) {
        run(
            Phase(number: phase, count: count, multiple: multiple, most: most), thread: thread, state: .computing,
            compute: compute, commit: commit)
    }

    private func run(
        _ phase: Phase, thread: Int, state: State, compute: (Range<Int>) -> Void, commit: (Range<Int>) -> Void
    ) {
        guard phase.count > 0, !isOver(phase.number) else { return }
        while let units = take(phase, thread: thread) {
            let word = slot(thread).pointee.hold(units, of: phase.number, state)
            FloatEnvironment.settle()
            compute(units)
            guard state == .committing || slot(thread).pointee.claim(word) else { continue }
            commit(units)
            finish(units, of: phase)
        }
        waitUntilOver(phase, thread: thread, compute: compute, commit: commit)
    }

    /// Units for a thread to do, fewer towards the end; nil when all are taken.
    private func take(_ phase: Phase, thread: Int) -> Range<Int>? {
        for offset in 0..<owners {
            let owner = (thread + offset) % owners
            let share = share(of: phase.count, part: owner, parts: owners)
            var word = taken[owner].load(ordering: .relaxed)
            while true {
                // A later phase has begun.
                if word >> Self.unitBits > phase.number { return nil }
                let done = word >> Self.unitBits == phase.number ? word & (1 << Self.unitBits - 1) : 0
                let left = share.count - done
                if left <= 0 { break }
                let size = phase.size(left: left)
                let (isMine, found) = taken[owner].compareExchange(
                    expected: word, desired: phase.number << Self.unitBits | done + size, ordering: .relaxed)
                if isMine { return share.lowerBound + done..<share.lowerBound + done + size }
                word = found
            }
        }
        return nil
    }

    private func finish(_ units: Range<Int>, of phase: Phase) {
        // Before anyone sees the units as done.
        FloatEnvironment.check()
        let done = progress[1].add(units.count, ordering: .acquiringAndReleasing).newValue
        guard done == phase.count else { return }
        progress[1].store(0, ordering: .relaxed)
        progress[0].store(phase.number + 1, ordering: .releasing)
    }

    private func waitUntilOver(
        _ phase: Phase, thread: Int, compute: (Range<Int>) -> Void, commit: (Range<Int>) -> Void
    ) {
        while !isOver(phase.number) {
            if spin(for: patience, until: { isOver(phase.number) }) { return }
            if let (other, word, units) = heldByOther(phase, thread: thread) {
                FloatEnvironment.settle()
                compute(units)
                guard slot(other).pointee.claim(word) else { continue }
                commit(units)
                finish(units, of: phase)
            } else {
                // Somebody lost its processor while it committed, and may need this one. (Who yields instead is put
                // behind others for long, by Linux 6.18.)
                usleep(50)
            }
        }
    }

    /// Units that another thread computes, and the state in which it holds them.
    private func heldByOther(_ phase: Phase, thread: Int) -> (thread: Int, word: Int, units: Range<Int>)? {
        for offset in 1..<max(1, threads) {
            let other = (thread + offset) % threads
            if let (word, units) = slot(other).pointee.held(of: phase.number) { return (other, word, units) }
        }
        return nil
    }

    private func slot(_ thread: Int) -> UnsafeMutablePointer<Slot> {
        (slots + thread * Slot.distance).assumingMemoryBound(to: Slot.self)
    }

    /// Bits for units in a word of `taken`.
    private static let unitBits = 24
}

private struct Phase {
    let number: Int
    let count: Int
    var multiple = 1
    var most = Int.max

    /// How many units a thread takes of a share that has so many left.
    func size(left: Int) -> Int { min(left, max(multiple, min(most, left / 2) / multiple * multiple)) }
}

private enum State: Int {
    case idle, computing, committing
}

/// What a thread holds.
private struct Slot: ~Copyable {
    /// Processors fetch lines of 64 bytes in pairs.
    static let distance = 128
    /// Counts what the thread ever held, and its state: so a late thread sees that what it held was claimed.
    private let word = Atomic<Int>(0)
    private let phase = Atomic<Int>(0)
    private let lower = Atomic<Int>(0)
    private let upper = Atomic<Int>(0)

    /// Called by the slot's thread alone.
    ///
    /// - Returns: what `claim` asks for.
    func hold(_ units: Range<Int>, of number: Int, _ state: State) -> Int {
        let next = (word.load(ordering: .relaxed) >> 2 + 1) << 2 | state.rawValue
        phase.store(number, ordering: .relaxed)
        lower.store(units.lowerBound, ordering: .relaxed)
        upper.store(units.upperBound, ordering: .relaxed)
        word.store(next, ordering: .releasing)
        return next
    }

    /// Whether the caller may commit what was held; the first who asks may.
    func claim(_ held: Int) -> Bool {
        word.compareExchange(
            expected: held, desired: held & ~3 | State.committing.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// What is being computed of a phase.
    func held(of number: Int) -> (word: Int, units: Range<Int>)? {
        let before = word.load(ordering: .acquiring)
        guard before & 3 == State.computing.rawValue else { return nil }
        let (phase, lower, upper) = (
            phase.load(ordering: .relaxed), lower.load(ordering: .relaxed), upper.load(ordering: .relaxed)
        )
        atomicMemoryFence(ordering: .acquiring)
        guard word.load(ordering: .relaxed) == before, phase == number, lower < upper else { return nil }
        return (before, lower..<upper)
    }
}

/// Waits for at most so many nanoseconds without giving up the processor; false when the condition did not come.
func spin(for nanoseconds: UInt64, until condition: () -> Bool) -> Bool {
    if condition() { return true }
    let deadline = monotonicNanoseconds() + nanoseconds
    repeat {
        for _ in 0..<16 {
            ck_spin_hint()
            if condition() { return true }
        }
    } while monotonicNanoseconds() < deadline
    return false
}

func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
