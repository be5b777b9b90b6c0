import CAllocationCount
import CoreMetrics
import MetricRegistry
import MetricSnapshots
import Testing

@Suite(.serialized) struct MetricRegistryTests {
    private static let tokens = MetricDefinition("tokens_total", .counter, unit: "tokens", label: "level", "Tokens.")
    private static let songs = MetricDefinition("songs_total", .counter, unit: "songs", "Songs.")
    private static let step = MetricDefinition(
        "step_seconds", .histogram, unit: "seconds", bounds: [0.1, 1], "Steps.")
    private static let room = MetricDefinition("room_bytes", .gauge, unit: "bytes", "Room.")
    private let registry = MetricRegistry([tokens, songs, step, room])

    @Test func `what swift-metrics counts and records is in the snapshot, in the order of the definitions`() throws {
        Counter(label: "songs_total", factory: registry).increment(by: 2)
        Gauge(label: "room_bytes", factory: registry).record(12.5)
        let recorder = Recorder(label: "step_seconds", factory: registry)
        for value in [0.05, 0.1, 0.5, 7] { recorder.record(value) }
        Timer(label: "step_seconds", dimensions: [], factory: registry).recordNanoseconds(2_000_000_000)
        // 10 comes after 9.
        for level in ["10", "9", "0"] { registry.counter(Self.tokens, level).increment() }
        registry.counter(Self.tokens, "9").increment(by: 4)
        let snapshot = registry.snapshot()
        #expect(snapshot.families.map(\.name) == ["tokens_total", "songs_total", "step_seconds", "room_bytes"])
        let levels = try #require(snapshot["tokens_total"]?.samples)
        #expect(levels.map { $0.labels.map(\.value) } == [["0"], ["9"], ["10"]])
        #expect(levels.map(\.value) == [.count(1), .count(5), .count(1)])
        #expect(snapshot["songs_total"]?.samples.map(\.value) == [.count(2)])
        #expect(snapshot["room_bytes"]?.samples.map(\.value) == [.number(12.5)])
        let steps = try #require(HistogramValue(bounds: [0.1, 1], counts: [2, 1, 2], sum: 9.65))
        guard case .histogram(let counted) = snapshot["step_seconds"]?.samples.first?.value else {
            Issue.record("no histogram")
            return
        }
        #expect(counted.counts == steps.counts && abs(counted.sum - steps.sum) < 1e-9)
    }

    @Test func `a metric that is not defined, or is of another kind, counts nowhere and stops nobody`() {
        Counter(label: "unknown", factory: registry).increment()
        Counter(label: "step_seconds", factory: registry).increment()
        Recorder(label: "songs_total", factory: registry).record(1)
        Timer(label: "songs_total", dimensions: [], factory: registry).recordNanoseconds(1)
        #expect(registry.snapshot().families.isEmpty)
    }

    @Test func `a counter only grows`() {
        let counter = registry.counter(Self.songs)
        counter.increment(by: 3)
        counter.increment(by: -2)
        #expect(registry.snapshot()["songs_total"]?.samples.map(\.value) == [.count(3)])
    }

    @Test func `counting and recording allocate nothing`() {
        let counter = registry.counter(Self.tokens, "0")
        let recorder = registry.recorder(Self.step)
        // Whatever is made on the first time.
        counter.increment()
        recorder.record(0.5)
        let before = ac_allocations()
        for number in 0..<1000 {
            counter.increment(by: number)
            recorder.record(Double(number) / 100)
        }
        #expect(ac_allocations() == before)
    }

    @Test func `counts of many threads are all there`() async {
        let (counter, recorder) = (registry.counter(Self.songs), registry.recorder(Self.step))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        recorder.record(0.5)
                    }
                }
            }
        }
        let snapshot = registry.snapshot()
        #expect(snapshot["songs_total"]?.samples.map(\.value) == [.count(8000)])
        #expect(
            snapshot["step_seconds"]?.samples.map(\.value)
                == [.histogram(HistogramValue(bounds: [0.1, 1], counts: [0, 8000, 0], sum: 4000)!)])
    }

    @Test func `a histogram's news are what came since, and none of another process`() throws {
        var earlier = HistogramValue(bounds: [1])
        earlier.record(0.5)
        var later = earlier
        later.record(4)
        later.record(.nan)
        #expect(later.count == 2)
        let news = try #require(later.since(earlier))
        #expect(news.counts == [0, 1] && news.sum == 4)
        #expect(earlier.since(later) == nil)
        #expect(later.since(HistogramValue(bounds: [2])) == nil)
        #expect(HistogramValue(bounds: [1], counts: [1], sum: 0) == nil)
        var all = HistogramValue(bounds: [1], counts: [.max, 1], sum: 1)!
        all.add(later)
        #expect(all.counts == [.max, 2] && all.sum == 5.5)
    }
}
