import ClusterProtocol
import ModelTestSupport
import SongPlan
import Testing
import WorkerService

/// Windows that a worker is told before the one before has ended.
@Suite(.serialized) struct AnnouncementTests {
    private static let song = Result { try SmallSong() }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    private func announcement(level: Int, window: Int) -> WireAssignment {
        var assignment = song.assignment(level: level, window: window, epoch: 0)
        (assignment.tokens, assignment.announced) = ([], true)
        return assignment
    }

    /// All chunks of a window, none of them acknowledged.
    private func chunks(of assignment: WireAssignment, _ coordinator: ScriptedCoordinator) throws -> [WireChunk] {
        var chunks: [WireChunk] = []
        while chunks.reduce(0, { $0 + $1.tokens.count }) < assignment.newTokens {
            chunks.append(try #require(try coordinator.chunk()))
            #expect(chunks.last?.task == assignment.task)
        }
        return chunks
    }

    /// Waits until the worker has drawn so many tokens.
    private func drawn(_ count: Int, _ coordinator: ScriptedCoordinator) throws {
        for _ in 0..<600 {
            let beat = try #require(try coordinator.heartbeat())
            if beat.figures.levels.reduce(0, { $0 + Int($1.tokens) }) >= count { return }
        }
        Issue.record("the worker has not drawn \(count) tokens after 600 heartbeats")
    }

    @Test(arguments: [0, 1], [false, true])
    func `a window that is announced is sampled where the one before ends, and sent with its lease`(
        _ level: Int, isLate: Bool
    ) throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1], slots: 1, threads: 1)
        try coordinator.begin(heartbeat: 100)
        let (first, second) = (
            song.assignment(level: level, window: 0), song.assignment(level: level, window: 1, epoch: 3)
        )
        try coordinator.send(.assignment(first))
        if !isLate { try coordinator.send(.prefill(announcement(level: level, window: 1))) }
        let sent = try chunks(of: first, coordinator)
        if isLate { try coordinator.send(.prefill(announcement(level: level, window: 1))) }
        try drawn(first.newTokens + second.newTokens, coordinator)
        #expect(try coordinator.chunk(within: 0.3) == nil, "nothing of it is sent before its lease")
        try coordinator.send(.assignment(second))
        let tokens = try chunks(of: second, coordinator).flatMap(\.tokens)
        #expect(tokens == song.wanted(level: level, window: 1))
        try drawn(first.newTokens + second.newTokens, coordinator)
        for chunk in sent { try coordinator.acknowledge(chunk) }
        coordinator.finish()
    }

    @Test func `a chain goes on ahead of its leases, whatever ends beside it`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1], slots: 2, threads: 1)
        try coordinator.begin(heartbeat: 100)
        let chain = (0..<3).map { song.assignment(level: 0, window: $0, epoch: Epoch($0 + 1)) }
        let other = song.assignment(level: 1, window: 0, epoch: 9)
        try coordinator.send(.assignment(chain[0]))
        try coordinator.send(.prefill(announcement(level: 0, window: 1)))
        _ = try chunks(of: chain[0], coordinator)
        try drawn(chain[0].newTokens + chain[1].newTokens, coordinator)
        // A window of another stream ends between the end of the second one and its lease.
        try coordinator.send(.assignment(other))
        _ = try chunks(of: other, coordinator)
        try coordinator.send(.assignment(chain[1]))
        try coordinator.send(.prefill(announcement(level: 0, window: 2)))
        #expect(try chunks(of: chain[1], coordinator).flatMap(\.tokens) == song.wanted(level: 0, window: 1))
        try drawn(other.newTokens + chain.reduce(0) { $0 + $1.newTokens }, coordinator)
        try coordinator.send(.assignment(chain[2]))
        #expect(try chunks(of: chain[2], coordinator).flatMap(\.tokens) == song.wanted(level: 0, window: 2))
        coordinator.finish()
    }

    @Test func `what was announced ends with the window before, and its lease begins anew`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0, 1], slots: 1, threads: 1)
        try coordinator.begin(heartbeat: 100)
        let first = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(first))
        try coordinator.send(.prefill(announcement(level: 0, window: 1)))
        _ = try chunks(of: first, coordinator)
        try coordinator.revoke(first)
        // Another worker sampled the beginning of it.
        let second = song.assignment(level: 0, window: 1, done: 5, epoch: 3)
        try coordinator.send(.assignment(second))
        #expect(try coordinator.collect([second])[second.task.taskID] == song.wanted(level: 0, window: 1))
        coordinator.finish()
    }
}
