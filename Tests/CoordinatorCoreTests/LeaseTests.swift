import SongPlan
import Testing

@testable import CoordinatorCore

struct LeaseTests {
    /// A worker with the top window of a song, of which it has sampled `sampled` tokens and sent none.
    static func started(_ ids: [WorkerID] = ["a"], sampled: Int = 8) throws -> (MockWorld, Peer, HeldLease) {
        var world = MockWorld(Settings(chunk: 4))
        for id in ids { try world.join(id, slots: 1) }
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        world.deliver()
        let peer = MockWorld.peer(ids[0])
        world.workers[peer]?.sample(sampled)
        guard let held = world.held(peer).first else { throw Violation("nothing was assigned") }
        return (world, peer, held)
    }

    static func chunk(_ held: HeldLease, _ range: Range<Int>, epoch: Epoch? = nil) -> Chunk {
        Chunk(
            task: held.task, epoch: epoch ?? held.epoch, start: range.lowerBound,
            tokens: tokens(held.task.stream, range))
    }

    static func records(_ effects: [Effect]) -> Int {
        effects.count { if case .journal = $0 { true } else { false } }
    }

    @Test func `a lease ends when its worker is silent for five seconds, and not before`() throws {
        var (world, _, held) = try Self.started()
        try world.wait(.milliseconds(4500))
        #expect(world.leases[held.task] != nil)
        try world.wait(.milliseconds(500))
        #expect(world.leases.isEmpty)
        #expect(world.coordinator.workerStatuses.isEmpty)
        #expect(!world.hasBlames)
    }

    @Test func `any message renews all leases of a worker`() throws {
        var (world, peer, held) = try Self.started()
        try world.wait(.seconds(4))
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        try world.wait(.seconds(4))
        try world.heartbeat(peer)
        try world.wait(.seconds(4))
        #expect(world.leases[held.task]?.epoch == held.epoch)
    }

    @Test func `a coordinator that was not listening does not hold silence against workers`() throws {
        var (world, _, held) = try Self.started()
        world.now = world.now + .seconds(60)
        try world.handle(.tick)
        #expect(world.leases[held.task]?.epoch == held.epoch)
        try world.wait(.seconds(5))
        #expect(world.leases.isEmpty)
    }

    @Test func `a clock that goes back changes nothing`() throws {
        var (world, _, held) = try Self.started()
        try world.wait(.seconds(2))
        world.now = Instant(nanoseconds: -1_000_000_000_000)
        try world.handle(.tick)
        #expect(world.leases[held.task]?.epoch == held.epoch)
    }

