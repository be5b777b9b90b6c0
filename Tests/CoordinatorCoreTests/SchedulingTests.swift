import SongPlan
import Testing

@testable import CoordinatorCore

struct SchedulingTests {
    @Test func `higher priority goes first, also before songs that are under way`() throws {
        var world = MockWorld(Settings(chunk: 8))
        try world.handle(.submit(Small.song("low")))
        try world.handle(.submit(Small.song("high", priority: 5)))
        let peer = try world.join("a", slots: 1)
        #expect(world.held(peer).map(\.task.song) == ["high"])
        try world.handle(.submit(Small.song("highest", priority: 9)))
        world.workers[peer]?.sample(8)
        try world.sendChunks(peer)
        #expect(world.held(peer).map(\.task.song) == ["highest"])
    }

    @Test func `songs are finished in the order in which they came`() throws {
        var world = MockWorld()
        for number in 0..<6 { try world.handle(.submit(Small.song("s\(number)"))) }
        try world.join("a", slots: 1)
        var order: [SongID] = []
        try world.runToEnd()
        for case .songState(let song, .finished) in world.journal { order.append(song) }
        #expect(order == ["s0", "s1", "s2", "s3", "s4", "s5"])
        try world.checkEmpty()
    }

    @Test func `only as many songs hold tokens as there are slots for`() throws {
        var world = MockWorld()
        for number in 0..<50 { try world.handle(.submit(Small.song("s\(number)"))) }
        let peer = try world.join("a", slots: 3)
        for _ in 0..<40 {
            world.workers[peer]?.sample(1000)
            try world.sendChunks(peer)
            #expect(world.held(peer).count == 3)
            for song in world.sampled where world.coordinator.state(of: song) == .decoding {
                try world.handle(.outputsWritten(song))
            }
            world.deliver()
            #expect(world.coordinator.truth.songs.count { $0.streams.contains { !$0.tokens.isEmpty } } <= 3)
        }
    }

    @Test func `the longest chain of an open song goes first`() throws {
        var world = MockWorld()
        let peer = try world.join("a", slots: 1)
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        world.workers[peer]?.sample(8)
        try world.sendChunks(peer)
        #expect(world.held(peer).map(\.task.level) == [1])
    }

    @Test func `work is spread over workers, and by their speed`() throws {
        var world = MockWorld()
        let peers = try ["a", "b", "c"].map { try world.join($0, slots: 4) }
        try world.handle(.submit(Small.song("s", samples: 6)))
        world.deliver()
        #expect(peers.map { world.held($0).count } == [2, 2, 2])

        var uneven = MockWorld()
        let fast = try uneven.join("fast", slots: 8, speed: 300)
        let slow = try uneven.join("slow", slots: 8, speed: 100)
        try uneven.handle(.submit(Small.song("s", samples: 4)))
        uneven.deliver()
        #expect(uneven.held(fast).count == 3 && uneven.held(slow).count == 1)
    }

    @Test func `what a worker says of its levels decides, and levels share its time`() throws {
        var world = MockWorld()
        let peers = try ["a", "b"].map { try world.join($0, slots: 8) }
        // Chunks say nothing of a level that has shared its worker with others.
        world.coordinator.pool.measure("a", level: 2, tokensPerSecondOfSlot: 1000)
        for (peer, speed) in zip(peers, [100.0, 120]) {
            world.workers[peer]?.levelSpeeds = [2: speed, 1: 50, 0: 50]
            try world.heartbeat(peer)
        }
        world.coordinator.pool.measure("a", level: 2, tokensPerSecondOfSlot: 1000)
        func grant(_ song: SongID, known: [Int] = [0, 0, 0]) throws -> WorkerID? {
            let submission = Small.song(song, known: known, stopAt: known[2] == 0 ? 2 : 1)
            try world.handle(.submit(submission))
            if known[2] > 0 { try world.handle(.initialTokens(song, Small.known(submission))) }
            return world.leases.first { $0.key.song == song }?.value.worker
        }
        #expect(try grant("1") == "b")
        #expect(try grant("2") == "a")
        // "b" has 40 for a third window of level 2 then, "a" 50; 60 and 50 for a second.
        #expect(try grant("3") == "b")
        #expect(try grant("4") == "a")
        // Of a level that runs nowhere each has half: it is alone of its level, with how many of another does not matter.
        #expect(try grant("5", known: [0, 0, 20]) == "a")
        #expect(try grant("6", known: [0, 0, 20]) == "b")
    }

