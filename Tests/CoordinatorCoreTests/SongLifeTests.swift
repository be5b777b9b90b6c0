import SongPlan
import Testing

@testable import CoordinatorCore

struct SongLifeTests {
    @Test func `a song goes from its submission to finished tokens`() throws {
        var world = MockWorld()
        try world.join("a")
        try world.join("b")
        try world.handle(.submit(Small.song("s", samples: 2)))
        world.deliver()
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        #expect(world.completed.count == 6)
        #expect(world.coordinator.tokens(of: StreamID(song: "s", sample: 0, level: 0)) == nil)
        let status = try #require(world.coordinator.status(of: "s"))
        #expect(status.levels.map(\.tokens) == [320, 160, 40])
        #expect(status.levels.allSatisfy { $0.tokens == $0.total && $0.windowsDone == $0.windows })
        #expect(status.sampledTokens == 520 && status.wantedTokens == 520)
        try world.checkEmpty()
    }

    @Test func `levels overlap: a lower window starts before its upper level is complete`() throws {
        var world = MockWorld()
        let peer = try world.join("a", slots: 8)
        try world.handle(.submit(Small.song("s")))
        world.deliver()
        #expect(world.held(peer).map(\.task.level) == [2])
        world.workers[peer]?.sample(8)
        try world.sendChunks(peer)
        #expect(Set(world.held(peer).map(\.task.level)) == [1, 2])
        try world.runToEnd()
        try world.checkEmpty()
    }

    @Test func `submitting twice is the same as once, unless the contents differ`() throws {
        var world = MockWorld()
        var song = Small.song("s")
        try world.handle(.submit(song))
        let records = world.journal.count
        song.submittedAt = 99
        #expect(try world.handle(.submit(song)) == [.submitAccepted("s")])
        #expect(world.journal.count == records)
        song.seed = 8
        try world.handle(.submit(song))
        #expect(world.refusals["s"]?.contains("other contents") == true)
        #expect(world.journal.count == records)
    }

    @Test func `impossible submissions are refused with the reason`() throws {
        var world = MockWorld()
        var cases = [
            Small.song("length", length: 321), Small.song("samples", samples: 0),
            Small.song("fingerprint", fingerprints: [0: "zero", 2: "two"]),
        ]
        var filters = Small.song("filters")
        filters.filters.removeLast()
        var labels = Small.song("labels")
        labels.labels[0].removeLast()
        var known = Small.song("known", known: [0, 0, 4])
        known.awaitsTokens = false
        cases += [filters, labels, known]
        for submission in cases { try world.handle(.submit(submission)) }
        #expect(world.refusals.count == cases.count)
        #expect(world.refusals["length"]?.contains("320 or 336") == true)
        #expect(world.refusals["fingerprint"]?.contains("level 1") == true)
        #expect(world.journal.isEmpty && world.coordinator.songIDs.isEmpty)
    }

