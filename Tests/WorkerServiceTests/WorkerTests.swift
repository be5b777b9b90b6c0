import ClusterProtocol
import Glibc
import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing
import WorkerCore
import WorkerService

/// A worker against a coordinator that the test plays.
@Suite(.serialized) struct WorkerTests {
    private static let song = Result { try SmallSong() }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    private func start(
        levels: [Int] = [0, 1], slots: Int = 4, threads: Int = 1, session: Session.Settings = Session.Settings()
    ) throws -> ScriptedCoordinator {
        try ScriptedCoordinator(model: song.model, levels: levels, slots: slots, threads: threads, session: session)
    }

    // MARK: coming and going

    @Test func `hello says who, what and how much, and is said again until there is a welcome`() throws {
        let coordinator = try start(
            levels: [1], slots: 3, session: Session.Settings(helloInterval: .milliseconds(20)))
        let hello = try #require(try coordinator.hello())
        #expect(hello.version == ProtocolVersion.current)
        #expect(hello.name == "test" && hello.model == "two-level-unlabelled")
        #expect(hello.fingerprints == [1: song.fingerprints[1]!])
        #expect(hello.slots == 3 && hello.held.isEmpty && hello.tokensPerSecond == 0)
        #expect(hello.worker.count > 8)
        let again = try #require(try coordinator.hello(within: 5))
        #expect(again == hello)
        try coordinator.welcome()
        // It may be asked to end before it has read that.
        let deadline = ContinuousClock.now + .seconds(120)
        while !coordinator.logged.contains("is welcome at the coordinator"), ContinuousClock.now < deadline {
            usleep(2000)
        }
        #expect(coordinator.logged.contains("is welcome at the coordinator"))
        coordinator.finish()
        #expect(try coordinator.goodbye(within: 1))
    }

    @Test func `two workers have two identities`() throws {
        let (a, b) = (try start(levels: [1]), try start(levels: [1]))
        #expect(try a.hello()?.worker != b.hello()?.worker)
        a.finish()
        b.finish()
    }

    @Test func `a refusal ends the worker with the coordinator's reason`() throws {
        let coordinator = try start(levels: [1])
        _ = try coordinator.hello()
        var refused = WireRefused()
        refused.reason = "the fingerprint abc is not def"
        try coordinator.send(.refused(refused))
        guard case .failure(let error) = coordinator.result() else {
            Issue.record("still runs")
            return
        }
        #expect(error is WorkerStopped && "\(error)" == "the fingerprint abc is not def")
    }

    @Test func `a coordinator of another protocol version ends the worker with both versions`() throws {
        let coordinator = try start(levels: [1])
        _ = try coordinator.hello()
        try coordinator.welcome(version: ProtocolVersion.current + 1)
        guard case .failure(let error) = coordinator.result() else {
            Issue.record("still runs")
            return
        }
        #expect(error is WorkerStopped && "\(error)".contains("version \(ProtocolVersion.current + 1)"))
    }

