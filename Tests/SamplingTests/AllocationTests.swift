import CAllocationCount
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// A step asks for no memory once the first steps have run.
@Suite(.enabled(if: ac_allocations() >= 0, "allocations can be counted with glibc only"))
struct AllocationTests {
    @Test func `the count counts`() {
        let before = ac_allocations()
        let buffer = Buffer<Float>(count: 4096)
        #expect(ac_allocations() > before)
        #expect(buffer.count == 4096)
    }

    @Test(
        arguments: [
            FixtureLevel(.lyricsSingle, 2), FixtureLevel(.lyricsEncDec, 2), FixtureLevel(.noLyrics, 1),
            FixtureLevel(.twoLevel, 0),
        ], [1, 2])
    func `sampling a token of each of several windows`(_ place: FixtureLevel, threads: Int) throws {
        let window = try WindowCase(place, sample: 0)
        let team = ThreadTeam(threads: threads)
        let backend = CPUBackend(window.prior, rows: 8, team: team)
        var outcomes: [StepOutcome] = []
        let filters = [Filter(temperature: 1), Filter(temperature: 0.9, topK: 5), Filter(temperature: 1, topP: 0.8)]
        let batch = filters.indices.map { sample in
            let active = backend.begin(
                WindowInput(
                    labels: window.labels, above: window.above, start: 0, tokens: [],
                    draw: TokenDraw(seed: 1, sample: sample, level: place.level, filter: filters[sample])),
                level: place.level)
            while !backend.prepare(active) {}
            while active.pendingRows > 1 {
                let rows = min(active.pendingRows - 1, active.rowsToBlockEnd)
                backend.step([WindowRows(active, rows: rows)], level: place.level, outcomes: &outcomes)
            }
            return WindowRows(active, rows: 1)
        }
        for _ in 0..<2 { backend.step(batch, level: place.level, outcomes: &outcomes) }
        let before = ac_allocations()
        for _ in 0..<10 { backend.step(batch, level: place.level, outcomes: &outcomes) }
        #expect(ac_allocations() - before == 0)
        #expect(outcomes.count == 3)
    }
}
