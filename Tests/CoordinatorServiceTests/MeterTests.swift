import Testing

@testable import CoordinatorService

@Suite struct MeterTests {
    @Test func `speed is what came in the last half minute, over the time since its first mark`() {
        var meter = SpeedMeter()
        #expect(meter.tokensPerSecond(at: 0) == 0)
        meter.add(100, at: 10)
        #expect(meter.tokensPerSecond(at: 10.1) == 0)
        #expect(meter.tokensPerSecond(at: 12) == 50)
        meter.add(100, at: 14)
        #expect(meter.tokensPerSecond(at: 20) == 20)
        #expect(meter.tokensPerSecond(at: 42) == 100.0 / 28)
        #expect(meter.tokensPerSecond(at: 60) == 0)
    }

    @Test func `a stage's share gives the time that is left`() throws {
        let meter = StageMeter()
        meter.update(share: 0.5)
        #expect(meter.progress == nil)
        meter.begin()
        #expect(meter.progress == nil)
        meter.update(share: 0.25)
        let first = try #require(meter.progress)
        #expect(first.share == 0.25 && first.secondsLeft >= 0)
        meter.update(share: 1)
        #expect(try #require(meter.progress).secondsLeft == 0)
        meter.end()
        #expect(meter.progress == nil)
    }
}
