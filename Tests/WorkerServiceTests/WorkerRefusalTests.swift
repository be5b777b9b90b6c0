import Checkpoint
import ClusterProtocol
import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing
import WorkerService

/// Tasks that a worker cannot do, and messages that make no sense: it says so, and goes on with the others.
@Suite(.serialized) struct WorkerRefusalTests {
    private static let song = Result { try SmallSong() }
    private static let labelled = Result { try SmallSong(.noLyrics, length: 16_384, stopAt: 2) }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    /// The worker's reason against an assignment; nil when it takes it. It must still do an honest one afterwards.
    private func reason(against assignment: WireAssignment, of song: SmallSong, levels: [Int]) throws -> String? {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: levels)
        try coordinator.begin()
        try coordinator.send(.assignment(assignment))
        let failure = try coordinator.failure(within: 2)
        if let failure { #expect(failure.task == assignment.task && failure.epoch == assignment.epoch) }
        let top = song.plan.geometry.top
        let honest = song.assignment(level: top, window: 0, epoch: 1000, song: "other")
        try coordinator.send(.assignment(honest))
        #expect(try coordinator.collect([honest])[honest.task.taskID] == song.wanted(level: top, window: 0))
        coordinator.finish()
        return failure?.reason
    }

    @Test func `another fingerprint is refused with both`() throws {
        var assignment = song.assignment(level: 1, window: 0)
        assignment.fingerprint = "abc"
        let reason = try #require(try reason(against: assignment, of: song, levels: [1]))
        #expect(reason.contains("abc") && reason.contains(song.fingerprints[1]!))
    }

