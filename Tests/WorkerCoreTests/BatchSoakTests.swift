import SongPlan
import Testing
import WorkerCore

/// A small generator, so that a seed replays a failure.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

private struct Violation: Error, CustomStringConvertible {
    var description: String
}

/// An engine and a coordinator that check what the scheduler asks of them.
private struct Soak {
    let blocks = [0: 16, 1: 8, 2: 6]
    var batch: BatchScheduler
    var random: SplitMix
    /// What the coordinator has of each task.
    var journaled: [TaskID: Int] = [:]
    var works: [TaskID: WorkerTask] = [:]
    /// The engine's caches: rows that ran, by slot, and for whom.
    var caches: [Int: (seat: Step.Seat, rows: Int)] = [:]
    var network: [Chunk] = []
    /// Rows that were asked for ahead of the lease.
    var ahead: [TaskID: Int] = [:]
    var faults = (losses: 0, revocations: 0, reconnects: 0, lateSteps: 0)
    /// Of what was begun ahead: leases that followed, in the middle of a step, too, and what was dropped.
    var begun = (followed: 0, inStep: 0, dropped: 0)
    var epoch: Epoch = 0

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        batch = scheduler(slots: 3, chunk: 4, prefill: 5, waiting: 4, blocks: blocks)
    }

    /// The token at an index of a task's new tokens.
    private func token(_ task: TaskID, _ index: Int) -> UInt16 {
        UInt16((task.song.utf8.reduce(7) { $0 &* 31 &+ Int($1) } &+ index &* 13) & 0x7F)
    }

    private mutating func give(_ task: TaskID) throws {
        epoch += 1
        let done = journaled[task, default: 0]
        let work = WorkerTask(
            task: task, epoch: epoch, prefillRows: 1 + task.window % 7 + done,
            newTokens: 10 + task.window % 9,
            done: done)
        guard done < work.newTokens else { return }
        works[task] = work
        if let rows = ahead.removeValue(forKey: task), rows < work.prefillRows { begun.followed += 1 }
        _ = try batch.add(work)
    }

    /// Asks for some rows of a task that nobody has the lease of, or for more of them.
    private mutating func begin(_ task: TaskID) throws {
        let all = 1 + task.window % 7 + journaled[task, default: 0]
        let have = ahead[task, default: 0]
        guard have + 1 < all else { return }
        let rows = Int.random(in: have + 1..<all, using: &random)
        ahead[task] = rows
        _ = try? batch.add(
            WorkerTask(task: task, epoch: 0, prefillRows: rows, newTokens: 10 + task.window % 9))
    }

    mutating func run() throws {
        let tasks = (0..<12).map {
            TaskID(stream: StreamID(song: "s\($0)", sample: 0, level: $0 % 3), window: $0)
        }
        var open = tasks
        for round in 0..<3000 {
            let next = open.first { works[$0] == nil }
            if let next, random.chance(50) { try begin(next) }
            if let last = open.last(where: { works[$0] == nil }), last != next, random.chance(5) { try begin(last) }
            if let next, batch.freeSlots > 0 || batch.held.count < 3 && !batch.isEmpty, random.chance(70) {
                try give(next)
            }
            try step()
            if random.chance(5), round < 2000 { try disturb() }
            if random.chance(60) { try receive() }
            if round % 50 == 49 { network += chunks(batch.resendAll()) }
            open.removeAll { journaled[$0] == 10 + $0.window % 9 }
            if open.isEmpty { break }
        }
        guard open.isEmpty else { throw Violation(description: "stuck with \(open)") }
        for held in batch.held { _ = batch.acknowledged(held.task, epoch: held.epoch, count: 100) }
        for task in tasks {
            network += chunks(
                batch.acknowledged(task, epoch: works[task]?.epoch ?? 0, count: 10 + task.window % 9))
        }
        guard batch.isEmpty else { throw Violation(description: "left: \(batch.held)") }
    }

    private mutating func disturb() throws {
        guard let victim = batch.held.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<4, using: &random) {
        case 3:
            guard let task = ahead.keys.min(by: { $0.song < $1.song }) else { return }
            begun.dropped += 1
            batch.dropAhead(task)
            ahead[task] = nil
        case 0:
            faults.revocations += 1
            network += chunks(batch.revoke(victim.task, epoch: victim.epoch))
            works[victim.task] = nil
        case 1:
            faults.reconnects += 1
            network = chunks(batch.resendAll())
        default:
            faults.losses += 1
            if !network.isEmpty { network.removeFirst() }
        }
    }

    private mutating func step() throws {
        guard let step = batch.nextStep() else { return }
        let before = caches
        if let seat = step.prefills.first?.seat, batch.epoch(ofJob: seat.job) == 0, random.chance(30) {
            begun.inStep += 1
            try give(seat.task)
        }
        for prefill in step.prefills { try run(prefill, level: step.level) }
        for seat in step.decodes {
            guard let cache = caches[seat.slot], cache.seat == seat else {
                throw Violation(description: "\(seat) decodes without a cache")
            }
            caches[seat.slot]?.rows += 1
        }
        let tokens = step.sampled.map { seat -> UInt16 in
            guard let work = works[seat.task], work.epoch == batch.epoch(ofJob: seat.job) else { return 0 }
            let rows = caches[seat.slot]?.rows ?? 0
            return token(seat.task, work.done + rows - work.prefillRows)
        }
        if random.chance(3), let seat = step.sampled.first, let epoch = batch.epoch(ofJob: seat.job) {
            faults.lateSteps += 1
            network += chunks(batch.revoke(seat.task, epoch: epoch))
            works[seat.task] = nil
        }
        if Set(step.sampled.map(\.slot)).count != step.sampled.count || step.prefills.count > 1 {
            throw Violation(description: "\(step) uses a slot twice; caches were \(before)")
        }
        network += chunks(batch.completed(step, tokens: tokens))
    }

    private mutating func run(_ prefill: Step.Prefill, level: Int) throws {
        if prefill.rows.lowerBound == 0 { caches[prefill.seat.slot] = (prefill.seat, 0) }
        guard let cache = caches[prefill.seat.slot], cache.seat == prefill.seat,
            cache.rows == prefill.rows.lowerBound
        else { throw Violation(description: "\(prefill) does not go on where its cache ends") }
        let block = blocks[level] ?? 1
        guard prefill.rows.count <= 5, !prefill.rows.isEmpty,
            prefill.rows.lowerBound / block == (prefill.rows.upperBound - 1) / block
        else { throw Violation(description: "\(prefill) is too long or crosses a block") }
        caches[prefill.seat.slot]?.rows = prefill.rows.upperBound
    }

    /// The coordinator reads one chunk.
    private mutating func receive() throws {
        guard !network.isEmpty else { return }
        let chunk = network.removeFirst()
        guard let work = works[chunk.task], work.epoch == chunk.epoch else { return }
        let expected = (chunk.start..<chunk.start + chunk.tokens.count).map { token(chunk.task, $0) }
        guard chunk.tokens == expected, chunk.tokens.count <= 4 else {
            throw Violation(description: "\(chunk) has wrong tokens; expected \(expected)")
        }
        let have = journaled[chunk.task, default: 0]
        if chunk.start <= have { journaled[chunk.task] = max(have, chunk.start + chunk.tokens.count) }
        network += chunks(
            batch.acknowledged(chunk.task, epoch: chunk.epoch, count: journaled[chunk.task, default: 0]))
    }
}

struct BatchSoakTests {
    @Test func `whatever is revoked, lost or sent again, each task's tokens come whole and in order`() throws {
        var total = (losses: 0, revocations: 0, reconnects: 0, lateSteps: 0)
        var begun = (followed: 0, inStep: 0, dropped: 0)
        for seed in UInt64(0)..<200 {
            var soak = Soak(seed: seed)
            do {
                try soak.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            total.losses += soak.faults.losses
            total.revocations += soak.faults.revocations
            total.reconnects += soak.faults.reconnects
            total.lateSteps += soak.faults.lateSteps
            begun.followed += soak.begun.followed
            begun.inStep += soak.begun.inStep
            begun.dropped += soak.begun.dropped
        }
        #expect(total.losses > 0 && total.revocations > 0 && total.reconnects > 0 && total.lateSteps > 0)
        #expect(begun.followed > 0 && begun.inStep > 0 && begun.dropped > 0)
    }
}
