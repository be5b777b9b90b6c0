import SongPlan
import Testing

@testable import CoordinatorCore

struct SegmentTests {
    private static let segmentation = Segmentation(count: 4, lead: 1, tail: 1, search: 1)

    private func song(samples: Int = 1, known: [Int] = [0, 0, 0]) -> Submission {
        Small.song("s", samples: samples, known: known, segmentation: Self.segmentation)
    }

    @Test func `segments run at the same time, each as a chain of its own`() throws {
        var world = MockWorld()
        try world.handle(.submit(song(known: [0, 0, 20])))
        try world.handle(.initialTokens("s", Small.known(song(known: [0, 0, 20]))))
        #expect(world.wantedCuts.count == 3)
        let peer = try world.join("a", slots: 8)
        // Without cuts there is nothing to do.
        #expect(world.held(peer).isEmpty)
        try world.answerCuts()
        world.deliver()
        #expect(world.held(peer).map(\.task.segment).sorted() == [0, 1, 2, 3])
        #expect(world.held(peer).allSatisfy { $0.task.level == 1 })
        world.workers[peer]?.sample(8)
        try world.sendChunks(peer)
        #expect(Set(world.held(peer).map(\.task.level)) == [0, 1])
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a cut is asked for as soon as its surroundings exist at the top level`() throws {
        var world = MockWorld()
        try world.handle(.submit(song()))
        let peer = try world.join("a", slots: 1)
        var asked: [Int] = []
        for _ in 0..<4 {
            world.workers[peer]?.sample(4)
            try world.sendChunks(peer)
            asked.append(world.wantedCuts.count)
        }
        #expect(asked.first == 0 && asked.last.map { $0 >= 1 } == true)
        try world.answerCuts()
        #expect(world.journal.contains { if case .cut("s", 0, 0, _) = $0 { true } else { false } })
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a second answer changes nothing, and an impossible one is a defect`() throws {
        var world = MockWorld()
        let known = song(known: [0, 0, 20])
        try world.handle(.submit(known))
        try world.handle(.initialTokens("s", Small.known(known)))
        let room = try known.planInputs.plan().room(ofCut: 1)
        #expect(throws: Defect.impossibleCut("s", sample: 0, seam: 1, position: room.upperBound + 1)) {
            try world.handle(.cutChosen("s", sample: 0, seam: 1, position: room.upperBound + 1))
        }
        try world.answerCuts()
        let journaled = world.journal.count
        try world.handle(.cutChosen("s", sample: 0, seam: 1, position: room.lowerBound))
        #expect(world.journal.count == journaled)
        try world.join("a")
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
        try world.checkEmpty()
    }

    @Test func `every prefix of a journal of segments can be replayed and run to the same tokens`() throws {
        var world = MockWorld()
        try world.join("a", slots: 3)
        let song = song(samples: 2)
        try world.handle(.submit(song))
        world.deliver()
        try world.runToEnd()
        let whole = world.streams
        for count in 1..<world.journal.count {
            var again = MockWorld()
            for record in world.journal.prefix(count) { try again.carryOut(.journal(record)) }
            try again.restart()
            try again.handle(.tick)
            try again.wait(.seconds(5))
            try again.join("b")
            try again.runToEnd()
            #expect(again.states["s"] == .finished)
            #expect(again.streams == whole)
            try again.checkEmpty()
        }
    }

    @Test func `a journal with an impossible cut is refused`() throws {
        let song = song()
        #expect(throws: ReplayError.impossibleCut("s", sample: 0, seam: 0, position: 19)) {
            try Coordinator(
                replaying: [.songSubmitted(song), .cut("s", sample: 0, seam: 0, position: 19)],
                now: Instant(nanoseconds: 0))
        }
    }

    @Test func `status counts what segments sample, overlaps included`() throws {
        var world = MockWorld()
        try world.join("a", slots: 4)
        let song = song()
        try world.handle(.submit(song))
        world.deliver()
        try world.runToEnd()
        let status = try #require(world.coordinator.status(of: "s"))
        #expect(status.segments == 4 && status.levels.map(\.total) == [160 + 3 * 16, 80 + 3 * 8, 20])
        #expect(
            status.sampledTokens == status.wantedTokens && status.levels.allSatisfy { $0.windows == $0.windowsDone })
    }
}