    @Test func `heartbeats come as often as the welcome says, and list what is held`() throws {
        let coordinator = try start(levels: [0])
        try coordinator.begin(heartbeat: 50)
        for _ in 0..<3 { #expect(try coordinator.heartbeat(within: 2)?.held == []) }
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        let chunk = try #require(try coordinator.chunk())
        try coordinator.acknowledge(chunk)
        var lease = WireLease()
        (lease.task, lease.epoch, lease.acknowledged) = (assignment.task, 1, 128)
        let held = try coordinator.next { kind -> Bool? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.held == [lease] { true } else { nil }
        }
        #expect(held == true)
        try coordinator.acknowledge(try #require(try coordinator.chunk()))
        let empty = try coordinator.next { kind -> Double? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.held.isEmpty, heartbeat.tokensPerSecond > 0 {
                heartbeat.tokensPerSecond
            } else {
                nil
            }
        }
        #expect(try #require(empty) > 1)
        coordinator.finish()
    }

    // MARK: sampling

    @Test(arguments: [1, 2])
    func `a song given out window by window has the reference sampler's tokens`(_ threads: Int) throws {
        let coordinator = try start(threads: threads)
        try coordinator.begin()
        for level in song.plan.levels.reversed() {
            for window in level.windows {
                let assignment = song.assignment(level: level.level, window: window.index)
                try coordinator.send(.assignment(assignment))
                let tokens = try coordinator.collect([assignment])
                #expect(
                    tokens[assignment.task.taskID] == song.wanted(level: level.level, window: window.index),
                    "level \(level.level) window \(window.index)")
            }
        }
        coordinator.finish()
    }

    /// The first part of a window's prime, ahead of its lease.
    private func ahead(level: Int, window: Int, known: Int) -> WireAssignment {
        var assignment = song.assignment(level: level, window: window, epoch: 0)
        assignment.tokens = Array(assignment.tokens.prefix(known))
        return assignment
    }

    @Test(arguments: [0, 1])
    func `a window that is prefilled ahead of its lease, at once or by and by, has the same tokens`(_ level: Int) throws
    {
        let coordinator = try start(slots: 2)
        try coordinator.begin(heartbeat: 100)
        let assignment = song.assignment(level: level, window: 1, epoch: 3)
        let prime = Int(assignment.prime)
        for known in [prime / 3, prime / 3, prime / 2, prime - 1] {
            try coordinator.send(.prefill(ahead(level: level, window: 1, known: known)))
            // It brings nothing, and is not held.
            #expect(try coordinator.heartbeat()?.held == [])
        }
        try coordinator.send(.assignment(assignment))
        let tokens = try coordinator.collect([assignment])
        #expect(tokens[assignment.task.taskID] == song.wanted(level: level, window: 1))
        coordinator.finish()
    }

    @Test func `what was prefilled of another prime, or of another song, is not gone on with`() throws {
        let coordinator = try start(slots: 2)
        try coordinator.begin(heartbeat: 100)
        let assignment = song.assignment(level: 1, window: 1, epoch: 3)
        var (other, seed) = (ahead(level: 1, window: 1, known: 40), ahead(level: 1, window: 1, known: 60))
        other.tokens[7] = (other.tokens[7] + 1) % 64
        seed.above = []
        seed.seed += 1
        for wrong in [other, seed] {
            try coordinator.send(.prefill(wrong))
            #expect(try coordinator.heartbeat() != nil)
        }
        try coordinator.send(.assignment(assignment))
        #expect(try coordinator.collect([assignment])[assignment.task.taskID] == song.wanted(level: 1, window: 1))
        coordinator.finish()
    }

    @Test func `an assignment without an epoch is refused, and nothing is sampled of it`() throws {
        let coordinator = try start(slots: 1)
        try coordinator.begin()
        try coordinator.send(.assignment(song.assignment(level: 1, window: 1, epoch: 0)))
        #expect(try coordinator.failure()?.reason.contains("needs an epoch") == true)
        let assignment = song.assignment(level: 1, window: 1)
        try coordinator.send(.assignment(assignment))
        #expect(try coordinator.collect([assignment])[assignment.task.taskID] == song.wanted(level: 1, window: 1))
        coordinator.finish()
    }

    @Test func `a lease takes the slot of what is prefilled ahead, and what cannot be prefilled is left alone`() throws
    {
        let coordinator = try start(slots: 1)
        try coordinator.begin(heartbeat: 100)
        var (stranger, whole) = (ahead(level: 1, window: 1, known: 8), ahead(level: 1, window: 1, known: 8))
        stranger.fingerprint = "another"
        whole.tokens = song.assignment(level: 1, window: 1).tokens + [1]
        for assignment in [stranger, whole, ahead(level: 1, window: 1, known: 8), ahead(level: 0, window: 1, known: 8)]
        {
            try coordinator.send(.prefill(assignment))
        }
        #expect(try coordinator.heartbeat() != nil)
        #expect(coordinator.logged.count { $0.contains("alone until its lease") } == 2, "\(coordinator.logged)")
        let assignments = [song.assignment(level: 0, window: 0), song.assignment(level: 1, window: 1)]
        for assignment in assignments {
            try coordinator.send(.assignment(assignment))
            let task = assignment.task.taskID
            #expect(try coordinator.collect([assignment])[task] == song.wanted(level: task.level, window: task.window))
        }
        #expect(try coordinator.failure(within: 0.2) == nil)
        coordinator.finish()
    }

    @Test func `windows of both levels in one batch have the same tokens`() throws {
        let coordinator = try start(slots: 8)
        try coordinator.begin()
        let assignments =
            (0..<5).map { song.assignment(level: 0, window: $0) }
            + (0..<3).map { song.assignment(level: 1, window: $0) }
        for assignment in assignments { try coordinator.send(.assignment(assignment)) }
        let tokens = try coordinator.collect(assignments)
        for assignment in assignments {
            let task = assignment.task.taskID
            #expect(tokens[task] == song.wanted(level: task.level, window: task.window), "\(task)")
        }
        coordinator.finish()
    }

    @Test func `where memory holds one level at a time, levels take turns and the tokens are the same`() throws {
        let sizes = (0...1).map { song.model.memory(level: $0) }
        let memory = max(sizes[0].weights, sizes[1].weights) + 4 * max(sizes[0].window, sizes[1].window)
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1], slots: 8, memory: memory)
        try coordinator.begin()
        #expect(coordinator.logged.contains { $0.contains("1 of 2 levels") }, "\(coordinator.logged)")
        let assignments = (0..<2).flatMap { window in (0..<2).map { song.assignment(level: $0, window: window) } }
        for assignment in assignments { try coordinator.send(.assignment(assignment)) }
        let tokens = try coordinator.collect(assignments)
        for assignment in assignments {
            let task = assignment.task.taskID
            #expect(tokens[task] == song.wanted(level: task.level, window: task.window), "\(task)")
        }
        #expect(coordinator.logged.contains { $0.contains("is in memory") }, "\(coordinator.logged)")
        coordinator.finish()
    }

    @Test func `a model that does not fit is refused with what it needs`() {
        #expect {
            _ = try ScriptedCoordinator(model: song.model, levels: [0, 1], memory: 1000)
        } throws: {
            "\($0)".contains("needs 0.3 MB") && "\($0)".contains("--levels")
        }
    }

    @Test(arguments: [Fixture.lyricsEncDec, .lyricsSingle])
    func `a window with labels and lyrics, and one that shares its vocabulary with them`(_ fixture: Fixture) throws {
        let top = try SmallSong(fixture, length: 16_384, filter: Filter(temperature: 0.9, topP: 0.95), stopAt: 2)
        let coordinator = try ScriptedCoordinator(model: top.model, levels: [2])
        try coordinator.begin()
        for window in top.plan.levels[2].windows {
            let assignment = top.assignment(level: 2, window: window.index)
            try coordinator.send(.assignment(assignment))
            let tokens = try coordinator.collect([assignment])[assignment.task.taskID]
            let codes = tokens?.map { UInt32(top.plan.geometry.levels[2].code(of: UInt16($0))) }
            #expect(codes == top.wanted(level: 2, window: window.index))
        }
        coordinator.finish()
    }

    @Test(arguments: [1, 16, 100, 128, 129, 255])
    func `a window that another worker began goes on from its journaled tokens`(_ done: Int) throws {
        let coordinator = try start(levels: [0])
        try coordinator.begin()
        let assignment = song.assignment(level: 0, window: 0, done: done, epoch: 77)
        try coordinator.send(.assignment(assignment))
        let chunk = try #require(try coordinator.chunk())
        #expect(chunk.start == UInt32(done) && chunk.epoch == 77 && chunk.task == assignment.task)
        #expect(chunk.tokens == Array(song.wanted(level: 0, window: 0)[done...].prefix(128)))
        try coordinator.acknowledge(chunk)
        coordinator.finish()
    }

    @Test func `chunks of many windows are on their way, though nothing is acknowledged`() throws {
        let coordinator = try start(levels: [0], slots: 6)
        try coordinator.begin()
        let assignments = (0..<6).map { song.assignment(level: 0, window: $0) }
        for assignment in assignments { try coordinator.send(.assignment(assignment)) }
        // Seven chunks in all: two of window 0, one of each other.
        var chunks: [WireChunk] = []
        for _ in 0..<7 { chunks.append(try #require(try coordinator.chunk())) }
        #expect(Set(chunks.map { [$0.task.window, $0.start] }).count == 7)
        coordinator.finish()
    }

    @Test func `chunks that nobody acknowledges are sent again, the same`() throws {
        let coordinator = try start(
            levels: [0], session: Session.Settings(resendInterval: .milliseconds(100)))
        try coordinator.begin()
        try coordinator.send(.assignment(song.assignment(level: 0, window: 0)))
        let first = [try #require(try coordinator.chunk()), try #require(try coordinator.chunk())]
        let second = [try #require(try coordinator.chunk(within: 8)), try #require(try coordinator.chunk(within: 8))]
        #expect(first == second)
        coordinator.finish()
    }

    @Test func `after 'hello wanted' the worker says hello with what it holds, and sends again once it is welcome`()
        throws
    {
        let coordinator = try start(levels: [0])
        let before = try coordinator.begin()
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        let first = try #require(try coordinator.chunk())
        let second = try #require(try coordinator.chunk())
        try coordinator.acknowledge(first)
        try coordinator.send(.helloWanted(WireHelloWanted()))
        let hello = try #require(try coordinator.hello())
        #expect(hello.worker == before.worker)
        var lease = WireLease()
        (lease.task, lease.epoch, lease.acknowledged) = (assignment.task, 1, 128)
        #expect(hello.held == [lease])
        #expect(try coordinator.chunk(within: 0.5) == nil)
        try coordinator.welcome()
        #expect(try coordinator.chunk(within: 2) == second)
        try coordinator.acknowledge(second)
        coordinator.finish()
    }

    // MARK: taking back

    @Test func `a revoked window frees its slot, and nothing more of it is sent`() throws {
        let coordinator = try start(levels: [0], slots: 1)
        try coordinator.begin()
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        _ = try #require(try coordinator.chunk())
        try coordinator.revoke(assignment)
        let other = song.assignment(level: 0, window: 1, epoch: 2)
        try coordinator.send(.assignment(other))
        let tokens = try coordinator.collect([other])
        #expect(tokens[other.task.taskID] == song.wanted(level: 0, window: 1))
        #expect(coordinator.logged.contains { $0.contains("gives up") && $0.contains("test") })
        // The same task again, under a new epoch, from what was journaled.
        let again = song.assignment(level: 0, window: 0, done: 128, epoch: 3)
        try coordinator.send(.assignment(again))
        let chunk = try coordinator.next { kind -> WireChunk? in
            if case .chunk(let chunk) = kind, chunk.epoch == 3 { chunk } else { nil }
        }
        #expect(chunk?.tokens == Array(song.wanted(level: 0, window: 0)[128...]))
        coordinator.finish()
    }

    @Test func `a newer epoch replaces a window, an older one changes nothing`() throws {
        let coordinator = try start(levels: [1], slots: 1)
        try coordinator.begin()
        try coordinator.send(.assignment(song.assignment(level: 1, window: 0, epoch: 5)))
        try coordinator.send(.assignment(song.assignment(level: 1, window: 0, done: 32, epoch: 6)))
        try coordinator.send(.assignment(song.assignment(level: 1, window: 0, epoch: 4)))
        let chunk = try #require(
            try coordinator.next { kind -> WireChunk? in
                if case .chunk(let chunk) = kind, chunk.epoch == 6 { chunk } else { nil }
            })
        #expect(chunk.start == 32 && chunk.tokens == Array(song.wanted(level: 1, window: 0)[32...]))
        try coordinator.acknowledge(chunk)
        #expect(try coordinator.failure(within: 0.2) == nil)
        coordinator.finish()
    }
}