    @Test func `a worker counts by what it does at another level where it was not measured`() throws {
        var world = MockWorld()
        for (id, speeds) in [("b", [2: 90.0]), ("c", [2: 100.0, 1: 500]), ("a", [2: 20.0])] {
            let peer = try world.join(id, slots: 1)
            world.workers[peer]?.levelSpeeds = speeds
            try world.heartbeat(peer)
        }
        var order: [WorkerID?] = []
        for number in 0..<3 {
            let song = Small.song("\(number)", known: [0, 0, 20], stopAt: 1)
            try world.handle(.submit(song))
            try world.handle(.initialTokens(song.song, Small.known(song)))
            order.append(world.leases.first { $0.key.song == song.song }?.value.worker)
        }
        #expect(order == ["c", "b", "a"])
    }

    @Test func `a worker that was not measured yet gets work beside one that was`() throws {
        var world = MockWorld(Settings(chunk: 1))
        let (old, new) = (try world.join("old", slots: 8, speed: 0), MockWorld.peer("new"))
        try world.handle(.submit(Small.song("s", samples: 2, length: 960, stopAt: 2)))
        world.deliver()
        for _ in 0..<4 {
            world.now = world.now + .seconds(1)
            world.workers[old]?.sample(2)
            try world.sendChunks(old)
        }
        #expect(world.coordinator.pool["old"]?.isMeasured == true)
        // It knows nothing of its speed either, as after its start.
        try world.join("new", slots: 8, speed: 0)
        try world.handle(.submit(Small.song("t", samples: 2, length: 960, stopAt: 2)))
        world.deliver()
        #expect(world.held(new).map(\.task.song) == ["t", "t"])
    }

    @Test func `songs of a model without workers do not hold up others`() throws {
        var world = MockWorld()
        let other = [0: "x", 1: "y", 2: "z"]
        for number in 0..<100 { try world.handle(.submit(Small.song("x\(number)", fingerprints: other))) }
        try world.handle(.submit(Small.song("mine")))
        try world.join("a")
        try world.runToEnd()
        #expect(world.states["mine"] == .finished)
        #expect(world.states.values.count { $0 == .finished } == 1)
    }

    @Test func `a worker of lower levels opens no songs that it cannot start`() throws {
        var world = MockWorld()
        for number in 0..<20 { try world.handle(.submit(Small.song("s\(number)"))) }
        try world.join("a", slots: 8, fingerprints: [0: "zero", 1: "one"])
        #expect(world.coordinator.memory.open.isEmpty)
        #expect(world.leases.isEmpty)
    }

    @Test func `ten thousand queued songs, one restart`() throws {
        var world = MockWorld()
        world.isAudited = false
        for number in 0..<10_000 { try world.handle(.submit(Small.song("s\(number)"))) }
        let peers = try (0..<4).map { try world.join("w\($0)", slots: 4) }
        #expect(world.leases.count == 16)
        let clock = ContinuousClock()
        var events = 0
        let time = try clock.measure {
            for _ in 0..<20 {
                for peer in peers {
                    world.workers[peer]?.sample(1000)
                    try world.sendChunks(peer)
                    events += 4
                }
            }
        }
        let restart = try clock.measure { try world.restart() }
        print("10,000 songs: about \(time / events) an event, restart \(restart)")
        #expect(world.coordinator.songIDs.count == 10_000)
        #expect(world.coordinator.truth.planCount == 1)
    }

    @Test func `songs of one priority share the slots, whatever they could use`() throws {
        var world = MockWorld()
        try world.handle(.submit(Small.song("many", samples: 20)))
        let peer = try world.join("a", slots: 4)
        #expect(Set(world.held(peer).map(\.task.song)) == ["many"])
        try world.handle(.submit(Small.song("few", samples: 2)))
        // Nothing is taken away; what becomes free goes to the song that has less.
        for _ in 0..<8 {
            world.workers[peer]?.sample(8)
            try world.sendChunks(peer)
        }
        let running = Dictionary(grouping: world.held(peer), by: \.task.song).mapValues(\.count)
        #expect(running == ["many": 2, "few": 2])
    }

    @Test func `the window with the longest way to the song's end goes first`() throws {
        // 20, 80 and 160 tokens: the top's first window holds up all that follows.
        let plan = try Small.song("s").planInputs.plan()
        let paths = CriticalPaths(plan)
        #expect(paths.length(level: 0, window: 0) == 160)
        #expect(paths.length(level: 1, window: 0) == 8 + 160)
        // Half of it is enough for the first window below.
        #expect(paths.length(level: 2, window: 0) == 4 + 8 + 160)
        #expect(paths.longest == 172)
        // The last window of the top is followed by the last of each level.
        let last = plan.levels.map { $0.windows.count - 1 }
        #expect(paths.length(level: 0, window: last[0]) == 8)
        #expect(paths.length(level: 2, window: last[2]) < 8 + 80)
        var world = MockWorld()
        let peer = try world.join("a", slots: 1)
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        var order: [Int] = []
        for _ in 0..<4 {
            order += world.held(peer).map(\.task.level)
            world.workers[peer]?.sample(1000)
            try world.sendChunks(peer)
        }
        #expect(order.first == 2 && order.contains(1))
    }
}
