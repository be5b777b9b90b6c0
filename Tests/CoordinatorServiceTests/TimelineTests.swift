import CoordinatorCore
import CoordinatorService
import Foundation
import Journal
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

@Suite struct TimelineTests {
    private let geometry = ModelGeometry(
        sampleRate: 1000,
        levels: [LevelGeometry(samplesPerToken: 2, windowLength: 16, codes: 8, tokensPerUpperToken: nil)],
        timing: nil)

    @Test func `leases of a journal become bars: done, copied, taken back, running`() throws {
        let folder = try TemporaryFolder()
        let journal = try Journal(folder: folder.file("state").path)
        let song = Submission(
            song: "s", model: "m", fingerprints: [0: "f"],
            planInputs: PlanInputs(geometry: geometry, sampleLength: 48, hops: [8], known: [0]), seed: 1,
            filters: [Filter(temperature: 1)], labels: [[nil]])
        let stream = StreamID(song: "s", sample: 0, level: 0)
        let (first, second) = (TaskID(stream: stream, window: 0), TaskID(stream: stream, window: 1))
        func tokens(_ start: Int, _ task: TaskID, _ epoch: Epoch, _ worker: WorkerID) -> Record {
            .tokens(stream, start: start, Array(repeating: 1, count: 8), .sampled(task, epoch, worker))
        }
        try journal.append([
            .songSubmitted(song), .leaseGranted(first, 1, "a"), tokens(0, first, 1, "a"),
            .leaseGranted(first, 2, "b"), tokens(8, first, 2, "b"),
            .leaseGranted(second, 3, "a"), .leaseEnded(second, 3, of: "a", .lost(.unreachable)),
            .leaseGranted(second, 4, "b"),
        ])
        let events = try journal.taskEvents(of: "s")
        #expect(events.count == 7 && events.allSatisfy { abs(($0.time ?? 0) - Date().timeIntervalSince1970) < 60 })
        let timeline = try Timeline(
            submission: song, plans: [song.planInputs.plan()], state: .sampling, events: events,
            known: ["a": Timeline.Worker(name: "host a", slots: 2)], now: Date().timeIntervalSince1970 + 5)
        #expect(timeline.leases.map(\.ending) == ["copied", "done", "the worker could not be reached", "running"])
        #expect(timeline.leases.map(\.tokens) == [8, 8, 0, 0])
        #expect(timeline.workers.map(\.name) == ["host a", "b"])
        let again = try Timeline(json: timeline.json())
        #expect(again.leases.map(\.end) == timeline.leases.map(\.end) && again.planInputs == song.planInputs)
        // Worker a's last lease was taken back; it is gone if that was because it was lost.
        var mine = timeline.leases.filter { $0.worker == 0 }
        #expect(Timeline.lost(mine) == mine[1].end)
        mine[1].lost = nil
        #expect(Timeline.lost(mine) == nil)
        mine[1].lost = true
        mine[0].end = mine[1].end + 1
        #expect(Timeline.lost(mine) == nil)
        #expect(Timeline.lost([]) == nil && Timeline.lost(timeline.leases.filter { $0.worker == 1 }) == nil)
        // A clock that was set back before a restart of the coordinator.
        var stepped = events
        for place in stepped.indices.dropFirst(3) { stepped[place].time! -= 8.18e8 }
        let shifted = try Timeline(
            submission: song, plans: [song.planInputs.plan()], state: .sampling, events: stepped, known: [:],
            now: Date().timeIntervalSince1970 - 8.18e8 + 5)
        let starts = shifted.leases.map(\.start)
        #expect(starts == starts.sorted() && shifted.leases.allSatisfy { $0.end >= $0.start })
        #expect(shifted.leases.map(\.end).max()! - starts[0] < 60)
        // What is finished is forgotten, and its timeline was written before.
        try journal.append([.songState("s", .finished)])
        try journal.forget("s")
        #expect(try journal.taskEvents(of: "s").isEmpty)
    }
}
