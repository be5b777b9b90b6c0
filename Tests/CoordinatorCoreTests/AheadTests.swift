import SongPlan
import Testing

@testable import CoordinatorCore

/// Windows that are begun on another worker while the one before them is sampled.
struct AheadTests {
    /// Workers sample two tokens a second of each task, a faster one three, in chunks of one.
    private func run(
        _ world: inout MockWorld, seconds: Int, faster: WorkerID = "",
        until isDone: (MockWorld) -> Bool = { _ in false }
    ) throws {
        for _ in 0..<seconds where !isDone(world) {
            world.now = world.now + .seconds(1)
            for peer in world.workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
                world.workers[peer]?.sample(peer == MockWorld.peer(faster) ? 3 : 2)
                try world.sendChunks(peer)
                try world.heartbeat(peer)
            }
            try world.handle(.tick)
            world.deliver()
        }
    }

    /// A chain of the top level alone: 60 tokens in windows of 8, two new ones each.
    private static func chain(_ id: SongID, priority: Int = 0) -> Submission {
        var song = Small.song(id, length: 960, stopAt: 2, priority: priority)
        // As with the usual hops, most of a window's prime exists when the one before it begins.
        song.planInputs.hops = [8, 8, 2]
        return song
    }

    private func started(_ workers: [WorkerID] = ["a", "b"], slots: Int = 1, songs: Int = 1) throws -> MockWorld {
        var world = MockWorld(Settings(chunk: 1, prefillGain: 1))
        for worker in workers { try world.join(worker, slots: slots) }
        for song in 0..<songs { try world.handle(.submit(Self.chain("s\(song)"))) }
        world.deliver()
        return world
    }

    private func finish(_ world: inout MockWorld) throws {
        try run(&world, seconds: 100) { !$0.sampled.isEmpty }
        try #require(world.sampled == ["s0"], "\(world.streams.mapValues(\.count))")
        try world.handle(.outputsWritten("s0"))
        try world.checkEmpty()
    }

    /// As far as a window that is begun ahead.
    private func begun(slots: Int = 1) throws -> (world: MockWorld, task: TaskID, by: WorkerID, holder: WorkerID) {
        var world = try started(slots: slots)
        try run(&world, seconds: 30) { !$0.ahead.isEmpty }
        let (task, ahead) = try #require(world.ahead.first)
        let holder = try #require(world.leases.values.first?.worker)
        return (world, task, ahead.worker, holder)
    }

    @Test func `the next window of a chain is begun on the other worker, and its lease follows`() throws {
        var world = try started()
        try finish(&world)
        // Fourteen windows; speeds are known from the second one on.
        #expect(world.aheadUsed >= 10, "\(world.aheadUsed)")
    }

    @Test func `more of the prime is told when enough of it has come`() throws {
        var world = MockWorld(Settings(chunk: 1, prefillGain: 1))
        for worker in ["a", "b"] { try world.join(worker) }
        // A window of level 1 has twelve tokens of the one before, of which eight exist when that begins; the second one
        // has them of the first, which begins with none: half of them must exist, and four more are told.
        var song = Small.song("s0", length: 640, known: [0, 0, 40], stopAt: 1)
        song.planInputs.hops = [8, 4, 4]
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s0", Small.known(song)))
        for _ in 0..<60 {
            world.now = world.now + .seconds(1)
            for peer in [MockWorld.peer("a"), MockWorld.peer("b")] {
                world.workers[peer]?.sample(1)
                try world.sendChunks(peer)
                try world.heartbeat(peer)
            }
            try world.handle(.tick)
            world.deliver()
        }
        #expect(world.told.count > 5 && world.told.starts(with: [6, 10]), "\(world.told)")
        #expect(world.told.dropFirst(2).allSatisfy { $0 == 8 }, "\(world.told): twelve are the lease's")
    }

    @Test func `without the worker of the window before, the slot of the next is free for it`() throws {
        var (world, task, by, holder) = try begun()
        world.workers[MockWorld.peer(holder)] = nil
        try world.handle(.peerLost(MockWorld.peer(holder)))
        #expect(world.ahead.isEmpty && world.leases.values.map(\.worker) == [by])
        #expect(world.leases.keys.first?.window == task.window - 1)
        world.deliver()
        try finish(&world)
    }

    @Test func `a worker that stands still gives its window to the one that has begun the next`() throws {
        var (world, _, by, holder) = try begun()
        let stopped = world.workers.removeValue(forKey: MockWorld.peer(holder))
        try run(&world, seconds: 20) { $0.leases.values.contains { $0.worker == by } }
        #expect(stopped != nil && world.leases.values.contains { $0.worker == by })
        try finish(&world)
    }

    @Test func `without the worker that has begun it, the window waits for its turn`() throws {
        var (world, task, by, _) = try begun()
        world.workers[MockWorld.peer(by)] = nil
        try world.handle(.peerLost(MockWorld.peer(by)))
        try world.join("c", slots: 1)
        #expect(world.ahead[task].map { $0.worker == "c" } ?? true)
        try finish(&world)
    }

    @Test func `a window that was begun where it would take longer by now goes elsewhere`() throws {
        var (world, task, by, holder) = try begun()
        for (id, speed) in [(by, 0.05), (holder, 2.0)] {
            world.workers[MockWorld.peer(id)]?.levelSpeeds = [2: speed]
            try world.heartbeat(MockWorld.peer(id))
        }
        try run(&world, seconds: 20) { $0.leases[task] != nil }
        #expect(world.leases[task]?.worker == holder && world.ahead[task] == nil && world.aheadUsed == 0)
        try finish(&world)
    }

    @Test func `a worker that says hello again has begun nothing`() throws {
        var (world, task, by, _) = try begun(slots: 2)
        try world.hello(MockWorld.peer(by))
        #expect(world.coordinator.pool[by]?.tasks.isEmpty == true)
        #expect(world.ahead[task] == nil)
        try finish(&world)
    }

    @Test func `a song that ends takes back what was begun`() throws {
        var (world, task, by, _) = try begun()
        try world.handle(.cancel("s0"))
        let isRevoked = world.toWorkers.contains { peer, message in
            if case .revoke(task, 0, _) = message { peer == MockWorld.peer(by) } else { false }
        }
        #expect(isRevoked)
        try world.checkEmpty()
    }

    @Test func `the longest chain of a song by far has the next slot, others wait until one would idle`() throws {
        var world = MockWorld(Settings(chunk: 1, prefillGain: 1))
        for worker in ["a", "b"] { try world.join(worker, slots: 1) }
        // The top level's chain, and level 1's in segments, which fill the slots.
        let segmentation = Segmentation(count: 12, lead: 1, tail: 1, search: 0)
        var song = Small.song("s0", length: 3200, stopAt: 1, segmentation: segmentation)
        song.planInputs.hops = [8, 8, 2]
        try world.handle(.submit(song))
        world.deliver()
        let top = StreamID(song: "s0", sample: 0, level: 2)
        func isWaiting(_ world: MockWorld) -> Bool {
            world.coordinator.memory.ready.groups.values.joined().contains { $0.value.contains { !$0.isCopy } }
        }
        var (before, isDropped) = (0, false)
        for _ in 0..<400 where world.sampled.isEmpty {
            // What was begun while slots idled is dropped once windows wait for its slot, and must be begun anew before them.
            if !isDropped, isWaiting(world), let begun = world.ahead.first {
                isDropped = true
                try world.hello(MockWorld.peer(begun.value.worker))
                #expect(world.ahead.isEmpty)
            }
            let used = isDropped ? world.aheadUsed : .max
            // Not in step, so that windows end while the chain's are under way.
            try run(&world, seconds: 1, faster: "b")
            try world.answerCuts()
            world.deliver()
            if world.aheadUsed > used, isWaiting(world), world.streams[top, default: []].count < 200 { before += 1 }
        }
        #expect(world.sampled == ["s0"] && before > 3, "\(before), \(world.aheadUsed), \(world.sampled)")
    }

    @Test(arguments: [0, 1]) func `a song that comes later waits for no more than a window`(_ priority: Int) throws {
        var world = MockWorld(Settings(chunk: 1, prefillGain: 1))
        for worker in ["a", "b"] { try world.join(worker, slots: 1) }
        try world.handle(.submit(Self.chain("s0")))
        world.deliver()
        try run(&world, seconds: 30) { $0.aheadUsed > 1 && !$0.ahead.isEmpty }
        #expect(world.aheadUsed > 1 && !world.ahead.isEmpty)
        try world.handle(.submit(Small.song("late", length: 160, stopAt: 2, priority: priority)))
        world.deliver()
        // Two windows, of eight and two new tokens; the chain's windows take two seconds each.
        try run(&world, seconds: 14) { $0.sampled.contains("late") }
        #expect(world.sampled.contains("late"), "\(world.streams.mapValues(\.count))")
        try run(&world, seconds: 100) { $0.sampled.count == 2 }
        #expect(world.sampled.count == 2)
    }

    @Test func `where prefill takes a small part of a window's time, the chain stays where it is`() throws {
        var world = MockWorld(Settings(chunk: 1, prefillGain: 8))
        for worker in ["a", "b"] { try world.join(worker, slots: 1) }
        try world.handle(.submit(Small.song("s0", length: 960, stopAt: 2)))
        world.deliver()
        try finish(&world)
        #expect(world.told.isEmpty)
    }

    @Test func `a worker that has begun a window ahead gets others as if it had not`() throws {
        var world = try started(slots: 4)
        try run(&world, seconds: 30) { !$0.ahead.isEmpty }
        let begun = try #require(world.ahead.values.first?.worker)
        // The other worker has a window under way, this one what waits for that.
        try world.handle(.submit(Small.song("s1", stopAt: 2, priority: 1)))
        #expect(world.leases.first { $0.key.song == "s1" }?.value.worker == begun)
    }

    /// "a" samples one song's chain alone, "b" has windows of two other levels: a third of it is left for a window more.
    @Test func `a window is begun on a worker only where that saves half of its prefill`() throws {
        for (speed, isBegun) in [(1.0, false), (2.5, true)] {
            var world = MockWorld(Settings(chunk: 1, prefillGain: 1))
            let b = try world.join("b", slots: 4)
            for (song, known) in [("x", [0, 0, 20]), ("y", [0, 80, 20])] {
                let song = Small.song(song, known: known, stopAt: known[1] == 0 ? 1 : 0)
                try world.handle(.submit(song))
                try world.handle(.initialTokens(song.song, Small.known(song)))
            }
            world.deliver()
            #expect(Set(world.held(b).map(\.task.level)) == [0, 1])
            let a = try world.join("a", slots: 1)
            try world.handle(.submit(Self.chain("s0")))
            world.deliver()
            #expect(world.held(a).map(\.task.level) == [2])
            world.workers[a]?.levelSpeeds = [2: 1]
            world.workers[b]?.levelSpeeds = [0: 1, 1: 1, 2: speed]
            // The first window has eight new tokens, the second, which the third is begun beside, two.
            for _ in 0..<9 {
                world.now = world.now + .seconds(1)
                world.workers[a]?.sample(1)
                try world.sendChunks(a)
                for peer in [a, b] { try world.heartbeat(peer) }
                try world.handle(.tick)
            }
            #expect(world.ahead.isEmpty != isBegun, "\(speed): \(world.ahead)")
        }
    }

    @Test func `where songs enough fill the slots, no slot waits for a prime`() throws {
        var world = try started(slots: 2, songs: 8)
        try run(&world, seconds: 30)
        #expect(world.aheadUsed == 0 && world.ahead.isEmpty)
    }

    @Test func `a worker that would take longer than prefill and window together begins at most one`() throws {
        var world = try started(["a", "slow"], slots: 1)
        for _ in 0..<60 where world.sampled.isEmpty {
            world.now = world.now + .seconds(1)
            world.workers[MockWorld.peer("a")]?.sample(4)
            if Int(world.now.nanoseconds / 1_000_000_000) % 4 == 0 { world.workers[MockWorld.peer("slow")]?.sample(1) }
            for id in ["a", "slow"] {
                try world.sendChunks(MockWorld.peer(id))
                try world.heartbeat(MockWorld.peer(id))
            }
            try world.handle(.tick)
            world.deliver()
        }
        #expect(world.sampled == ["s0"])
        // What it does is known from the first one on.
        #expect(world.aheadUsed <= 1, "\(world.aheadUsed)")
    }
}
