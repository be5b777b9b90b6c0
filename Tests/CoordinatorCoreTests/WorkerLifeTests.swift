import SongPlan
import Testing

@testable import CoordinatorCore

struct WorkerLifeTests {
    @Test func `a worker of another model is refused with both fingerprints`() throws {
        var world = MockWorld()
        try world.handle(.allowModel(name: "small", fingerprints: Small.fingerprints))
        let peer = try world.join("a", fingerprints: [2: "other"])
        let reason = try #require(world.refusedPeers[peer])
        #expect(reason.contains("level 2") && reason.contains("other") && reason.contains("two"))
        #expect(world.coordinator.workerStatuses.isEmpty)
        #expect(
            try world.handle(.heartbeat(peer, held: [], tokensPerSecond: 0)) == [.send(peer, .helloWanted)])
    }

    @Test func `with the first model, workers that came before it are looked at again`() throws {
        var world = MockWorld()
        let wrong = try world.join("a", fingerprints: [2: "other"])
        let right = try world.join("b")
        #expect(world.refusedPeers.isEmpty)
        try world.handle(.submit(Small.song("s")))
        #expect(world.refusedPeers.keys.sorted { $0.bytes[0] < $1.bytes[0] } == [wrong])
        world.deliver()
        #expect(world.held(right).count == 1)
    }

    @Test func `a worker that matches in part is refused, and told which part it could serve`() throws {
        var world = MockWorld()
        try world.handle(.allowModel(name: "small", fingerprints: Small.fingerprints))
        let peer = try world.join("a", fingerprints: [0: "other", 1: "one", 2: "two"])
        let reason = try #require(world.refusedPeers[peer])
        #expect(reason.contains("level 0") && reason.contains("other") && reason.contains("zero"))
        #expect(!reason.contains("level 1:") && reason.contains("--levels 1,2"))
    }

    @Test func `a worker that matches one of two models in all its levels is welcome`() throws {
        var world = MockWorld()
        try world.handle(.allowModel(name: "small", fingerprints: Small.fingerprints))
        try world.handle(.allowModel(name: "other", fingerprints: [0: "zero", 1: "ein", 2: "zwei"]))
        try world.join("a", fingerprints: [0: "zero", 1: "ein"])
        #expect(world.refusedPeers.isEmpty)
        let mixed = try world.join("b", fingerprints: [1: "ein", 2: "two"])
        #expect(Set(world.refusedPeers.keys) == [mixed])
    }

    @Test func `a song whose weights nobody has any more says so, and who has others`() throws {
        var world = MockWorld()
        // The coordinator has read the files anew, too.
        let files = [0: "zero", 1: "changed", 2: "two"]
        try world.handle(.allowModel(name: "changed", fingerprints: files))
        let changed = try world.join("a", fingerprints: files)
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        let first = world.coordinator.waiting("s")
        #expect(first == nil)
        try world.runToEnd()
        let (state, held) = (world.coordinator.status(of: "s")?.state, world.held(changed))
        #expect(held.isEmpty && state == .sampling)
        let reason = try #require(world.coordinator.waiting("s"))
        #expect(reason.contains("level 1") && reason.contains("a has others"), "\(reason)")
        try world.join("b")
        world.deliver()
        let last = world.coordinator.waiting("s")
        #expect(last == nil)
        try world.runToEnd()
        try world.checkEmpty()
    }

    @Test func `a worker of some levels is used for those`() throws {
        var world = MockWorld()
        try world.handle(.allowModel(name: "small", fingerprints: Small.fingerprints))
        let top = try world.join("a", slots: 4, fingerprints: [2: "two"])
        #expect(world.coordinator.workerStatuses.first?.levels == [2])
        try world.handle(.submit(Small.song("s", samples: 2)))
        world.deliver()
        try world.runToEnd()
        #expect(world.held(top).isEmpty)
        #expect(world.coordinator.status(of: "s")?.levels.map(\.tokens) == [0, 0, 40])
        try world.join("b", fingerprints: [0: "zero", 1: "one"])
        try world.runToEnd()
        try world.checkEmpty()
    }

    @Test func `a worker without slots or levels is refused`() throws {
        var world = MockWorld()
        let peers = [try world.join("a", slots: 0), try world.join("b", fingerprints: [:])]
        #expect(Set(world.refusedPeers.keys) == Set(peers))
    }

    @Test func `a second hello keeps the leases that both sides know and tells what is journaled`() throws {
        var (world, old, held) = try LeaseTests.started()
        try world.handle(.chunk(old, LeaseTests.chunk(held, 0..<4)))
        let new = MockWorld.peer("a", 1)
        world.workers[new] = world.workers[old]
        world.workers[old] = nil
        world.toWorkers = []
        let worker = try #require(world.workers[new])
        let effects = try world.handle(.workerHello(new, worker.description))
        #expect(effects.count == 2)
        #expect(effects.last == .send(new, .acknowledged(held.task, held.epoch, count: 4)))
        #expect(try world.handle(.heartbeat(old, held: [], tokensPerSecond: 1)) == [.send(old, .helloWanted)])
        #expect(try world.handle(.peerLost(old)).isEmpty)
        world.deliver()
        try world.runToEnd()
        #expect(
            world.lastEpoch
                == Epoch(world.journal.count { if case .leaseGranted = $0 { true } else { false } }))
        try world.checkEmpty()
    }

    @Test func `a second hello gives back what the worker no longer has, without blame`() throws {
        var (world, peer, held) = try LeaseTests.started()
        world.workers[peer]?.tasks = [:]
        try world.hello(peer)
        let again = try #require(world.held(peer).first)
        #expect(again.task == held.task && again.epoch > held.epoch)
        let blamed = world.journal.contains { if case .workerBlamed = $0 { true } else { false } }
        #expect(!blamed)
    }

    @Test func `leases that are not the worker's are taken from it at hello and heartbeat`() throws {
        var (world, peer, held) = try LeaseTests.started(["a", "b"])
        var foreign = held
        foreign.epoch += 10
        let revoked = Effect.send(peer, .revoke(held.task, foreign.epoch, reason: "the lease has ended"))
        #expect(try world.handle(.heartbeat(peer, held: [held, foreign], tokensPerSecond: 1)) == [revoked])
        var description = try #require(world.workers[peer]).description
        description.held.append(foreign)
        #expect(try world.handle(.workerHello(peer, description)).contains(revoked))
        let other = MockWorld.peer("b")
        #expect(
            try world.handle(.heartbeat(other, held: [held], tokensPerSecond: 1))
                == [.send(other, .revoke(held.task, held.epoch, reason: "the lease has ended"))])
    }

    @Test func `an assignment that was lost is given again after a lease`() throws {
        var (world, peer, held) = try LeaseTests.started()
        world.workers[peer]?.tasks = [:]
        try world.wait(.seconds(5), heartbeatsFrom: [peer])
        #expect(world.leases[held.task]?.epoch == held.epoch)
        try world.wait(.milliseconds(500), heartbeatsFrom: [peer])
        #expect(try #require(world.leases[held.task]).epoch > held.epoch)
    }

    @Test func `an acknowledgement that was lost is repeated after a heartbeat`() throws {
        var (world, peer, held) = try LeaseTests.started()
        try world.handle(.chunk(peer, LeaseTests.chunk(held, 0..<4)))
        let effects = try world.handle(.heartbeat(peer, held: [held], tokensPerSecond: 1))
        #expect(effects == [.send(peer, .acknowledged(held.task, held.epoch, count: 4))])
    }

    @Test func `a worker that comes back with another model loses its leases`() throws {
        var (world, peer, held) = try LeaseTests.started()
        world.workers[peer]?.fingerprints = [0: "zero"]
        try world.hello(peer)
        #expect(world.leases[held.task] == nil)
        #expect(world.held(peer).isEmpty)
    }

    @Test func `a connection that turns into another worker ends the first one's leases`() throws {
        var (world, peer, held) = try LeaseTests.started()
        world.workers[peer] = MockWorker(id: "n", slots: 1, fingerprints: Small.fingerprints)
        try world.hello(peer)
        #expect(world.leases[held.task]?.worker == "n")
        #expect(world.coordinator.workerStatuses.map(\.worker) == ["n"])
    }
}
