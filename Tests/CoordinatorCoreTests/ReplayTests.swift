import SongPlan
import Testing

@testable import CoordinatorCore

struct ReplayTests {
    @Test func `after a restart, workers say hello and go on with the same leases`() throws {
        var (world, peer, held) = try LeaseTests.started()
        try world.handle(.chunk(peer, LeaseTests.chunk(held, 0..<4)))
        world.deliver()
        try world.restart()
        let absent = try #require(world.coordinator.workerStatuses.first)
        #expect(!absent.isConnected && absent.busy == 1)
        #expect(
            try world.handle(.heartbeat(peer, held: [], tokensPerSecond: 1)) == [.send(peer, .helloWanted)])
        try world.hello(peer)
        try world.sendChunks(peer)
        #expect(world.leases[held.task] == nil)
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `leases of workers that do not come back end after a lease, without blame`() throws {
        var (world, _, held) = try LeaseTests.started()
        world.now = world.now + .seconds(100)
        try world.restart()
        try world.wait(.milliseconds(4500))
        #expect(world.leases[held.task] != nil)
        try world.wait(.milliseconds(500))
        #expect(world.leases.isEmpty)
        #expect(!world.hasBlames)
        try world.join("b", slots: 1)
        #expect(try #require(world.leases[held.task]).epoch > held.epoch)
    }

    @Test func `epochs go on after the highest that was ever granted, whatever was forgotten`() throws {
        let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 2), window: 0)
        let records: [Record] = [
            .songSubmitted(Small.song("s")), .leaseGranted(task, 41, "a"),
            .leaseEnded(task, 41, of: "a", .other("gone")),
        ]
        var coordinator = try Coordinator(replaying: records, now: Instant(nanoseconds: 0))
        let hello = WorkerDescription(
            id: "b", name: "b", model: "small", fingerprints: Small.fingerprints, slots: 1)
        let effects = coordinator.handle(.workerHello(Peer([1]), hello), now: Instant(nanoseconds: 1))
        #expect(effects.contains(.journal(.leaseGranted(task, 42, "b"))))
    }

    @Test func `what is complete is told again after a restart`() throws {
        var world = MockWorld()
        try world.join("a")
        let song = Small.song("s", known: [0, 0, 20], stopAt: 1)
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", Small.known(song)))
        world.deliver()
        while world.sampled.isEmpty {
            world.workers[MockWorld.peer("a")]?.sample(1000)
            try world.sendChunks(MockWorld.peer("a"))
        }
        try world.restart()
        try world.handle(.tick)
        #expect(world.sampled == ["s"] && world.completed.count == 2)
        #expect(try world.handle(.tick).isEmpty)
        try world.handle(.outputsWritten("s"))
        try world.restart()
        #expect(try world.handle(.tick).isEmpty)
        #expect(world.coordinator.status(of: "s")?.levels.map(\.tokens) == [0, 80, 20])
        try world.checkEmpty()
    }

    @Test func `what earlier releases held against workers that vanished counts for nothing`() throws {
        let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 2), window: 0)
        let blames = ["a", "b", "c", "d"].map { Record.workerBlamed(task, $0, .vanished) }
        let coordinator = try Coordinator(
            replaying: [.songSubmitted(Small.song("s"))] + blames, now: Instant(nanoseconds: 0))
        #expect(coordinator.state(of: "s") == .sampling)
        #expect(coordinator.truth.songs[0].streams.flatMap(\.blames) == [])
    }

    @Test func `every prefix of a journal can be replayed and run to the same tokens`() throws {
        var world = MockWorld()
        try world.join("a")
        let song = Small.song("s", length: 160, known: [0, 6, 3])
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", Small.known(song)))
        world.deliver()
        world.workers[MockWorld.peer("a")]?.sample(3)
        try world.handle(.peerLost(MockWorld.peer("a")))
        try world.hello(MockWorld.peer("a"))
        try world.runToEnd()
        let records = world.journal
        #expect(records.count > 30)
        for count in 1..<records.count {
            var again = MockWorld()
            for record in records.prefix(count) { try again.carryOut(.journal(record)) }
            try again.restart()
            if again.states["s"] == .preparing { try again.handle(.initialTokens("s", Small.known(song))) }
            try again.handle(.tick)
            try again.wait(.seconds(5))
            try again.join("b")
            try again.runToEnd()
            #expect(again.states["s"] == .finished)
            try again.checkEmpty()
        }
    }

    @Test func `a journal that contradicts itself is refused with what is wrong`() throws {
        let song = Small.song("s")
        let stream = StreamID(song: "s", sample: 0, level: 2)
        let task = TaskID(stream: stream, window: 0)
        let origin = TokenOrigin.sampled(task, 1, "a")
        var impossible = song
        impossible.planInputs.sampleLength = 321
        let cases: [([Record], ReplayError)] = [
            ([.songState("s", .finished)], .unknownSong("s")),
            ([.leaseGranted(task, 1, "a")], .unknownSong("s")),
            (
                [.songSubmitted(song), .tokens(stream, start: 4, [1], origin)],
                .gap(stream, start: 4, have: 0)
            ),
            (
                [.songSubmitted(song), .leaseGranted(TaskID(stream: stream, window: 99), 1, "a")],
                .unknownTask(TaskID(stream: stream, window: 99))
            ),
            (
                [
                    .songSubmitted(song),
                    .tokens(StreamID(song: "s", sample: 1, level: 0), start: 0, [1], origin),
                ],
                .unknownStream(StreamID(song: "s", sample: 1, level: 0))
            ),
        ]
        for (records, error) in cases {
            #expect(throws: error) { try Coordinator(replaying: records, now: Instant(nanoseconds: 0)) }
            #expect(error.description.contains("s"))
        }
        #expect(throws: ReplayError.self) {
            try Coordinator(replaying: [.songSubmitted(impossible)], now: Instant(nanoseconds: 0))
        }
    }
}
