import SongPlan
import Testing

@testable import CoordinatorCore

/// Copies of a straggler's task.
struct CopyTests {
    /// Two workers of which "slow" samples a token, "fast" eight a second; "slow" has the longer way before it.
    private func race(_ world: inout MockWorld, seconds: Int) throws {
        for _ in 0..<seconds {
            world.now = world.now + .seconds(1)
            for (id, tokens) in [("slow", 1), ("fast", 8)] {
                world.workers[MockWorld.peer(id)]?.sample(tokens)
                try world.sendChunks(MockWorld.peer(id))
                try world.heartbeat(MockWorld.peer(id))
            }
            try world.handle(.tick)
            world.deliver()
        }
    }

    private func started(samples: Int) throws -> MockWorld {
        var world = MockWorld(Settings(chunk: 2))
        try world.join("slow", slots: 1, speed: 10)
        try world.join("fast", slots: 1, speed: 9)
        let song = Small.song("s", samples: samples, length: 320, known: [0, 0, 20], stopAt: 1)
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", Small.known(song)))
        world.deliver()
        return world
    }

    @Test func `a slot that would idle takes a straggler's window, and both bring the same tokens`() throws {
        var world = try started(samples: 2)
        try race(&world, seconds: 14)
        #expect(world.copiesMade > 0)
        try race(&world, seconds: 20)
        #expect(world.sampled == ["s"], "\(world.streams.mapValues(\.count))")
        let beaten = world.journal.contains {
            if case .leaseEnded(_, _, _, .beaten) = $0 { true } else { false }
        }
        #expect(beaten)
        // The slow worker alone would have needed 80 s for its stream.
        try world.handle(.outputsWritten("s"))
        try world.checkEmpty()
    }

    /// A window may wait for a fast worker; one that stands still is waited for no longer than it takes to see that.
    @Test func `whenever the fast worker stands still, the slow one does the rest`() throws {
        for moment in 0..<30 {
            var world = try started(samples: 3)
            try race(&world, seconds: moment)
            for _ in 0..<600 where world.sampled.isEmpty {
                world.now = world.now + .seconds(1)
                world.workers[MockWorld.peer("slow")]?.sample(1)
                for id in ["slow", "fast"] {
                    try world.sendChunks(MockWorld.peer(id))
                    try world.heartbeat(MockWorld.peer(id))
                }
                try world.handle(.tick)
                world.deliver()
            }
            #expect(world.sampled == ["s"], "after \(moment) s: \(world.streams.mapValues(\.count))")
        }
    }

    @Test func `a slow slot that idles does not keep a fast one from a straggler's window`() throws {
        var world = try started(samples: 2)
        try world.join("idle", slots: 1, speed: 8)
        // By then the fast worker is at the end of its third window, and the slow one still in its first, with the longest
        // way before it; the idle one declines its window in every look, being no faster.
        try race(&world, seconds: 4)
        let copied = world.held(MockWorld.peer("fast")).map(\.task)
        #expect(world.copiesMade == 1 && copied.contains { $0.sample == 0 && $0.window == 0 }, "\(copied)")
    }

