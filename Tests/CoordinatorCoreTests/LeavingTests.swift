import SongPlan
import Testing

@testable import CoordinatorCore

/// Workers that leave, and workers that are drained.
struct LeavingTests {
    private static func heartbeat(_ world: MockWorld, _ peer: Peer, isLeaving: Bool) -> Event {
        .heartbeat(peer, held: world.held(peer), tokensPerSecond: 0, isLeaving: isLeaving)
    }

    private static func holders(_ effects: [Effect]) -> [Peer] {
        effects.compactMap { if case .send(let peer, .assignment) = $0 { peer } else { nil } }
    }

    @Test func `what a worker that leaves has in hand goes to another with the goodbye, from what it handed in`() throws
    {
        var (world, peer, held) = try LeaseTests.started(["a", "b"])
        try world.handle(Self.heartbeat(world, peer, isLeaving: true))
        // Its lease goes on: what it sampled is taken.
        try world.handle(.chunk(peer, LeaseTests.chunk(held, 0..<3)))
        #expect(world.leases[held.task]?.epoch == held.epoch)
        let effects = try world.handle(.goodbye(peer))
        #expect(Self.holders(effects) == [MockWorld.peer("b")])
        let assignment = effects.compactMap {
            if case .send(_, .assignment(let assignment)) = $0 { assignment } else { nil }
        }.first
        #expect(assignment.map { $0.tokens.count - $0.prime } == 3)
        #expect(!world.hasBlames)
    }

    @Test func `a worker that leaves gets nothing more, and gets windows again when it stays`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 1)
        try world.handle(Self.heartbeat(world, peer, isLeaving: true))
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        #expect(world.held(peer).isEmpty)
        try world.handle(Self.heartbeat(world, peer, isLeaving: false))
        world.deliver()
        #expect(world.held(peer).count == 1)
    }

    @Test func `a drained worker keeps its window, and gets no other until that is undone`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 1)
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        let held = try #require(world.held(peer).first)
        let effects = try world.handle(.drain(["a"], true))
        #expect(effects == [.send(peer, .drain(true))])
        #expect(try world.handle(.drain(["a", "nobody"], true)).isEmpty)
        world.workers[peer]?.sample(1000)
        try world.sendChunks(peer)
        #expect(world.held(peer).isEmpty && world.leases[held.task] == nil)
        #expect(world.coordinator.waiting("s")?.contains("drained") == true)
        #expect(world.coordinator.workerStatuses.map(\.isDrained) == [true])
        try world.handle(.drain(["a"], false))
        world.deliver()
        #expect(world.held(peer).count == 1)
        #expect(world.coordinator.waiting("s") == nil)
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
    }

    @Test func `another worker goes on where the drained one would have`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let (a, b) = (try world.join("a", slots: 1), try world.join("b", slots: 1, speed: 1))
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        try #require(world.held(a).count == 1 && world.held(b).isEmpty)
        try world.handle(.drain(["a"], true))
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        let granted = world.journal.compactMap { record in
            if case .leaseGranted(_, _, let worker) = record { worker } else { nil }
        }
        #expect(granted.first == "a" && granted.dropFirst().allSatisfy { $0 == "b" } && granted.count > 1)
    }

    @Test func `a coordinator that was started again learns from the worker that it is drained`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 1)
        try world.handle(.drain(["a"], true))
        try world.restart()
        var description = try #require(world.workers[peer]?.description)
        description.isDrained = true
        try world.handle(.workerHello(peer, description))
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        #expect(world.held(peer).isEmpty)
        // One that knows better says so: what crossed on the way is set right.
        try world.handle(.drain(["a"], false))
        #expect(try world.handle(.workerHello(peer, description)).contains(.send(peer, .drain(false))))
        world.deliver()
        #expect(world.held(peer).count == 1)
    }

    @Test func `a process that is started anew is not drained`() throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 1)
        try world.handle(.drain(["a"], true))
        try world.handle(.goodbye(peer))
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        let next = try world.join("a2", slots: 1)
        #expect(world.held(next).count == 1)
    }
}
