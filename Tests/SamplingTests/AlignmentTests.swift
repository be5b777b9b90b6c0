import JukeboxModel
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

@Suite struct AlignmentTests {
    @Test(arguments: [Fixture.lyricsSingle, .lyricsEncDec])
    func `alignment agrees with the original's`(_ fixture: Fixture) throws {
        let model = try fixture.model()
        let scenario = try fixture.scenario()
        let hop = try GeometryCheck.hop(fraction: scenario.hop[2], level: 2, model.geometry)
        for (sample, codes) in try fixture.codes("ancestral", level: 2).enumerated() {
            let labels = try model.labellers[2].labels(
                scenario.specifications[sample], defaultTotal: scenario.sample_length)
            let ours = Alignment.compute(
                prior: try fixture.prior(level: 2), labeller: model.labellers[2], labels: labels, codes: codes,
                hop: hop,
                team: ThreadTeam(threads: 2))
            let wanted = try fixture.floats("align.\(sample)")
            #expect(ours.count == codes.count && ours.allSatisfy { $0.count == labels.lyrics.count })
            #expect(zip(ours.flatMap { $0 }, wanted).allSatisfy { abs($0 - $1) < 5e-3 })
        }
    }

    @Test func `a model without an alignment head has empty rows`() throws {
        let fixture = Fixture.noLyrics
        let model = try fixture.model()
        let labels = try model.labellers[2].labels(.init(), defaultTotal: 4_410_000)
        let rows = Alignment.compute(
            prior: try fixture.prior(level: 2), labeller: model.labellers[2], labels: labels,
            codes: [1, 2, 3], hop: 64, team: ThreadTeam(threads: 1))
        #expect(rows == [[], [], []])
    }
}