    @Test(arguments: [true, false])
    func `a window whose worker has only more windows moves, and is sampled once; not in its prefill`(
        hasSpoken: Bool
    ) throws {
        var world = MockWorld(Settings(chunk: 1))
        let full = try world.join("full", slots: 4)
        try world.handle(.submit(Small.song("s", samples: 4, stopAt: 2)))
        world.deliver()
        if hasSpoken {
            world.workers[full]?.sample(1)
            try world.sendChunks(full)
        }
        let empty = try world.join("empty", slots: 4)
        // Workers as fast as each other: of one each of four windows has a quarter.
        world.coordinator.pool.measure("full", level: 2, tokensPerSecondOfSlot: 1)
        world.coordinator.pool.measure("empty", level: 2, tokensPerSecondOfSlot: 4)
        world.now = world.now + .seconds(1)
        try world.handle(.tick)
        world.deliver()
        let moves = world.journal.count {
            if case .leaseEnded(_, _, _, .moved) = $0 { true } else { false }
        }
        guard hasSpoken else { return #expect(moves == 0 && world.held(full).count == 4 && world.copies.isEmpty) }
        #expect(moves == 1 && world.held(full).count == 3 && world.held(empty).count == 1)
        #expect(world.copies.isEmpty)
    }

    @Test func `equal workers get no copies`() throws {
        var world = MockWorld(Settings(chunk: 2))
        for id in ["a", "b", "c"] { try world.join(id, slots: 1) }
        try world.handle(.submit(Small.song("s", samples: 2, length: 320)))
        world.deliver()
        for _ in 0..<60 {
            world.now = world.now + .seconds(1)
            for id in ["a", "b", "c"] {
                world.workers[MockWorld.peer(id)]?.sample(4)
                try world.sendChunks(MockWorld.peer(id))
            }
            try world.handle(.tick)
            world.deliver()
        }
        #expect(world.copiesMade == 0)
    }

    /// A copy beside the first lease of sample 0, made without waiting for the clock.
    private func copied() throws -> (world: MockWorld, slow: HeldLease, fast: HeldLease) {
        var world = try started(samples: 2)
        var seconds = 0
        while world.copiesMade == 0, seconds < 40 {
            try race(&world, seconds: 1)
            seconds += 1
        }
        let slow = try #require(world.held(MockWorld.peer("slow")).first)
        let fast = try #require(world.held(MockWorld.peer("fast")).first { $0.task == slow.task })
        return (world, slow, fast)
    }

    @Test func `chunks of either copy are taken where they are right, and acknowledged as far as they go`() throws {
        var (world, slow, fast) = try copied()
        #expect(slow.epoch != fast.epoch)
        let window = try Small.song("s").planInputs.plan().levels[slow.task.level].windows[slow.task.window]
        func chunk(_ held: HeldLease, _ start: Int) -> Chunk {
            let first = window.new.lowerBound + start
            return Chunk(
                task: held.task, epoch: held.epoch, start: start, tokens: tokens(held.task.stream, first..<first + 2))
        }
        let start = fast.acknowledged
        try world.handle(.chunk(MockWorld.peer("fast"), chunk(fast, start)))
        let effects = try world.handle(.chunk(MockWorld.peer("slow"), chunk(slow, start)))
        #expect(effects == [.send(MockWorld.peer("slow"), .acknowledged(slow.task, slow.epoch, count: start + 2))])
        #expect(LeaseTests.records(try world.handle(.chunk(MockWorld.peer("slow"), chunk(slow, start + 2)))) == 1)
    }

    @Test func `a copy that is behind goes on if it will be done first`() throws {
        var (world, slow, fast) = try copied()
        let window = try Small.song("s").planInputs.plan().levels[slow.task.level].windows[slow.task.window]
        let first = window.new.lowerBound
        let start = fast.acknowledged
        func chunk(_ held: HeldLease, _ range: Range<Int>) -> Chunk {
            Chunk(
                task: held.task, epoch: held.epoch, start: range.lowerBound,
                tokens: tokens(held.task.stream, first + range.lowerBound..<first + range.upperBound))
        }
        func send(_ id: WorkerID, _ held: HeldLease, from begin: Int, to end: Int) throws -> [Effect] {
            try stride(from: begin, to: end, by: 2).flatMap {
                try world.handle(.chunk(MockWorld.peer(id), chunk(held, $0..<$0 + 2)))
            }
        }
        _ = try send("fast", fast, from: start, to: start + 2)
        let ahead = try send("slow", slow, from: start, to: start + 8)
        #expect(LeaseTests.records(ahead) == 3, "tokens, and no lease's end")
        #expect(world.copies[slow.task]?.epoch == fast.epoch && world.leases[slow.task]?.epoch == slow.epoch)
        let rest = try send("fast", fast, from: start + 2, to: window.new.count)
        let isRevoked = rest.contains {
            if case .send(MockWorld.peer("slow"), .revoke) = $0 { true } else { false }
        }
        #expect(isRevoked)
    }

    @Test func `the other copy goes on when one worker dies, also after a restart`() throws {
        for restarts in [false, true] {
            var (world, slow, fast) = try copied()
            try world.handle(.peerLost(MockWorld.peer("fast")))
            world.workers[MockWorld.peer("fast")] = nil
            #expect(world.leases[slow.task]?.epoch == slow.epoch && world.copies.isEmpty)
            #expect(fast.epoch > slow.epoch)
            if restarts {
                try world.restart()
                try world.hello(MockWorld.peer("slow"))
            }
            try world.runToEnd()
            #expect(world.states["s"] == .finished)
            try world.checkEmpty()
        }
    }

    @Test func `both copies of a window are taken on again after a restart`() throws {
        var (world, slow, fast) = try copied()
        try world.restart()
        for id in ["slow", "fast"] { try world.hello(MockWorld.peer(id)) }
        #expect(world.leases[slow.task]?.epoch == slow.epoch && world.copies[slow.task]?.epoch == fast.epoch)
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a copy's fault is its worker's alone`() throws {
        var (world, slow, fast) = try copied()
        try world.handle(.taskFailed(MockWorld.peer("fast"), fast.task, fast.epoch, reason: "out of memory"))
        #expect(world.leases[slow.task]?.epoch == slow.epoch && world.states["s"] == .sampling)
    }

    @Test(arguments: ["slow", "fast"])
    func `copies that say different things are sampled again, and a third machine decides`(
        _ liar: WorkerID
    ) throws {
        var (world, slow, fast) = try copied()
        world.checksTruth = false
        let (task, start) = (slow.task, fast.acknowledged)
        world.workers[MockWorld.peer(liar)]?.lies = { $0 == task }
        let first = try Small.song("s").planInputs.plan().levels[task.level].windows[task.window].new.lowerBound + start
        for (id, held) in [("fast", fast), ("slow", slow)] {
            let said = tokens(task.stream, first..<first + 2).map { id == liar ? $0 ^ 1 : $0 }
            try world.handle(
                .chunk(MockWorld.peer(id), Chunk(task: task, epoch: held.epoch, start: start, tokens: said)))
        }
        world.deliver()
        #expect(world.withdrawn == ["s"] && world.checksBegun == 1 && world.verdicts.isEmpty)
        #expect(!world.coordinator.machines.isSetAside("slow") && !world.coordinator.machines.isSetAside("fast"))
        // The two of them do not agree by themselves.
        try race(&world, seconds: 20)
        #expect(world.verdicts.isEmpty && world.states["s"] == .sampling)
        try world.restart()
        try world.join("third")
        for id in ["slow", "fast"] { try world.hello(MockWorld.peer(id)) }
        var seconds = 0
        while world.states["s"] == .sampling, seconds < 200 {
            world.workers[MockWorld.peer("third")]?.sample(4)
            try world.sendChunks(MockWorld.peer("third"))
            try world.heartbeat(MockWorld.peer("third"))
            try race(&world, seconds: 1)
            seconds += 1
        }
        #expect(world.verdicts == [liar])
        #expect(world.sampled == ["s"])
        #expect(try world.streams.keys.allSatisfy(world.isTrue))
    }
}
