import SongPlan
import Testing
import WorkerCore

func task(_ number: Int, level: Int = 0) -> TaskID {
    TaskID(stream: StreamID(song: "s\(number)", sample: 0, level: level), window: 0)
}

func work(
    _ number: Int, level: Int = 0, epoch: Epoch = 1, rows: Int = 1, new: Int = 10, done: Int = 0, path: Int = 0
) -> WorkerTask {
    WorkerTask(
        task: task(number, level: level), epoch: epoch, prefillRows: rows, newTokens: new, done: done, path: path)
}

/// A scheduler with small figures.
func scheduler(
    slots: Int = 4, chunk: Int = 4, unacknowledged: Int = 4, prefill: Int = 8, waiting: Int = 16,
    blocks: [Int: Int] = [0: 16, 1: 16, 2: 6]
) -> BatchScheduler {
    BatchScheduler(
        settings: .init(
            slots: slots, chunk: chunk, unacknowledgedChunks: unacknowledged, prefillRows: prefill,
            waitingChunks: waiting), blockLengths: blocks)
}

extension BatchScheduler {
    /// Runs steps with tokens that count up from 0 for each task.
    mutating func run(_ steps: Int, _ sampled: inout [TaskID: Int]) -> [WorkerEffect] {
        var effects: [WorkerEffect] = []
        for _ in 0..<steps {
            guard let step = nextStep() else { break }
            let tokens = step.sampled.map { seat in
                defer { sampled[seat.task, default: 0] += 1 }
                return UInt16(sampled[seat.task, default: 0])
            }
            effects += completed(step, tokens: tokens)
        }
        return effects
    }

    mutating func step() throws -> Step {
        let step = nextStep()
        return try #require(step)
    }

    mutating func run(_ steps: Int) -> [WorkerEffect] {
        var sampled: [TaskID: Int] = [:]
        return run(steps, &sampled)
    }
}

func chunks(_ effects: [WorkerEffect]) -> [Chunk] {
    effects.compactMap { if case .chunkReady(let chunk) = $0 { chunk } else { nil } }
}

struct BatchSchedulerTests {
    @Test func `the first token is sampled from the last row of prefill, then one row a token`() throws {
        var batch = scheduler()
        #expect(try batch.add(work(1, rows: 3, new: 3)) == 0)
        let first = try batch.step()
        #expect(first.prefills.map(\.rows) == [0..<3] && first.decodes.isEmpty)
        #expect(first.sampled.map(\.task) == [task(1)])
        #expect(batch.completed(first, tokens: [5]).isEmpty)
        let second = try batch.step()
        #expect(second.prefills.isEmpty && second.decodes.map(\.slot) == [0])
        #expect(batch.completed(second, tokens: [6]).isEmpty)
        let third = try batch.step()
        let effects = batch.completed(third, tokens: [7])
        #expect(chunks(effects).map(\.tokens) == [[5, 6, 7]] && chunks(effects).map(\.start) == [0])
        #expect(effects.last == .finished(task(1), epoch: 1, job: 0))
        #expect(batch.nextStep() == nil)
    }

    @Test func `what is prefilled ahead waits for its lease, and goes on from there`() throws {
        var batch = scheduler()
        let job = try batch.add(work(1, epoch: 0, rows: 10, new: 3))
        #expect(batch.held.isEmpty && batch.numbers == [0])
        #expect(try batch.add(work(1, epoch: 0, rows: 9, new: 3)) == nil, "it has more than that")
        let first = try batch.step()
        #expect(first.prefills.map(\.rows) == [0..<8] && first.sampled.isEmpty)
        // More of the prime comes while the step runs.
        #expect(try batch.add(work(1, epoch: 0, rows: 12, new: 3)) == job)
        #expect(batch.completed(first, tokens: []).isEmpty)
        let second = try batch.step()
        #expect(second.prefills.map(\.rows) == [8..<12] && second.sampled.isEmpty)
        _ = batch.completed(second, tokens: [])
        #expect(batch.nextStep() == nil && batch.freeSlots == 3)
        #expect(try batch.add(work(1, epoch: 4, rows: 14, new: 3)) == job)
        #expect(batch.held == [HeldLease(task: task(1), epoch: 4, acknowledged: 0)])
        let third = try batch.step()
        #expect(third.prefills.map(\.rows) == [12..<14] && third.sampled.map(\.job) == [0])
    }

