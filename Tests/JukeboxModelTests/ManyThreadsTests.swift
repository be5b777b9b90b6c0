import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// More threads than processors, rows, heads, columns, windows or chunks: the bits are those of one.
@Suite struct ManyThreadsTests {
    private static let priors: [FixtureLevel] =
        [
            FixtureLevel(.lyricsSingle, 2), FixtureLevel(.lyricsEncDec, 2), FixtureLevel(.lyricsEncDec, 0),
            FixtureLevel(.twoLevel, 1),
        ] + Fixture.otherProfiles
    private static let threads = [5, 16, 17, 35, 56, 64, 200, 1024]
    private let one = ThreadTeam(threads: 1)

    @Test(arguments: priors, threads)
    func `the engine, its conditioner and its lyric encoder on any number of threads`(
        _ place: FixtureLevel, threads: Int
    ) throws {
        var window = try WindowCase(place)
        window.music = Array(window.music.prefix(20))
        let alone = window.logits(chunk: window.prior.blockLength, team: one)
        let team = ThreadTeam(threads: threads)
        for chunk in threads > 100 ? [7] : [1, 5, window.prior.blockLength] {
            let many = window.logits(chunk: chunk, team: team)
            #expect(sameBits(many, alone), "\(chunk) rows at a time")
        }
    }

    @Test(arguments: threads)
    func `the codec on any number of threads, for signals of any length`(threads: Int) throws {
        let team = ThreadTeam(threads: threads)
        let vqvae = try Fixture.lyricsSingle.model().vqvae()
        var random = SplitMix64(seed: 5)
        for level in 0..<3 {
            for count in threads > 100 ? [1, 333] : [1, 2, 7, 31, 56, 100, 333, 691] {
                let tokens = (0..<count).map { _ in
                    UInt16.random(in: 0..<UInt16(vqvae.hyperparameters.codes), using: &random)
                }
                let wanted = vqvae.decode(tokens, range: 0..<count, level: level, team: one)
                let ours = vqvae.decode(tokens, range: 0..<count, level: level, team: team)
                let samples = count * vqvae.hyperparameters.samplesPerToken[level]
                let (a, b) = (Array(ours.elements.prefix(samples)), Array(wanted.elements.prefix(samples)))
                #expect(sameBits(a, b), "level \(level), \(count) tokens")
                #expect(
                    vqvae.encode(a, level: level, team: team) == vqvae.encode(a, level: level, team: one),
                    "level \(level), \(count) tokens")
            }
        }
    }
}
