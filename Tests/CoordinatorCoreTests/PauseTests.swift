import SongPlan
import Testing

@testable import CoordinatorCore

struct PauseTests {
    @Test func `in a pause nothing is granted or taken and nobody expires, and then all goes on`() throws {
        var (world, peer, held) = try LeaseTests.started()
        try world.handle(.pause(reason: "the disk is full"))
        let before = world.journal.count
        #expect(try world.handle(.chunk(peer, LeaseTests.chunk(held, 0..<4))).isEmpty)
        world.now = world.now + .seconds(600)
        #expect(try world.handle(.tick).isEmpty)
        try world.join("late")
        try world.handle(.submit(Small.song("other")))
        #expect(world.leases.count == 1 && world.leases[held.task] != nil)
        #expect(world.journal.count == before + 1)
        try world.handle(.proceed)
        #expect(world.leases[held.task]?.epoch == held.epoch && world.leases.count > 1)
        try world.runToEnd()
        #expect(world.states["s"] == .finished && world.states["other"] == .finished)
        try world.checkEmpty()
    }

    @Test func `a removed song is gone, its id is free, and replay agrees`() throws {
        var world = MockWorld()
        try world.join("a")
        try world.handle(.submit(Small.song("s")))
        try world.handle(.remove("s"))
        #expect(world.coordinator.songIDs.isEmpty && world.coordinator.status(of: "s") == nil)
        #expect(world.journal.contains(.songRemoved("s")))
        try world.handle(.submit(Small.song("s")))
        #expect(world.coordinator.songIDs == ["s"])
        world.deliver()
        try world.runToEnd()
        #expect(world.states["s"] == .finished)
    }
}

extension MockWorld {
    /// A song was removed.
    mutating func forget(_ song: SongID) throws {
        guard states[song]?.isEnded ?? false else { throw Violation("\(song) is removed before its end") }
        (submissions[song], plans[song], states[song]) = (nil, nil, nil)
        streams = streams.filter { $0.key.song != song }
        completed = completed.filter { $0.song != song }
        sampled.remove(song)
    }
}

/// Journals of which some records are lost.
struct MendingTests {
    /// A whole song, as it was journaled.
    private static func history() throws -> [Record] {
        var world = MockWorld()
        try world.join("a")
        try world.join("b")
        try world.handle(.submit(Small.song("s")))
        try world.runToEnd()
        return world.journal
    }

    @Test func `without any one record a journal is mended to one that replays, and the song goes on`() throws {
        let records = try Self.history()
        for lost in records.indices.dropFirst() {
            // A coordinator that was killed a while later.
            for end in [lost + 1, min(records.count - 1, lost + 12)] {
                var rest = Array(records[..<end])
                if lost < end { rest.remove(at: lost) }
                var dropped: [DroppedRecord] = []
                _ = Coordinator(mending: rest, now: Instant(nanoseconds: 0), dropped: &dropped)
                let places = Set(dropped.map(\.place))
                let kept = rest.enumerated().filter { !places.contains($0.offset) }.map(\.element)
                var again: [DroppedRecord] = []
                let mended = Coordinator(mending: kept, now: Instant(nanoseconds: 0), dropped: &again)
                #expect(again.isEmpty, "record \(lost) up to \(end): \(again)")
                var audit = ReplayAudit()
                for record in kept { audit.add(record) }
                #expect(audit.faults(of: mended).isEmpty, "record \(lost) up to \(end)")
            }
        }
    }

    @Test func `a gap takes the tokens after it and the lease of its stream, and no others`() throws {
        let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 2), window: 0)
        let lower = TaskID(stream: StreamID(song: "s", sample: 0, level: 1), window: 0)
        let records: [Record] = [
            .songSubmitted(Small.song("s")), .leaseGranted(task, 5, "a"),
            .tokens(task.stream, start: 0, [1, 2], .sampled(task, 5, "a")),
            .tokens(task.stream, start: 4, [1, 2], .sampled(task, 5, "a")),
            .leaseGranted(lower, 6, "b"),
        ]
        var dropped: [DroppedRecord] = []
        let core = Coordinator(mending: records, leastEpoch: 90, now: Instant(nanoseconds: 0), dropped: &dropped)
        #expect(Set(dropped.map(\.place)) == [1, 3])
        #expect(core.tokens(of: task.stream) == [1, 2])
        #expect(core.workerStatuses.map(\.worker) == ["b"])
    }
}
