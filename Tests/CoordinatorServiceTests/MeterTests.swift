import Testing

@testable import CoordinatorService

@Suite struct MeterTests {
    @Test("Speed is what came in the last half minute, over the time since its first mark")
    func speed() {
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

    @Test("A stage's share gives the time that is left")
    func stages() throws {
        let meter = StageMeter()
        #expect(meter.progress(of: "s") == nil)
        meter.begin("s")
        #expect(meter.progress(of: "s") == nil)
        meter.update("s", share: 0.25)
        let first = try #require(meter.progress(of: "s"))
        #expect(first.share == 0.25 && first.secondsLeft >= 0)
        meter.update("s", share: 1)
        #expect(try #require(meter.progress(of: "s")).secondsLeft == 0)
        meter.update("other", share: 0.5)
        #expect(meter.progress(of: "other") == nil)
        meter.end("s")
        #expect(meter.progress(of: "s") == nil)
    }
}
