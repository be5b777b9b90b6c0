import SongPlan
import Testing

@testable import CoordinatorCore

/// What deaths show, and what they do not.
struct GuiltTests {
    // MARK: Innocent songs

    @Test func `a worker that is killed at its welcome again and again ends no song`() throws {
        var world = MockWorld()
        for number in 0..<4 { try world.handle(.submit(Small.song("s\(number)"))) }
        try world.join("healthy", slots: 1)
        for number in 0..<33 {
            let peer = try world.join("restless \(number)", slots: 16, machine: "restless")
            if number.isMultiple(of: 2) { try world.handle(.peerLost(peer)) }
            world.workers[peer] = nil
            world.deliver()
            try world.live(1)
        }
        #expect(!world.hasBlames)
        try world.liveToEnd()
    }

    @Test func `one key that restarts 24 times in 34 seconds ends none of eleven songs`() throws {
        var world = MockWorld()
        for number in 0..<11 { try world.handle(.submit(Small.song("s\(number)"))) }
        for number in 0..<24 {
            let peer = try world.join("w\(number)", slots: 16, machine: "key")
            for _ in 0..<3 { try world.live(number.isMultiple(of: 3) ? 1 : 0) }
            world.workers[peer] = nil
            try world.handle(.peerLost(peer))
        }
        #expect(!world.hasBlames && world.states.values.allSatisfy { $0 == .sampling })
        try world.join("steady", slots: 16, machine: "key")
        try world.liveToEnd()
    }

    @Test func `three workers that are killed at random end no song, whatever the schedule`() throws {
        for seed in UInt64(0)..<8 {
            var random = SplitMix(state: seed)
            var world = MockWorld(Settings(chunk: 4))
            for number in 0..<5 { try world.handle(.submit(Small.song("s\(number)", length: 160))) }
            var next = [0, 0, 0]
            for step in 0..<80 {
                for place in 0..<3 where step >= next[place] {
                    let id = "w\(place) \(step)"
                    for peer in world.workers.filter({ $0.value.id.hasPrefix("w\(place) ") }).keys {
                        world.workers[peer] = nil
                        if random.chance(50) { try world.handle(.peerLost(peer)) }
                    }
                    try world.join(id, slots: 4, machine: random.chance(50) ? "one" : "m\(place)")
                    next[place] = step + Int.random(in: 1...6, using: &random)
                }
                try world.live(Int.random(in: 0...2, using: &random))
            }
            #expect(!world.hasBlames, "seed \(seed)")
            try world.liveToEnd()
        }
    }

    /// No message arrives: at workers, at the coordinator, or at neither.
    @Test(arguments: ["to workers", "from workers", "both"], [2, 8])
    func `an outage costs time only`(way: String, seconds: Int) throws {
        var world = MockWorld(Settings(chunk: 4))
        for id in ["a", "b", "c"] { try world.join(id, slots: 2) }
        for number in 0..<5 { try world.handle(.submit(Small.song("s\(number)", length: 160))) }
        for _ in 0..<6 { try world.live(2) }
        for _ in 0..<2 * seconds {
            world.now = world.now + .milliseconds(500)
            for peer in Array(world.workers.keys) {
                world.workers[peer]?.sample(2)
                if way == "to workers" {
                    for chunk in world.workers[peer]?.takeChunks(size: 4) ?? [] {
                        try world.handle(.chunk(peer, chunk))
                    }
                    try world.heartbeat(peer)
                }
            }
            try world.handle(.tick)
            if way == "from workers" { world.deliver() } else { world.toWorkers = [] }
        }
        for peer in Array(world.workers.keys) { world.workers[peer]?.rewind() }
        #expect(!world.hasBlames)
        try world.liveToEnd()
    }

    @Test func `all workers are killed ten times in a row, and that costs time only`() throws {
        var world = MockWorld()
        for number in 0..<4 { try world.handle(.submit(Small.song("s\(number)"))) }
        for round in 0..<10 {
            var peers: [Peer] = []
            for id in ["a", "b", "c"] { peers.append(try world.join("\(id)\(round)", slots: 4, machine: id)) }
            for _ in 0..<round % 3 { try world.live(1) }
            for peer in peers {
                world.workers[peer] = nil
                if round.isMultiple(of: 2) { try world.handle(.peerLost(peer)) }
            }
            try world.wait(.seconds(round % 4))
        }
        #expect(!world.hasBlames)
        for id in ["a", "b", "c"] { try world.join("\(id) again", slots: 4, machine: id) }
        try world.liveToEnd()
    }

    // MARK: Silence

    @Test func `a worker that has missed two heartbeats gets nothing until it is heard`() throws {
        var world = MockWorld()
        let quiet = try world.join("quiet", slots: 4)
        try world.wait(.milliseconds(2000))
        try world.handle(.submit(Small.song("s")))
        #expect(world.leases.isEmpty)
        try world.heartbeat(quiet)
        #expect(world.leases.values.map(\.worker) == ["quiet"])
    }

