import SongPlan
import Testing
import WorkerCore

/// What keeps a worker busy whose coordinator is far.
struct FarCoordinatorTests {
    @Test func `only tasks of which nothing was acknowledged are sent again, a few chunks at first`() throws {
        var batch = scheduler(chunk: 1, unacknowledged: 100, waiting: .max)
        _ = try batch.add(work(1, new: 20))
        _ = try batch.add(work(2, new: 20))
        let sent = chunks(batch.run(7))
        #expect(sent.count == 13)
        #expect(batch.resendStalled().isEmpty, "nobody has waited yet")
        _ = batch.acknowledged(task(1), epoch: 1, count: 1)
        // Of the second one nothing was acknowledged; the six of the first are on their way all the same.
        #expect(batch.resendStalled().isEmpty)
        let freed = chunks(batch.acknowledged(task(1), epoch: 1, count: 7))
        #expect(freed.map(\.task) == Array(repeating: task(2), count: 6) && freed.map(\.start) == Array(0..<6))
        _ = batch.resendStalled()
        let probes = chunks(batch.resendStalled())
        #expect(probes.map(\.start) == [0, 1, 2, 3] && probes.allSatisfy { $0.task == task(2) })
        #expect(chunks(batch.acknowledged(task(2), epoch: 1, count: 1)).map(\.start) == [4, 5])
    }

    @Test func `a window whose prime is there is sampled ahead of its lease, which lets its chunks go`() throws {
        var batch = scheduler(slots: 1, chunk: 2)
        var ahead = work(1, epoch: 0, rows: 3, new: 4)
        ahead.hasWholePrime = true
        _ = try batch.add(ahead)
        var sampled: [TaskID: Int] = [:]
        let effects = batch.run(3, &sampled)
        #expect(effects.isEmpty && sampled == [task(1): 3] && batch.held.isEmpty)
        #expect(try batch.add(work(1, epoch: 7, rows: 3, new: 4)) == nil)
        #expect(batch.held == [HeldLease(task: task(1), epoch: 7, acknowledged: 0)])
        #expect(chunks(batch.sendable()).map(\.tokens) == [[0, 1]])
        let rest = batch.run(100, &sampled)
        #expect(chunks(rest).map(\.tokens) == [[2, 3]] && chunks(rest).map(\.epoch) == [7])
        #expect(rest.last == .finished(task(1), epoch: 7, job: 0))
    }

    @Test func `one that was sampled ahead to its end waits for its lease without a slot`() throws {
        var batch = scheduler(slots: 1, chunk: 2)
        var ahead = work(1, epoch: 0, rows: 3, new: 4)
        ahead.hasWholePrime = true
        _ = try batch.add(ahead)
        #expect(chunks(batch.run(100)).isEmpty && batch.freeSlots == 1)
        _ = try batch.add(work(2, new: 1))
        _ = try batch.add(work(1, epoch: 7, rows: 3, new: 4))
        #expect(chunks(batch.sendable()).map(\.tokens) == [[0, 1], [2, 3]])
        // With tokens of somebody else it begins anew.
        var other = work(3, epoch: 0, rows: 3, new: 4)
        other.hasWholePrime = true
        _ = batch.run(100)
        _ = try batch.add(other)
        _ = batch.run(2)
        #expect(try batch.add(work(3, epoch: 8, rows: 4, new: 4, done: 1)) != nil)
        #expect(try batch.step().prefills.map(\.rows) == [0..<4])
    }
}