    @Test func `a level that is not served is refused`() throws {
        let reason = try #require(
            try reason(against: song.assignment(level: 0, window: 0), of: song, levels: [1]))
        #expect(reason.contains("level 0") && reason.contains("no such level"))
    }

    @Test func `a window too many is refused, and the others go on`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [0], slots: 2)
        try coordinator.begin()
        // So many that the first two cannot be done before the last is read, however busy the machine is.
        let assignments = (0..<20).map { song.assignment(level: 0, window: $0 % 3, song: "song \($0)") }
        for assignment in assignments { try coordinator.send(.assignment(assignment)) }
        let failure = try #require(try coordinator.failure())
        #expect(failure.reason.contains("no slot is free"))
        #expect(assignments.dropFirst(2).contains { $0.task == failure.task && $0.epoch == failure.epoch })
        let tokens = try coordinator.collect(Array(assignments.prefix(2)))
        #expect(tokens.count == 2)
        coordinator.finish()
    }

    /// A change to an assignment, and what the worker must say of it.
    struct Nonsense: Sendable, CustomStringConvertible {
        var description: String
        var words: String
        var level = 0
        var window = 1
        var change: @Sendable (inout WireAssignment) -> Void
    }

    private static let nonsense: [Nonsense] = [
        Nonsense(description: "no new tokens", words: "") { $0.end = $0.start },
        Nonsense(description: "ends before it starts", words: "") { $0.end = $0.start - 1 },
        Nonsense(description: "longer than a window", words: "256") { $0.end += 8 },
        Nonsense(description: "a huge window", words: "256") { $0.end = .max },
        Nonsense(description: "all tokens exist", words: "") { $0.tokens += Array(repeating: 0, count: 128) },
        Nonsense(description: "more tokens than the window has", words: "") {
            $0.tokens += Array(repeating: 0, count: 1000)
        },
        Nonsense(description: "a longer prime than tokens", words: "") { $0.prime += 1 },
        Nonsense(description: "a token beyond the vocabulary", words: "96") { $0.tokens[3] = 96 },
        Nonsense(description: "a token beyond 16 bits", words: "96") { $0.tokens[3] = .max },
        Nonsense(description: "no slice above", words: "above") { $0.above = [] },
        Nonsense(description: "a short slice above", words: "above") { $0.above.removeLast() },
        Nonsense(description: "a code above beyond the codebook", words: "96") { $0.above[0] = 96 },
        Nonsense(description: "a start between tokens of the level above", words: "above") {
            ($0.start, $0.end) = ($0.start + 1, $0.end + 1)
        },
        Nonsense(description: "a slice above the top", words: "above", level: 1) { $0.above = [1, 2] },
        Nonsense(description: "temperature 0", words: "temperature") { $0.temperature = 0 },
        Nonsense(description: "no temperature", words: "temperature") { $0.temperature = .nan },
    ]

    @Test(arguments: nonsense)
    func `assignments that contradict the model are refused with a reason`(_ nonsense: Nonsense) throws {
        var assignment = song.assignment(level: nonsense.level, window: nonsense.window)
        nonsense.change(&assignment)
        let reason = try #require(try reason(against: assignment, of: song, levels: [0, 1]))
        #expect(reason.contains(nonsense.words) && !reason.isEmpty, "\(reason)")
    }

    private static let badLabels: [Nonsense] = [
        Nonsense(description: "no labels", words: "label") { $0.clearLabels() },
        Nonsense(description: "no total length", words: "total") { $0.labels.totalLength = 0 },
        Nonsense(description: "an artist beyond the list", words: "artist") { $0.labels.artist = 160 },
        Nonsense(description: "a genre beyond the list", words: "genre") { $0.labels.genres = [120] },
        Nonsense(description: "six genres", words: "genre") { $0.labels.genres = [1, 2, 3, 4, 5, 6] },
    ]

    @Test(arguments: badLabels)
    func `labels that the model has no embedding for are refused`(_ nonsense: Nonsense) throws {
        let song = try Self.labelled.get()
        var assignment = song.assignment(level: 2, window: 0)
        nonsense.change(&assignment)
        let reason = try #require(try reason(against: assignment, of: song, levels: [2]))
        #expect(reason.contains(nonsense.words), "\(reason)")
    }

    @Test func `a lyric character beyond the vocabulary is refused`() throws {
        let song = try SmallSong(.lyricsEncDec, length: 8_192, stopAt: 2)
        var assignment = song.assignment(level: 2, window: 0)
        assignment.labels.lyrics[2] = 80
        let reason = try #require(try reason(against: assignment, of: song, levels: [2]))
        #expect(reason.contains("lyric"), "\(reason)")
    }

    @Test func `bytes that are no message, and messages without meaning, are passed over`() throws {
        let coordinator = try ScriptedCoordinator(model: song.model, levels: [1])
        try coordinator.begin()
        try coordinator.send(payload: [0xFF, 0xFF, 0xFF])
        try coordinator.send(payload: [])
        try coordinator.send(.reply(WireClientReply()))
        try coordinator.send(.revoke(WireRevoke()))
        try coordinator.send(.acknowledged(WireChunkAcknowledged()))
        let assignment = song.assignment(level: 1, window: 0)
        var early = WireChunkAcknowledged()
        (early.task, early.epoch, early.acknowledged) = (assignment.task, 1, .max)
        try coordinator.send(.assignment(assignment))
        try coordinator.send(.acknowledged(early))
        #expect(try coordinator.collect([assignment])[assignment.task.taskID] == song.wanted(level: 1, window: 0))
        #expect(coordinator.logged.contains { $0.contains("not of this protocol") })
        coordinator.finish()
    }

    @Test func `a NaN weight keeps a worker from starting, and is named`() throws {
        let copy = try ModelCopy(.twoLevel)
        try copy.rewrite(.prior(level: 1)) { $0["prior.x_emb.weight"]!.set(3, to: .nan) }
        let model = try copy.open()
        #expect(
            unlessError("prior_level_1.safetensors", "prior.x_emb.weight", "NaN") {
                _ = try Worker(model: model, options: .init(name: "x", levels: [1], threads: 1, slots: 1))
            } == nil)
        #expect(throws: Never.self) {
            _ = try Worker(model: model, options: .init(name: "x", levels: [0], threads: 1, slots: 1))
        }
    }

    @Test func `weights that overflow fail their tasks with a reason; the worker lives on`() throws {
        let copy = try ModelCopy(.twoLevel)
        try copy.rewrite(.prior(level: 1)) { $0["prior.start_token"]!.overflow() }
        let model = try copy.open()
        let coordinator = try ScriptedCoordinator(model: model, levels: [0, 1], slots: 8)
        try coordinator.begin()
        let healthy = (0..<2).map { song.assignment(level: 0, window: $0) }
        for assignment in healthy { try coordinator.send(.assignment(assignment)) }
        var damaged = song.assignment(level: 1, window: 0)
        damaged.fingerprint = try model.fingerprint(level: 1)
        #expect(damaged.fingerprint != song.fingerprints[1])
        try coordinator.send(.assignment(damaged))
        let failure = try #require(try coordinator.failure())
        #expect(failure.task == damaged.task && failure.epoch == damaged.epoch)
        #expect(failure.reason.contains("level 1, position 0") && failure.reason.contains("not numbers"))
        let tokens = try coordinator.collect(healthy)
        for assignment in healthy {
            #expect(tokens[assignment.task.taskID] == song.wanted(level: 0, window: assignment.task.taskID.window))
        }
        coordinator.finish()
    }

    @Test func `a level that the model does not have is an error at the start`() throws {
        #expect(throws: (any Error).self) {
            _ = try Worker(model: song.model, options: .init(name: "x", levels: [7], threads: 1, slots: 1))
        }
    }
}
