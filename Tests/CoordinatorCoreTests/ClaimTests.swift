import SongPlan
import Testing

@testable import CoordinatorCore

/// What a worker of a compared window is told of its own tokens after a restart. Of a damaged journal claims may be lost, and
/// what others have said may stay.
struct ClaimTests {
    private static let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 2), window: 0)
    private static let new = tokens(task.stream, 0..<8)
    private static let peer = MockWorld.peer("b")

    /// Six tokens count, of which `b` has claimed two so far.
    private static let records: [Record] = [
        .songSubmitted(Small.song("s")), .songState("s", .sampling), .machine("s", "a", "ma"), .machine("s", "b", "mb"),
        .checkBegun(task), .leaseGranted(task, 1, "a"), .claimed(task, 1, "a", start: 0, Array(new[..<8])),
        .leaseEnded(task, 1, of: "a", .brought), .leaseGranted(task, 2, "b"),
        .claimed(task, 2, "b", start: 0, Array(new[..<2])),
        .tokens(task.stream, start: 0, Array(new[..<6]), .sampled(task, 2, "b")),
    ]

    private func restarted() -> Coordinator {
        var dropped: [DroppedRecord] = []
        var settings = Settings(chunk: 2)
        settings.verifyShare = 1
        let core = Coordinator(
            mending: Self.records, settings: settings, now: Instant(nanoseconds: 0), dropped: &dropped)
        #expect(dropped.isEmpty)
        return core
    }

    private func hello(_ core: inout Coordinator, acknowledged: Int) -> [Effect] {
        let description = WorkerDescription(
            id: "b", name: "b", model: "small", fingerprints: Small.fingerprints, slots: 1,
            held: [HeldLease(task: Self.task, epoch: 2, acknowledged: acknowledged)], machine: "mb")
        return core.handle(.workerHello(Self.peer, description), now: Instant(nanoseconds: 1))
    }

    @Test func `a worker is told of its own tokens, not of those that others have brought besides`() {
        var core = restarted()
        #expect(hello(&core, acknowledged: 2).contains(.send(Self.peer, .acknowledged(Self.task, 2, count: 2))))
        for start in [2, 4, 6] {
            let chunk = Chunk(task: Self.task, epoch: 2, start: start, tokens: Array(Self.new[start..<start + 2]))
            let effects = core.handle(.chunk(Self.peer, chunk), now: Instant(nanoseconds: 2))
            #expect(effects.contains(.send(Self.peer, .acknowledged(Self.task, 2, count: start + 2))), "\(start)")
        }
    }

    @Test func `claims do not count whose upper tokens are lost, and who samples on from those begins anew`() {
        let task = TaskID(stream: StreamID(song: "s", sample: 0, level: 1), window: 0)
        let claims: [Record] = [
            .checkBegun(task), .leaseGranted(task, 1, "a"), .leaseGranted(task, 2, "b"),
            .claimed(task, 1, "a", start: 0, [5, 6]), .claimed(task, 2, "b", start: 0, [5, 6]),
        ]
        let upper = Record.tokens(Self.task.stream, start: 0, Self.new, .sampled(Self.task, 1, "a"))
        for (records, wanted) in [(Self.records.prefix(4) + claims, 0), (Self.records.prefix(4) + [upper] + claims, 2)]
        {
            var dropped: [DroppedRecord] = []
            let core = Coordinator(mending: Array(records), now: Instant(nanoseconds: 0), dropped: &dropped)
            let stream = core.truth.live(task.stream)!
            #expect(core.truth[stream].check?.claims.count == wanted)
            #expect(core.truth[stream].holders.leases.count == wanted)
            #expect(dropped.count == (wanted == 0 ? 4 : 0))
        }
    }

    @Test func `a worker that was told of more than is left of its claim begins anew`() {
        var core = restarted()
        let effects = hello(&core, acknowledged: 4)
        #expect(effects.contains(.journal(.leaseEnded(Self.task, 2, of: "b", .notHeld))))
        #expect(!effects.contains(.send(Self.peer, .acknowledged(Self.task, 2, count: 4))))
    }
}
