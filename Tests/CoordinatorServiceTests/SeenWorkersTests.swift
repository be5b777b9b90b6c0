import CoordinatorCore
import SongFiles
import Testing

@testable import CoordinatorService

struct SeenWorkersTests {
    private func worker(_ number: Int, slots: Int = 1) -> WorkerDescription {
        WorkerDescription(id: "w\(number)", name: "worker \(number)", model: "m", fingerprints: [0: "f"], slots: slots)
    }

    @Test func `a worker is known by what it said last`() {
        var workers = SeenWorkers()
        workers.add(worker(1)) { [] }
        workers.add(worker(1, slots: 8)) { [] }
        #expect(workers["w1"]?.name == "worker 1")
        #expect(workers["w1"]?.slots == 8)
        #expect(workers["w2"] == nil)
    }

    @Test func `workers that come and go are not kept for ever`() {
        var workers = SeenWorkers()
        for number in 0..<10_000 { workers.add(worker(number)) { ["w0", "w\(number)"] } }
        #expect(workers["w0"] != nil)
        #expect(workers["w9999"] != nil)
        #expect((1..<9_900).allSatisfy { workers["w\($0)"] == nil })
    }
}
