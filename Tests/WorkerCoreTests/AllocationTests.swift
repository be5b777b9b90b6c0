import CAllocationCount
import Testing
import WorkerCore

/// Between chunks the scheduler asks for no memory.
@Suite(.enabled(if: ac_allocations() >= 0, "allocations can be counted with glibc only"))
struct AllocationTests {
    @Test func `steps of a running batch`() throws {
        var batch = scheduler(chunk: 64)
        for number in 0..<3 { _ = try batch.add(work(number, level: number % 2, new: 60)) }
        var step = Step()
        let tokens: [[UInt16]] = [[], [1], [1, 2], [1, 2, 3]]
        for _ in 0..<24 where batch.next(&step) {
            _ = batch.completed(step, tokens: tokens[step.sampled.count])
        }
        var allocations = 0
        for _ in 0..<20 {
            var before = ac_allocations()
            let hasStep = batch.next(&step)
            allocations += ac_allocations() - before
            let drawn = tokens[step.sampled.count]
            before = ac_allocations()
            let effects = batch.completed(step, tokens: drawn)
            allocations += ac_allocations() - before
            #expect(hasStep && effects.isEmpty)
        }
        #expect(allocations == 0)
    }
}