    @Test func `a prompt is awaited, then its tokens are journaled and sampling goes on behind them`() throws {
        var world = MockWorld()
        try world.join("a")
        let song = Small.song("s", known: [0, 10, 5])
        try world.handle(.submit(song))
        #expect(world.coordinator.state(of: "s") == .preparing)
        #expect(world.leases.isEmpty)
        try world.handle(.initialTokens("s", Small.known(song)))
        #expect(world.coordinator.state(of: "s") == .sampling)
        world.deliver()
        try world.handle(.initialTokens("s", Small.known(song)))
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `an upsampled song has its top level from the start`() throws {
        var world = MockWorld()
        try world.join("a", fingerprints: [0: "zero", 1: "one"])
        let song = Small.song("s", known: [0, 0, 20])
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", Small.known(song)))
        #expect(world.completed == [StreamID(song: "s", sample: 0, level: 2)])
        world.deliver()
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a song may stop above the bottom, and may have nothing to sample`() throws {
        var world = MockWorld()
        try world.join("a")
        try world.handle(.submit(Small.song("top", stopAt: 2)))
        let song = Small.song("given", known: [0, 0, 20], stopAt: 2)
        try world.handle(.submit(song))
        try world.handle(.initialTokens("given", Small.known(song)))
        #expect(world.sampled == ["given"])
        world.deliver()
        try world.runToEnd()
        #expect(world.states == ["top": .finished, "given": .finished])
        try world.checkEmpty()
    }

    @Test func `known tokens of a wrong length or code fail the song, a failed prompt too`() throws {
        var world = MockWorld()
        let song = Small.song("s", known: [0, 0, 5])
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", [[[], [], [1, 2]]]))
        guard case .failed(let reason) = world.states["s"] else { throw Violation("not failed") }
        #expect(reason.contains("2 known tokens") && reason.contains("needs 5"))
        try world.handle(.submit(Small.song("t", known: [0, 0, 1])))
        try world.handle(.initialTokens("t", [[[], [], [128]]]))
        guard case .failed(let other) = world.states["t"] else { throw Violation("not failed") }
        #expect(other.contains("128") && other.contains("0 to 127"))
        try world.handle(.submit(Small.song("u", known: [0, 0, 1])))
        try world.handle(.preparationFailed("u", reason: "no such file"))
        #expect(world.states["u"] == .failed(reason: "no such file"))
        try world.checkEmpty()
    }

    @Test func `cancelling takes running tasks back, and finished songs do not mind`() throws {
        var world = MockWorld()
        let peer = try world.join("a")
        try world.handle(.submit(Small.song("s", samples: 2)))
        world.deliver()
        #expect(world.held(peer).count == 2)
        try world.handle(.cancel("s"))
        world.deliver()
        #expect(world.held(peer).isEmpty)
        #expect(world.states["s"] == .cancelled)
        try world.handle(.submit(Small.song("t")))
        world.deliver()
        try world.runToEnd()
        #expect(try world.handle(.cancel("t")).isEmpty)
        #expect(world.states["t"] == .finished)
        #expect(try world.handle(.cancel("never seen")).isEmpty)
        try world.checkEmpty()
    }

    @Test func `a song that waits for its turn can be cancelled`() throws {
        var world = MockWorld()
        for number in 0..<5 { try world.handle(.submit(Small.song("s\(number)"))) }
        try world.handle(.cancel("s2"))
        try world.join("a", slots: 1)
        try world.runToEnd()
        #expect(world.states["s2"] == .cancelled)
        #expect(world.states.values.count { $0 == .finished } == 4)
        try world.checkEmpty()
    }

    @Test(arguments: [SongState.cancelled, .failed(reason: "why"), .parked(reason: "why")])
    func `a song at rest keeps its tokens, and goes on from them when it is resumed`(state: SongState) throws {
        var world = MockWorld(Settings(chunk: 4))
        let peer = try world.join("a", slots: 1)
        let song = Small.song("s", known: [0, 0, 5])
        try world.handle(.submit(song))
        try world.handle(.initialTokens("s", Small.known(song)))
        world.deliver()
        world.workers[peer]?.sample(1)
        world.workers[peer]?.sample(1000)
        try world.handle(.chunk(peer, try #require(world.workers[peer]?.takeChunks(size: 4).first)))
        world.deliver()
        let top = StreamID(song: "s", sample: 0, level: 2)
        let have = try #require(world.streams[top])
        try world.rest("s", state)
        #expect(world.states["s"] == state && world.leases.isEmpty)
        world.deliver()
        #expect(world.held(peer).isEmpty)
        try world.wait(.seconds(2), heartbeatsFrom: [peer])
        #expect(world.leases.isEmpty)
        try world.restart()
        #expect(world.coordinator.state(of: "s") == state)
        #expect(world.coordinator.tokens(of: top) == have)
        try world.hello(peer)
        #expect(world.leases.isEmpty)
        try world.handle(.resume("s"))
        world.deliver()
        #expect(world.states["s"] == .sampling && world.coordinator.state(of: "s") == .sampling)
        #expect(world.held(peer).count == 1)
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        #expect(try world.handle(.resume("s")).isEmpty)
        try world.checkEmpty()
    }

    @Test func `what is noted of a song outlives a restart, and goes with it`() throws {
        var world = MockWorld()
        try world.handle(.submit(Small.song("s")))
        let note = SongNote(name: "slow", note: "x", isStarred: true)
        #expect(try world.handle(.note("s", note)).contains(.journal(.songNoted("s", note))))
        #expect(try world.handle(.note("s", note)).isEmpty)
        #expect(try world.handle(.note("nobody", note)).isEmpty)
        try world.handle(.cancel("s"))
        try world.restart()
        #expect(world.coordinator.status(of: "s")?.note == note)
        try world.handle(.remove("s"))
        try world.handle(.submit(Small.song("s")))
        #expect(world.coordinator.status(of: "s")?.note == SongNote())
    }

    @Test func `a song without its known tokens is prepared again, one with all its tokens is decoded again`() throws {
        var world = MockWorld()
        try world.join("a")
        let song = Small.song("s", known: [0, 0, 5])
        try world.handle(.submit(song))
        try world.handle(.preparationFailed("s", reason: "no such file"))
        try world.handle(.resume("s"))
        #expect(world.coordinator.state(of: "s") == .preparing)
        try world.handle(.initialTokens("s", Small.known(song)))
        world.deliver()
        while world.sampled.isEmpty {
            world.workers[MockWorld.peer("a")]?.sample(1000)
            try world.sendChunks(MockWorld.peer("a"))
        }
        try world.handle(.outputsFailed("s", reason: "disk full"))
        try world.handle(.resume("s"))
        #expect(world.states["s"] == .decoding && world.sampled == ["s"] && world.completed.count == 3)
        try world.handle(.outputsWritten("s"))
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a parked song can be cancelled, and resumed after that`() throws {
        var world = MockWorld()
        try world.join("a")
        try world.handle(.submit(Small.song("s")))
        try world.rest("s", .parked(reason: "why"))
        try world.handle(.cancel("s"))
        #expect(world.states["s"] == .cancelled)
        try world.handle(.resume("s"))
        world.deliver()
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
    }

    @Test func `outputs that fail end the song with the reason`() throws {
        var world = MockWorld()
        try world.handle(.submit(Small.song("s")))
        try world.handle(.outputsFailed("s", reason: "disk full"))
        #expect(world.states["s"] == .failed(reason: "disk full"))
        #expect(try world.handle(.outputsWritten("s")).isEmpty)
        try world.checkEmpty()
    }

    @Test func `the caller's own mistakes are told apart and change nothing`() throws {
        var world = MockWorld()
        try world.handle(.submit(Small.song("s")))
        let records = world.journal.count
        #expect(throws: Defect.outputsBeforeSampled("s", state: .sampling)) {
            try world.handle(.outputsWritten("s"))
        }
        #expect(throws: Defect.self) { try world.handle(.outputsWritten("nobody")) }
        #expect(throws: Defect.self) { try world.handle(.initialTokens("nobody", [])) }
        #expect(throws: Defect.self) { try world.handle(.preparationFailed("nobody", reason: "")) }
        #expect(world.journal.count == records)
    }
}