    @Test func `a window does not go from one silent worker to another`() throws {
        var world = MockWorld()
        for id in ["a", "b", "c"] { try world.join(id, slots: 1) }
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        try world.wait(.seconds(5))
        #expect(world.leases.isEmpty && world.lastEpoch == 1)
        try world.join("d", slots: 1)
        #expect(world.leases.values.map(\.worker) == ["d"])
    }

    // MARK: Crashes

    @Test func `a crash accuses a window that was alone, and others only of having been there`() throws {
        var world = MockWorld()
        let peer = try world.join("a", slots: 4)
        for song in ["s", "t"] { try world.handle(.submit(Small.song(song, stopAt: 2))) }
        world.deliver()
        try #require(world.held(peer).count == 2)
        try world.die(peer)
        #expect(world.crashes(isAlone: false) == 2)
        // Each has a worker to itself until it brings tokens.
        let first = try world.join("b", slots: 4)
        #expect(world.held(first).count == 1)
        let second = try world.join("c", slots: 4)
        #expect(world.held(second).count == 1)
        try world.handle(.submit(Small.song("u", stopAt: 2)))
        world.deliver()
        #expect(world.held(first).count == 1 && world.held(second).count == 1)
        try world.die(first)
        #expect(world.crashes(isAlone: true) == 1)
        try world.liveToEnd()
    }

