import SongPlan
import Testing

@testable import CoordinatorCore

/// Where lyrics and music share a vocabulary, workers send lyric tokens too. They stay as they are within their
/// window, and are code 0 for all others.
struct SharedVocabularyTests {
    /// One level above another, 4 codes and 3 lyric tokens at the top.
    private func submission() -> Submission {
        var song = Small.song("s")
        song.planInputs.geometry.levels[2] = LevelGeometry(
            samplesPerToken: 16, windowLength: 8, codes: 4, vocabulary: 7, tokensPerUpperToken: nil)
        return song
    }

    private func assignments(_ effects: [Effect]) -> [Assignment] {
        effects.compactMap { if case .send(_, .assignment(let assignment)) = $0 { assignment } else { nil } }
    }

    private func chunk(_ assignment: Assignment, _ tokens: [UInt16], start: Int = 0, from id: WorkerID = "a") -> Event {
        .chunk(
            MockWorld.peer(id), Chunk(task: assignment.task, epoch: assignment.epoch, start: start, tokens: tokens))
    }

    @Test func `lyric tokens are taken, resumed as they are, and code 0 elsewhere`() throws {
        var world = MockWorld()
        try world.join("a", slots: 1)
        let first = try #require(assignments(try world.handle(.submit(submission()))).first)
        #expect(first.task.level == 2 && first.tokens.isEmpty)
        try world.handle(chunk(first, [1, 6, 3, 4, 2]))
        #expect(world.coordinator.tokens(of: first.task.stream) == [1, 6, 3, 4, 2])

        // The worker gives the window back, and gets one of the level below: its slice is of codes.
        let failed = Event.taskFailed(MockWorld.peer("a"), first.task, first.epoch, reason: "test")
        let below = try #require(assignments(try world.handle(failed)).first)
        #expect(below.task.level == 1 && below.above == [1, 0, 3, 0])

        // Another worker gets the window, with its own tokens as they were sampled.
        let other = MockWorker(id: "b", slots: 4, fingerprints: Small.fingerprints)
        world.workers[MockWorld.peer("b")] = other
        let hello = Event.workerHello(MockWorld.peer("b"), other.description)
        let resumed = try #require(assignments(try world.handle(hello)).first)
        #expect(resumed.task == first.task && resumed.prime == 0 && resumed.tokens == [1, 6, 3, 4, 2])

        // Once it is done, the next one is primed with codes.
        let last = assignments(try world.handle(chunk(resumed, [5, 0, 3], start: 5, from: "b")))
        let next = try #require(last.first { $0.task.level == 2 })
        #expect(next.prime == 4 && next.tokens == [2, 0, 0, 3])
    }

    @Test func `values beyond the vocabulary are the worker's fault`() throws {
        var world = MockWorld()
        try world.join("a", slots: 1)
        let first = try #require(assignments(try world.handle(.submit(submission()))).first)
        try world.handle(chunk(first, [1, 7]))
        #expect(world.coordinator.tokens(of: first.task.stream) == [])
        #expect(
            world.journal.contains {
                if case .workerBlamed(_, _, .reported(let reason), _) = $0 {
                    reason.contains("samples 0 to 6")
                } else {
                    false
                }
            })
    }
}