    @Test func `a lease without a slot gets the one of what is prefilled ahead, never the other way round`() throws {
        var batch = scheduler(slots: 2)
        _ = try batch.add(work(1))
        _ = try batch.add(work(2, epoch: 0, rows: 4))
        #expect(throws: AdmissionError.noFreeSlot(task(3), slots: 2)) { try batch.add(work(3, epoch: 0, rows: 4)) }
        let stale = try batch.step()
        _ = try batch.add(work(3))
        #expect(batch.held.map(\.task) == [task(1), task(3)])
        // The step of before still has the seat of what went.
        _ = batch.completed(stale, tokens: stale.sampled.map { _ in 1 })
        #expect(try batch.step().prefills.map(\.seat.task) == [task(3)])
        #expect(throws: AdmissionError.noFreeSlot(task(2), slots: 2)) { try batch.add(work(2)) }
        batch.dropAhead()
        #expect(batch.held.count == 2)
    }

    @Test func `prefill is cut by its limit and never crosses a block`() throws {
        var batch = scheduler(prefill: 8)
        _ = try batch.add(work(1, level: 2, rows: 20))
        _ = try batch.add(work(2, level: 1, rows: 20))
        var runs: [Int: [Range<Int>]] = [:]
        while let step = batch.nextStep() {
            for prefill in step.prefills { runs[step.level, default: []].append(prefill.rows) }
            _ = batch.completed(step, tokens: step.sampled.map { _ in 0 })
        }
        #expect(runs[2] == [0..<6, 6..<12, 12..<18, 18..<20])
        #expect(runs[1] == [0..<8, 8..<16, 16..<20])
    }

    @Test func `decoding never waits: one run of prefill beside all decodes, oldest task first`() throws {
        var batch = scheduler()
        _ = try batch.add(work(1, new: 100))
        _ = batch.run(1)
        _ = try batch.add(work(2, rows: 30))
        _ = try batch.add(work(3, rows: 30))
        for _ in 0..<4 {
            let step = try batch.step()
            #expect(step.decodes.map(\.task) == [task(1)])
            #expect(step.prefills.map(\.seat.task) == [task(2)])
            _ = batch.completed(step, tokens: step.sampled.map { _ in 0 })
        }
        let step = try batch.step()
        #expect(step.decodes.map(\.task) == [task(1), task(2)])
        #expect(step.prefills.map(\.seat.task) == [task(3)])
    }

    /// Of each level's steps, the seconds in so many in all, when a step of it takes so long.
    private func shares(_ batch: inout BatchScheduler, _ length: [Double], total: Double) throws -> [Double] {
        var seconds = [0.0, 0, 0]
        while seconds.reduce(0, +) < total {
            let step = try batch.step()
            #expect(step.sampled.allSatisfy { $0.task.level == step.level })
            seconds[step.level] += length[step.level]
            _ = batch.completed(step, tokens: step.sampled.map { _ in 0 }, seconds: length[step.level])
        }
        return seconds.map { $0 / total }
    }