    @Test func `a suspect takes a worker from windows that nothing is held against`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let steady = try world.join("steady", slots: 4)
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        try world.handle(.submit(Small.song("t", stopAt: 2)))
        world.deliver()
        let doomed = try world.join("doomed", slots: 1, speed: 1000)
        try world.handle(.submit(Small.song("bad", stopAt: 2)))
        world.deliver()
        guard world.held(doomed).contains(where: { $0.task.song == "bad" }) else { throw Violation("not there") }
        try world.die(doomed)
        #expect(world.held(steady).map(\.task.song) == ["bad"])
        try world.liveToEnd()
    }

    @Test func `a report that comes after the connection broke still counts, unless the window went on`() throws {
        for goesOn in [false, true] {
            var (world, peer, held) = try LeaseTests.started(["a"])
            let report = try world.deathReport(peer)
            try world.handle(.peerLost(peer))
            world.workers[peer] = nil
            if goesOn {
                let other = try world.join("b", slots: 1)
                world.workers[other]?.sample(4)
                try world.sendChunks(other)
            }
            try world.handle(.workerDied(MockWorld.peer("supervisor"), report))
            #expect(world.hasBlames == !goesOn)
            #expect(world.leases[held.task]?.worker == (goesOn ? "b" : nil))
        }
    }

    @Test(arguments: [DeathReport.Ending.signal(9), .exit(code: 3), .hung(seconds: 40)])
    func `other ends accuse the machine alone`(ending: DeathReport.Ending) throws {
        var world = MockWorld()
        try world.handle(.submit(Small.song("s")))
        for number in 0..<3 {
            try world.join("w\(number)", slots: 1, machine: "m")
            try world.die(MockWorld.peer("w\(number)"), ending)
        }
        #expect(!world.hasBlames)
        let aside = try #require(world.coordinator.setAsides.first)
        #expect(aside.machine == "m" && aside.reason.contains("3 times") && aside.reason.contains("\(ending)"))
        try world.join("w", slots: 1, machine: "m")
        #expect(world.leases.isEmpty)
        try world.live()
        try world.liveToEnd()
        #expect(world.now - Instant(nanoseconds: 0) >= .seconds(10))
    }

    // MARK: Poison

    private func poisoned(_ machines: [MachineID], seconds: Int) throws -> MockWorld {
        var world = MockWorld()
        for machine in machines { try world.join("\(machine)-0", machine: machine) }
        for number in 0..<6 { try world.handle(.submit(Small.song("good\(number)", samples: 2))) }
        for _ in 0..<8 { try world.live(8) }
        try world.handle(.submit(Small.song("bad", priority: 1)))
        world.deliver()
        try world.live(seconds: seconds, poison: "bad", killing: machines)
        return world
    }

    @Test func `a window that crashes alone on three machines that work parks its song, and no other`() throws {
        var world = try poisoned(["a", "b", "c", "d"], seconds: 120)
        guard case .parked(let reason) = world.states["bad"] else { throw Violation("\(world.states)") }
        #expect(
            reason.contains("sample 0 level 2 window 0") && reason.contains("SIGSEGV") && reason.contains("3 machines"))
        for _ in 0..<400 { try world.live(8) }
        let others = world.states.filter { $0.key != "bad" }.values
        #expect(others.allSatisfy { $0 == .finished })
        #expect(world.coordinator.setAsides.isEmpty)
        try world.restart()
        #expect(world.coordinator.state(of: "bad") == .parked(reason: reason))
        // Whatever was wrong is mended.
        try world.handle(.resume("bad"))
        try world.liveToEnd()
    }

    @Test(arguments: [["a"], ["a", "b"]])
    func `on fewer machines it is tried again with growing pauses, and said so`(machines: [MachineID]) throws {
        var world = try poisoned(machines, seconds: 300)
        #expect(world.states["bad"] == .sampling)
        let text = try #require(world.coordinator.waiting("bad"))
        #expect(text.contains("sample 0 level 2 window 0") && text.contains("SIGSEGV") && text.contains("tried again"))
        #expect(text.contains("fewer than 3 machines"))
        let times = world.crashes(isAlone: true)
        #expect(times >= 3 && times <= 8, "\(times)")
        let others = world.states.filter { $0.key != "bad" }.values
        #expect(others.allSatisfy { $0 == .finished })
        try world.liveToEnd(limit: 5000)
    }

    @Test func `what is held against a window survives a restart, and its first tokens end it`() throws {
        var world = MockWorld(Settings(chunk: 4))
        try world.join("a", slots: 1)
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        try world.die(MockWorld.peer("a"))
        try world.restart()
        #expect(world.coordinator.truth.songs[0].streams[2].blamed == ["a"])
        let peer = try world.join("b", slots: 1)
        world.workers[peer]?.sample(4)
        try world.sendChunks(peer)
        #expect(world.coordinator.truth.songs[0].streams[2].blames.isEmpty)
        #expect(world.coordinator.waiting("s") == nil)
    }

    // MARK: Machines

    @Test func `machines that fail whatever they get are set aside, and are no witnesses`() throws {
        var world = MockWorld()
        let failing = Set(try ["x", "y", "z"].map { try world.join($0, slots: 1, speed: 1000) })
        try world.join("good", slots: 1)
        for number in 0..<3 { try world.handle(.submit(Small.song("s\(number)"))) }
        world.deliver()
        for step in 0..<400 where !world.states.values.allSatisfy(\.isEnded) {
            try world.live(8, failing: failing)
            if step == 40 {
                #expect(world.coordinator.setAsides.map(\.machine) == ["x", "y", "z"])
                #expect(world.coordinator.setAsides.allSatisfy { $0.reason.contains("bad memory") })
            }
        }
        #expect(world.states.values.allSatisfy { $0 == .finished })
    }

    @Test func `pauses grow from ten seconds to an hour, and a token ends them`() throws {
        var book = MachineBook()
        let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 0), window: 0)
        var (now, pauses): (Instant, [Duration]) = (Instant(nanoseconds: 0), [])
        for _ in 0..<14 {
            guard book.failed("m", name: "host", with: [task], "why", now: now) else { continue }
            let until = try #require(book.setAside("m")?.until)
            pauses.append(until - now)
            let early = book.expire(now)
            now = until
            let due = book.expire(now)
            #expect(early.isEmpty && due == ["m"])
        }
        #expect(pauses.prefix(4) == [.seconds(10), .seconds(20), .seconds(40), .seconds(80)])
        #expect(pauses.last == .seconds(3600))
        _ = book.brought("m", name: "host", task)
        let isSetAside = book.failed("m", name: "host", with: [task], "why", now: now)
        #expect(!isSetAside)
    }

    @Test func `a liar gets nothing until it is released`() throws {
        var world = MockWorld()
        let peer = try world.join("a", machine: "m")
        world.coordinator.setAside("m", reason: "made-up tokens", isLiar: true)
        try world.handle(.submit(Small.song("s")))
        for _ in 0..<100 { try world.live() }
        #expect(world.leases.isEmpty && world.coordinator.setAsides.map(\.until) == [nil])
        let other = try world.join("b", machine: "m")
        #expect(world.held(other).isEmpty)
        try world.handle(.releaseMachine("m"))
        world.deliver()
        #expect(world.held(peer).count + world.held(other).count == 1)
        try world.liveToEnd()
    }

    @Test func `a machine whose workers vanish is set aside only where others are there`() throws {
        for hasOthers in [false, true] {
            var world = MockWorld()
            if hasOthers { try world.join("other", slots: 1, speed: 1) }
            for number in 0..<4 { try world.handle(.submit(Small.song("s\(number)"))) }
            for number in 0..<6 {
                let peer = try world.join("w\(number)", slots: 1, speed: 1000, machine: "m")
                world.workers[peer] = nil
                try world.handle(.peerLost(peer))
            }
            #expect(world.coordinator.setAsides.map(\.machine) == (hasOthers ? ["m"] : []))
        }
    }
}
