import Checkpoint
import ClusterProtocol
import Foundation
import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing
import WorkerCore
import WorkerService

/// A worker whose model changes under it, or whose messages do.
@Suite(.serialized) struct DamageTests {
    private static let song = Result { try SmallSong() }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    @Test func `where levels take turns, a file that was replaced ends the worker, without a wrong token or a blame`()
        throws
    {
        let copy = try ModelCopy(.twoLevel)
        for level in 0...1 { try copy.rewrite(.prior(level: level)) }
        let model = try copy.open()
        let sizes = (0...1).map { model.memory(level: $0) }
        let memory = max(sizes[0].weights, sizes[1].weights) + 4 * max(sizes[0].window, sizes[1].window)
        let coordinator = try ScriptedCoordinator(model: model, levels: [0, 1], slots: 8, memory: memory)
        try coordinator.begin()
        let first = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(first))
        #expect(try coordinator.collect([first])[first.task.taskID] == song.wanted(level: 0, window: 0))
        try copy.rewrite(.prior(level: 1)) { $0["prior.x_emb.weight"]!.bytes[1] ^= 1 }
        try coordinator.send(.assignment(song.assignment(level: 1, window: 0)))
        guard case .failure(let error) = coordinator.result() else {
            Issue.record("still runs")
            return
        }
        #expect(error is WorkerStopped && "\(error)".contains("prior_level_1.safetensors"), "\(error)")
        #expect(try coordinator.goodbye(within: 1))
        #expect(try coordinator.failure(within: 0.1) == nil)
        #expect(try coordinator.chunk(within: 0.1) == nil)
    }

    @Test func `an assignment that was damaged on its way is asked for again by a hello, and blames nobody`() throws {
        let coordinator = try ScriptedCoordinator(
            model: song.model, levels: [0, 1], session: Session.Settings(helloInterval: .milliseconds(50)))
        try coordinator.begin()
        let assignment = song.assignment(level: 1, window: 0)
        let payload = try WireFromCoordinator(kind: .assignment(assignment)).payload()
        for bit in [9, 200, payload.count * 4, payload.count * 8 - 3] {
            var damaged = payload
            damaged[bit / 8] ^= 1 << (bit % 8)
            try coordinator.send(payload: damaged)
            let hello = try #require(try coordinator.hello(within: 10), "bit \(bit)")
            #expect(hello.held.isEmpty)
            try coordinator.welcome()
        }
        #expect(coordinator.logged.contains { $0.contains("damaged") })
        try coordinator.send(payload: payload)
        #expect(try coordinator.collect([assignment])[assignment.task.taskID] == song.wanted(level: 1, window: 0))
        #expect(try coordinator.failure(within: 0.1) == nil)
        coordinator.finish()
    }

    @Test func `a coordinator of before, which seals nothing, is served`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1])
        _ = try #require(try coordinator.hello())
        var welcome = WireWelcome()
        (welcome.version, welcome.heartbeatMilliseconds, welcome.leaseMilliseconds) = (
            ProtocolVersion.current, 60_000, 5000
        )
        let assignment = song.assignment(level: 1, window: 0)
        for kind in [WireFromCoordinator.OneOf_Kind.welcome(welcome), .assignment(assignment)] {
            try coordinator.send(payload: Array(WireFromCoordinator(kind: kind).payload().dropLast(10)))
        }
        let chunk = try #require(try coordinator.chunk())
        #expect(chunk.tokens == Array(song.wanted(level: 1, window: 0).prefix(chunk.tokens.count)))
        coordinator.stop()
    }
}