    @Test func `the longer a level's path, the more time it has, however long steps are`() throws {
        for (paths, wanted) in [([0, 0, 0], [1.0, 4, 16]), ([7, 1, 5], [16, 1, 4])] {
            var batch = scheduler(waiting: .max)
            for level in [2, 0, 1] {
                _ = try batch.add(work(level, level: level, new: 100_000, path: paths[level]))
            }
            for length in [[1.0, 1, 1], [8, 2, 0.5]] {
                let shares = try shares(&batch, length, total: 1000)
                for level in 0...2 { #expect(abs(shares[level] - wanted[level] / 21) < 0.02, "\(paths) \(shares)") }
            }
        }
    }

    @Test func `a level that had nothing to do has no turns to catch up on`() throws {
        var batch = scheduler(waiting: .max)
        _ = try batch.add(work(0, level: 0, new: 100_000))
        #expect(try shares(&batch, [1, 1, 1], total: 1000)[0] == 1)
        _ = try batch.add(work(2, level: 2, new: 100_000))
        let shares = try shares(&batch, [1, 1, 1], total: 100)
        #expect(abs(shares[2] - 4.0 / 5) < 0.03 && abs(shares[0] - 1.0 / 5) < 0.03)
    }

    @Test func `a level's speed is that of its own steps, without prefill and other levels`() throws {
        var batch = scheduler(waiting: .max)
        for number in 0..<3 { _ = try batch.add(work(number, level: 0, rows: 40, new: 100_000)) }
        _ = try batch.add(work(9, level: 2, new: 100_000))
        var length = 1.0
        func run(_ steps: Int) throws {
            for _ in 0..<steps {
                let step = try batch.step()
                let seconds = (step.level == 0 ? 0.01 : 0.25) * (step.prefills.isEmpty ? length : 100)
                _ = batch.completed(step, tokens: step.sampled.map { _ in 0 }, seconds: seconds)
            }
        }
        #expect(batch.levelSpeeds.isEmpty)
        try run(2000)
        let speeds = batch.levelSpeeds
        #expect(Set(speeds.keys) == [0, 2])
        // Three windows of level 0, one of level 2.
        #expect(abs(speeds[0]! - 300) < 1 && abs(speeds[2]! - 4) < 0.1, "\(speeds)")
        // Older steps fade.
        length = 2
        try run(2000)
        #expect(abs(batch.levelSpeeds[0]! - 150) < 10 && abs(batch.levelSpeeds[2]! - 2) < 0.2, "\(batch.levelSpeeds)")
    }

    @Test func `chunks are full or the window's last, in order, and count from what was done before`() throws {
        var batch = scheduler(chunk: 4)
        _ = try batch.add(work(1, rows: 7, new: 11, done: 2))
        let effects = batch.run(100)
        #expect(chunks(effects).map(\.start) == [2, 6, 10])
        #expect(chunks(effects).map(\.tokens) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]])
    }

    @Test func `at most four chunks are on their way, over all tasks`() throws {
        var batch = scheduler(chunk: 2)
        for number in 1...3 { _ = try batch.add(work(number, new: 8)) }
        let sent = chunks(batch.run(100))
        #expect(sent.count == 4)
        #expect(batch.freeSlots == 4)
        #expect(batch.held.count == 3)
        let next = chunks(batch.acknowledged(sent[0].task, epoch: 1, count: 2))
        #expect(next.count == 1)
        #expect(chunks(batch.acknowledged(sent[0].task, epoch: 1, count: 2)).isEmpty)
    }

    @Test func `a task is held until its last chunk is acknowledged, though its slot is free`() throws {
        var batch = scheduler(slots: 1)
        _ = try batch.add(work(1, new: 6))
        _ = batch.run(100)
        #expect(batch.freeSlots == 1)
        #expect(batch.held == [HeldLease(task: task(1), epoch: 1, acknowledged: 0)])
        _ = try batch.add(work(2, new: 6))
        _ = batch.acknowledged(task(1), epoch: 1, count: 4)
        #expect(batch.held.map(\.acknowledged) == [4, 0])
        _ = batch.acknowledged(task(1), epoch: 1, count: 6)
        #expect(batch.held.map(\.task) == [task(2)])
    }

    @Test func `after a reconnect everything that is not acknowledged is sent again`() throws {
        var batch = scheduler(chunk: 2)
        _ = try batch.add(work(1, new: 12))
        let sent = chunks(batch.run(100))
        _ = batch.acknowledged(task(1), epoch: 1, count: 2)
        #expect(chunks(batch.resendAll()).map(\.start) == [2, 4, 6, 8])
        #expect(sent.map(\.start) == [0, 2, 4, 6])
        let again = chunks(batch.acknowledged(task(1), epoch: 1, count: 5))
        #expect(again.map(\.start) == [10])
        #expect(chunks(batch.resendAll()).map(\.start) == [5, 6, 8, 10])
    }

    @Test func `a slot whose chunks pile up pauses, others go on`() throws {
        var batch = scheduler(chunk: 1, unacknowledged: 1, waiting: 3)
        _ = try batch.add(work(1, new: 10))
        _ = batch.run(100)
        #expect(batch.nextStep() == nil)
        _ = try batch.add(work(2, new: 2))
        #expect(batch.nextStep()?.prefills.map(\.seat.task) == [task(2)])
        _ = batch.acknowledged(task(1), epoch: 1, count: 1)
        let step = try batch.step()
        #expect(step.decodes.map(\.task) == [task(1)])
    }

    @Test func `a revoked task leaves at once, and tokens that come for it later are dropped`() throws {
        var batch = scheduler(slots: 1)
        _ = try batch.add(work(1, new: 1))
        let step = try batch.step()
        #expect(batch.revoke(task(1), epoch: 1).isEmpty)
        #expect(batch.isEmpty && batch.freeSlots == 1)
        _ = try batch.add(work(2, new: 1))
        #expect(batch.completed(step, tokens: [9]).isEmpty)
        let fresh = try batch.step()
        #expect(fresh.prefills.map(\.rows) == [0..<1])
        #expect(chunks(batch.completed(fresh, tokens: [3])).map(\.tokens) == [[3]])
    }

    @Test func `a revocation makes room for chunks of others`() throws {
        var batch = scheduler(chunk: 1, unacknowledged: 2)
        _ = try batch.add(work(1, new: 2))
        _ = try batch.add(work(2, new: 2))
        let sent = chunks(batch.run(100))
        #expect(sent.count == 2)
        let task = sent[0].task
        #expect(chunks(batch.revoke(task, epoch: 1)).allSatisfy { $0.task != task })
        #expect(batch.held.count == 1)
    }

    @Test func `a newer epoch replaces a task, the same and older ones change nothing`() throws {
        var batch = scheduler(slots: 1)
        _ = try batch.add(work(1, epoch: 5, new: 4))
        _ = batch.run(2)
        #expect(try batch.add(work(1, epoch: 5, new: 4)) == nil)
        #expect(try batch.add(work(1, epoch: 4, new: 4)) == nil)
        #expect(batch.revoke(task(1), epoch: 4).isEmpty && !batch.isEmpty)
        #expect(try batch.add(work(1, epoch: 6, new: 4)) == 1)
        #expect(batch.held.map(\.epoch) == [6])
        #expect(batch.nextStep()?.prefills.map(\.rows) == [0..<1])
    }

    @Test func `acknowledgements of unknown tasks, old epochs and tokens that do not exist do nothing`()
        throws
    {
        var batch = scheduler()
        _ = try batch.add(work(1, epoch: 2, new: 10))
        _ = batch.run(5)
        #expect(batch.acknowledged(task(9), epoch: 1, count: 4).isEmpty)
        #expect(batch.acknowledged(task(1), epoch: 1, count: 4).isEmpty)
        #expect(batch.acknowledged(task(1), epoch: 2, count: 9).isEmpty)
        #expect(batch.held.map(\.acknowledged) == [0])
    }

    @Test func `what cannot be taken on is refused with the reason`() throws {
        var batch = scheduler(slots: 1)
        #expect(throws: AdmissionError.unknownLevel(task(1, level: 7), levels: [0, 1, 2])) {
            try batch.add(work(1, level: 7))
        }
        for bad in [work(1, rows: 0), work(1, new: 0), work(1, new: 4, done: 4), work(1, done: -1)] {
            #expect(throws: AdmissionError.badCounts(bad)) { try batch.add(bad) }
        }
        _ = try batch.add(work(1))
        #expect(throws: AdmissionError.noFreeSlot(task(2), slots: 1)) { try batch.add(work(2)) }
    }

