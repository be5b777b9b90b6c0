import SongPlan
import Testing

@testable import CoordinatorCore

/// Windows that their workers are told before the ones before have ended.
struct AnnouncementTests {
    private func started(_ workers: [WorkerID], slots: Int = 4) throws -> MockWorld {
        var world = MockWorld(Settings(chunk: 4))
        for worker in workers { try world.join(worker, slots: slots) }
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        return world
    }

    private func isAnnounced(_ task: TaskID, in world: MockWorld) -> Bool { world.announced[task] != nil }

    @Test func `a worker is told each window of a chain but the first, and gets its lease`() throws {
        var world = try started(["a"])
        try world.runToEnd()
        let windows = world.journal.count { if case .leaseGranted = $0 { true } else { false } }
        let streams = Set(
            world.journal.compactMap { record -> StreamID? in
                if case .leaseGranted(let task, _, _) = record { task.stream } else { nil }
            }
        ).count
        #expect(
            world.announcedUsed > 0 && world.announcedUsed <= windows - streams, "\(world.announcedUsed) of \(windows)")
        #expect(world.coordinator.memory.announced.isEmpty)
    }

    @Test func `one that knows nothing of it is told nothing`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 4)
        world.workers[peer]?.takesAnnouncements = false
        try world.handle(.workerHello(peer, world.workers[peer]!.description))
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        try world.runToEnd()
        #expect(world.announcedUsed == 0 && world.announced.isEmpty)
    }

    @Test func `what was announced ends with its song`() throws {
        var world = try started(["a"])
        let peer = MockWorld.peer("a")
        for _ in 0..<40 where world.announced.isEmpty {
            world.workers[peer]?.sample(4)
            try world.sendChunks(peer)
            world.deliver()
        }
        #expect(!world.announced.isEmpty)
        try world.handle(.cancel("s"))
        world.deliver()
        #expect(world.announced.isEmpty && world.coordinator.memory.announced.isEmpty)
    }

    @Test func `the window after one of a worker that died is announced to who has it then`() throws {
        var world = try started(["a"])
        let peer = MockWorld.peer("a")
        for _ in 0..<40 where world.announced.isEmpty {
            world.workers[peer]?.sample(4)
            try world.sendChunks(peer)
            world.deliver()
        }
        let told = Set(world.announced.keys)
        #expect(!told.isEmpty)
        try world.handle(.peerLost(peer))
        world.workers[peer] = nil
        try world.join("b", slots: 4)
        world.deliver()
        #expect(world.announced.values.allSatisfy { $0 == "b" } && told.isSubset(of: world.announced.keys))
        try world.runToEnd()
    }

    @Test func `who is far gets a window that a near one would have done sooner only when none is near`() throws {
        var world = MockWorld(Settings(chunk: 4))
        for (name, speed, roundTrip) in [("far", 5000.0, 0.4), ("near", 4000.0, 0.001)] {
            let peer = try world.join(name, slots: 1)
            world.workers[peer]?.speed = speed
            world.workers[peer]?.levelSpeeds = [0: speed, 1: speed, 2: speed]
            world.workers[peer]?.roundTrip = roundTrip
            try world.heartbeat(peer)
        }
        try world.handle(.submit(Small.song("one")))
        #expect(world.leases.values.map(\.worker) == ["near"])
        try world.handle(.submit(Small.song("two")))
        #expect(Set(world.leases.values.map(\.worker)) == ["near", "far"])
    }
}