    @Test func `an interrupted window goes on from its journaled tokens on another worker`() throws {
        var (world, peer, held) = try Self.started(["a", "b"])
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        world.workers[peer] = nil
        try world.handle(.peerLost(peer))
        world.deliver()
        let other = try #require(world.held(MockWorld.peer("b")).first)
        #expect(other.task == held.task && other.epoch > held.epoch && other.acknowledged == 4)
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a worker that leaves, is lost or is silent accuses nobody`() throws {
        var (world, peer, _) = try Self.started()
        try world.handle(.goodbye(peer))
        #expect(world.leases.isEmpty)
        try world.join("b", slots: 1)
        try world.handle(.peerLost(MockWorld.peer("b")))
        try world.join("c", slots: 1)
        try world.wait(.seconds(5))
        #expect(world.leases.isEmpty && !world.hasBlames)
    }

    @Test func `a chunk with an old epoch is not written, and its sender is told`() throws {
        var (world, peer, held) = try Self.started(["a", "b"])
        try world.handle(.peerLost(peer))
        try world.hello(peer)
        let effects = try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        #expect(effects == [.send(peer, .revoke(held.task, held.epoch, reason: "the lease has ended"))])
        let other = MockWorld.peer("b")
        let theirs = try #require(world.held(other).first)
        #expect(Self.records(try world.handle(.chunk(peer, Self.chunk(theirs, 0..<4)))) == 0)
    }

    @Test func `a chunk of an earlier lease of the same worker is not written either`() throws {
        var (world, peer, held) = try Self.started()
        world.workers[peer]?.tasks = [:]
        try world.hello(peer)
        let again = try #require(world.held(peer).first)
        #expect(again.epoch > held.epoch)
        let effects = try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        #expect(effects == [.send(peer, .revoke(held.task, held.epoch, reason: "the lease has ended"))])
        try world.handle(.taskFailed(peer, held.task, held.epoch, reason: "late"))
        #expect(world.leases[held.task]?.epoch == again.epoch)
    }

    @Test func `a chunk that comes twice is acknowledged twice and written once`() throws {
        var (world, peer, held) = try Self.started()
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        let effects = try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        #expect(effects == [.send(peer, .acknowledged(held.task, held.epoch, count: 4))])
    }

    @Test func `of a chunk that overlaps only the new part is written`() throws {
        var (world, peer, held) = try Self.started()
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        let effects = try world.handle(.chunk(peer, Self.chunk(held, 2..<6)))
        #expect(Self.records(effects) == 1)
        #expect(world.streams[held.task.stream]?.count == 6)
        #expect(effects.last == .send(peer, .acknowledged(held.task, held.epoch, count: 6)))
    }

    @Test func `a chunk that leaves a gap is ignored until the missing one comes`() throws {
        var (world, peer, held) = try Self.started()
        #expect(try world.handle(.chunk(peer, Self.chunk(held, 4..<8))).isEmpty)
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        try world.handle(.chunk(peer, Self.chunk(held, 4..<8)))
        #expect(world.streams[held.task.stream]?.count == 8)
    }

    @Test(arguments: ["empty", "code", "end", "long", "negative", "different"])
    func `a chunk that cannot be right is its sender's fault`(kind: String) throws {
        var (world, peer, held) = try Self.started()
        try world.handle(.chunk(peer, Self.chunk(held, 0..<4)))
        var bad = Self.chunk(held, 4..<8)
        switch kind {
        case "empty": bad.tokens = []
        case "code": bad.tokens[1] = 128
        case "end": bad.start = 6
        case "long": bad = Self.chunk(held, 0..<8)
        case "negative": bad.start = -1
        default:
            bad = Self.chunk(held, 0..<4)
            bad.tokens[3] ^= 1
        }
        let effects = try world.handle(.chunk(peer, bad))
        #expect(world.streams[held.task.stream]?.count == 4)
        let blamed = effects.contains {
            if case .journal(.workerBlamed(held.task, "a", .reported, _)) = $0 { true } else { false }
        }
        let revoked = effects.contains {
            if case .send(peer, .revoke(held.task, held.epoch, _)) = $0 { true } else { false }
        }
        #expect(blamed && revoked)
    }

    @Test func `strangers are asked for a hello and nothing else happens`() throws {
        var (world, _, held) = try Self.started()
        let stranger = MockWorld.peer("x")
        let answer: [Effect] = [.send(stranger, .helloWanted)]
        #expect(try world.handle(.chunk(stranger, Self.chunk(held, 0..<4))) == answer)
        #expect(try world.handle(.heartbeat(stranger, held: [held], tokensPerSecond: 1)) == answer)
        #expect(try world.handle(.taskFailed(stranger, held.task, held.epoch, reason: "x")) == answer)
        #expect(try world.handle(.goodbye(stranger)).isEmpty)
        #expect(try world.handle(.peerLost(stranger)).isEmpty)
    }

    @Test func `workers that vanish between chunks are no reason to give a task up`() throws {
        var world = MockWorld(Settings(chunk: 1))
        try world.handle(.submit(Small.song("s", stopAt: 2)))
        for number in 0..<8 {
            let peer = try world.join("w\(number)", slots: 1)
            let held = try #require(world.held(peer).first)
            try world.handle(.chunk(peer, Self.chunk(held, number..<number + 1)))
            try world.handle(.peerLost(peer))
            world.workers[peer] = nil
        }
        #expect(world.states["s"] == .sampling)
        try world.join("last")
        try world.runToEnd()
        try world.checkEmpty()
    }

    @Test func `a failed task goes to another machine first`() throws {
        var (world, peer, held) = try Self.started(["a", "b"])
        try world.handle(.taskFailed(peer, held.task, held.epoch, reason: "out of memory"))
        world.deliver()
        #expect(world.leases[held.task]?.worker == "b")
        #expect(world.states["s"] == .sampling)
    }
}
