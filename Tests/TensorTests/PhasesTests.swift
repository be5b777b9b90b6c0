import Foundation
import Synchronization
import Tensor
import Testing

/// Counts, for each unit of each phase, how often it was committed, and whether all of the phase before was there.
private struct Counting: PhasedWork {
    let phases: Phases
    let first: Int
    let counts: [Int]
    let isShort: Bool
    let committed: [Buffer<Int32>]
    let wrong: Flag

    init(phases: Phases, counts: [Int], isShort: Bool) {
        self.phases = phases
        self.counts = counts
        self.isShort = isShort
        first = phases.next
        committed = counts.map { Buffer(count: $0, zeroed: true) }
        wrong = Flag()
    }

    func run(thread: Int) {
        for (phase, count) in counts.enumerated() {
            func commit(_ units: Range<Int>) {
                if phase > 0, committed[phase - 1].elements.contains(0) { wrong.raise() }
                for unit in units { committed[phase][unit] += 1 }
            }
            // Numbers may be left out.
            let number = first + 3 * phase
            if isShort {
                phases.doShort(number, of: count, thread: thread, commit)
            } else {
                phases.run(number, of: count, thread: thread, multiple: 4, most: 9, compute: { _ in }, commit: commit)
            }
        }
    }
}

private final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)
    func raise() { raised.store(true, ordering: .sequentiallyConsistent) }
    var isRaised: Bool { raised.load(ordering: .sequentiallyConsistent) }
    func wait() { while !isRaised { sched_yield() } }
}

/// Its helper stops while it computes, as a thread does that loses its processor.
private struct Interrupted: PhasedWork {
    let phases: Phases
    let sums: Buffer<Int>
    let helperIsIn = Flag()
    let helperMayGo = Flag()
    let helperIsOut = Flag()

    func run(thread: Int) {
        var mine = 0
        if thread == 0 { helperIsIn.wait() }
        phases.run(0, of: 100, thread: thread) { units in
            if thread == 1 {
                helperIsIn.raise()
                helperMayGo.wait()
            }
            mine = units.reduce(0, +)
        } commit: { units in
            sums[units.lowerBound] += mine
        }
        phases.doShort(1, of: 1, thread: thread) { _ in sums[100] += 1 }
        if thread == 1 { helperIsOut.raise() }
    }
}

struct PhasesTests {
    @Test(arguments: [1, 2, 3, 8, 63, 64, 65, 1024], [true, false])
    func `every unit is done once, after all of the phase before`(threads: Int, isShort: Bool) {
        let (team, phases) = (ThreadTeam(threads: threads), Phases(threads: threads))
        for _ in 0..<(threads > 100 ? 2 : 30) {
            let work = Counting(phases: phases, counts: [1, 7, 480, 2, 1, 64, 1000, 3], isShort: isShort)
            team.run(work)
            for phase in work.committed { #expect(phase.elements.allSatisfy { $0 == 1 }) }
            #expect(!work.wrong.isRaised)
        }
    }

    @Test func `what a lost thread computes is done by another, and not again by the lost one`() {
        let (team, phases) = (ThreadTeam(threads: 2), Phases(threads: 2))
        let work = Interrupted(phases: phases, sums: Buffer(count: 101, zeroed: true))
        team.run(work)
        // The run is over, though the helper is still in its first range.
        let whole = (0..<100).reduce(0, +)
        #expect(work.sums.elements.prefix(100).reduce(0, +) == whole && work.sums[100] == 1)
        // The team does other work meanwhile.
        let parts = Atomic<Int>(0)
        for _ in 0..<100 { team.run { _, _ in parts.add(1, ordering: .relaxed) } }
        #expect(parts.load(ordering: .relaxed) == 200)
        work.helperMayGo.raise()
        work.helperIsOut.wait()
        #expect(work.sums.elements.prefix(100).reduce(0, +) == whole && work.sums[100] == 1)
    }

    @Test func `a phase without units is over at once`() {
        let (team, phases) = (ThreadTeam(threads: 3), Phases(threads: 3))
        let work = Counting(phases: phases, counts: [0, 5, 0, 0, 2, 0], isShort: false)
        team.run(work)
        for phase in work.committed { #expect(phase.elements.allSatisfy { $0 == 1 }) }
    }
}