    @Test func `levels in memory go first, and give way to those that have waited long`() throws {
        var batch = BatchScheduler(
            settings: .init(slots: 4, stepsInMemory: 10), blockLengths: [0: 16, 1: 16, 2: 16])
        batch.setResident([1])
        for level in 0...2 { _ = try batch.add(work(level, level: level, new: 1000)) }
        var levels: [Int] = []
        for _ in 0..<36 {
            let step = try batch.step()
            if step.level != levels.last { batch.setResident([step.level]) }
            levels.append(step.level)
            _ = batch.completed(step, tokens: step.sampled.map { _ in 0 })
        }
        #expect(
            levels == Array(repeating: 1, count: 11) + Array(repeating: 2, count: 11)
                + Array(repeating: 0, count: 11) + Array(repeating: 2, count: 3))
    }

    @Test func `a level that is not in memory runs as soon as those that are have nothing to do`() throws {
        var batch = scheduler()
        batch.setResident([0])
        _ = try batch.add(work(1, level: 0, new: 2))
        _ = try batch.add(work(2, level: 1, new: 2))
        var levels: [Int] = []
        while let step = batch.nextStep() {
            levels.append(step.level)
            _ = batch.completed(step, tokens: step.sampled.map { _ in 0 })
        }
        #expect(levels == [0, 0, 1, 1])
    }

    @Test func `who hands in sends what no chunk has yet, and is done when that is acknowledged`() throws {
        var scheduler = scheduler(chunk: 4)
        var sampled: [TaskID: Int] = [:]
        _ = try scheduler.add(work(1, new: 10))
        _ = scheduler.run(6, &sampled)
        #expect(!scheduler.isHandedIn)
        let effects = scheduler.handIn()
        #expect(
            effects == [.chunkReady(Chunk(task: task(1), epoch: 1, start: 4, tokens: [4, 5]))])
        #expect(scheduler.handIn().isEmpty)
        _ = scheduler.acknowledged(task(1), epoch: 1, count: 4)
        #expect(!scheduler.isHandedIn)
        _ = scheduler.acknowledged(task(1), epoch: 1, count: 6)
        #expect(scheduler.isHandedIn && !scheduler.isEmpty)
        // The window may also go on.
        let rest = scheduler.run(4, &sampled)
        #expect(rest.contains(.chunkReady(Chunk(task: task(1), epoch: 1, start: 6, tokens: [6, 7, 8, 9]))))
    }
}
