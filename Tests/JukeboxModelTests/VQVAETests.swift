import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

@Suite struct VQVAETests {
    private static let levels: [FixtureLevel] = [
        FixtureLevel(.lyricsSingle, 0), FixtureLevel(.lyricsSingle, 1), FixtureLevel(.lyricsSingle, 2),
        FixtureLevel(.twoLevel, 0), FixtureLevel(.twoLevel, 1),
    ]
    private let team = ThreadTeam(threads: 1)

    private func tokens(_ vqvae: VQVAE, count: Int, seed: UInt64 = 3) -> [UInt16] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt16.random(in: 0..<UInt16(vqvae.hyperparameters.codes), using: &random) }
    }

    private func audio(_ vqvae: VQVAE, _ tokens: [UInt16], _ range: Range<Int>, level: Int) -> [Float] {
        let unit = vqvae.hyperparameters.samplesPerToken[level]
        let buffer = vqvae.decode(tokens, range: range, level: level, team: team)
        return withExtendedLifetime(buffer) { Array(buffer.elements.prefix(range.count * unit)) }
    }

    private func largestDifference(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Float {
        #expect(a.count == b.count)
        return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test(arguments: levels)
    func `decoding in pieces of any size equals decoding in one go`(_ place: FixtureLevel) throws {
        let vqvae = try place.fixture.model().vqvae()
        let reach = vqvae.reach(level: place.level)
        let tokens = tokens(vqvae, count: 6 * reach + 37)
        let whole = audio(vqvae, tokens, 0..<tokens.count, level: place.level)
        for piece in [reach / 2 + 1, reach, 2 * reach + 1, tokens.count - 1] {
            var joined: [Float] = []
            for begin in stride(from: 0, to: tokens.count, by: piece) {
                joined += audio(vqvae, tokens, begin..<min(tokens.count, begin + piece), level: place.level)
            }
            #expect(joined == whole, "pieces of \(piece) tokens")
        }
        // Without what lies around it, a piece sounds different: the comparison above can fail.
        let middle = reach..<2 * reach
        let unit = vqvae.hyperparameters.samplesPerToken[place.level]
        let bare = audio(vqvae, Array(tokens[middle]), 0..<middle.count, level: place.level)
        #expect(largestDifference(bare, whole[middle.lowerBound * unit..<middle.upperBound * unit]) > 1e-3)
    }

    @Test func `a long song is written in several pieces that join without a trace`() throws {
        let vqvae = try Fixture.twoLevel.model().vqvae()
        let level = 1
        let tokens = tokens(vqvae, count: 3 * vqvae.pieceLength(level: level) / 2)
        var pieces: [Int] = []
        var joined: [Float] = []
        vqvae.decode(tokens, level: level, team: team) {
            pieces.append($0.count)
            joined += $0
        }
        #expect(pieces.count == 2)
        #expect(joined.count == tokens.count * vqvae.hyperparameters.samplesPerToken[level])
        let whole = audio(vqvae, tokens, 0..<tokens.count, level: level)
        #expect(joined == whole)
    }

    @Test(arguments: levels)
    func `a token is heard within its reach, and nowhere else`(_ place: FixtureLevel) throws {
        let vqvae = try place.fixture.model().vqvae()
        let reach = vqvae.reach(level: place.level)
        let unit = vqvae.hyperparameters.samplesPerToken[place.level]
        var tokens = tokens(vqvae, count: 4 * reach + 1)
        let before = audio(vqvae, tokens, 0..<tokens.count, level: place.level)
        let changed = tokens.count / 2
        tokens[changed] = (tokens[changed] + 1) % UInt16(vqvae.hyperparameters.codes)
        let after = audio(vqvae, tokens, 0..<tokens.count, level: place.level)
        let heard = before.indices.filter { before[$0].bitPattern != after[$0].bitPattern }.map { $0 / unit }
        let first = try #require(heard.first)
        let last = try #require(heard.last)
        #expect(first >= changed - reach && last <= changed + reach, "\(first)…\(last) with reach \(reach)")
        // The reach is not far larger than it has to be.
        #expect(changed - first > reach / 2 && last - changed > reach / 2, "\(first)…\(last) with reach \(reach)")
        #expect(heard.contains(changed) && heard.contains(changed - 1) && heard.contains(changed + 1))
    }

    @Test(arguments: [levels[2], levels[4]])
    func `encoding in pieces gives the codes that a stretch of the recording has on its own`(_ place: FixtureLevel)
        throws
    {
        let vqvae = try place.fixture.model().vqvae()
        let unit = vqvae.hyperparameters.samplesPerToken[place.level]
        // Two borders of pieces of 2^17 samples, in the middle of stretches that are encoded in one go.
        let length = (3 << 17) / unit * unit
        var random = SplitMix64(seed: 8)
        let recording = (0..<length).map { index in
            sin(Float(index) * 0.05) * 0.5 + Float.random(in: -0.3...0.3, using: &random)
        }
        var reported: [Int] = []
        let codes = vqvae.encode(recording, level: place.level, team: team) { reported.append($0) }
        #expect(codes.count == length / unit)
        #expect(reported.count == 3 && reported.last == codes.count)
        let margin = (1 << 14) / unit
        for border in reported.dropLast() {
            let range = border - 3 * margin..<border + 3 * margin
            let alone = vqvae.encode(
                Array(recording[range.lowerBound * unit..<range.upperBound * unit]), level: place.level, team: team)
            let differing = (margin..<5 * margin).count { alone[$0] != codes[range.lowerBound + $0] }
            // Two codes may be equally near; then rounding decides.
            #expect(differing <= 4 * margin / 500, "\(differing) of \(4 * margin) around token \(border)")
        }
    }

    @Test(arguments: levels)
    func `recordings that are no whole number of pieces, and the shortest one`(_ place: FixtureLevel) throws {
        let vqvae = try place.fixture.model().vqvae()
        let unit = vqvae.hyperparameters.samplesPerToken[place.level]
        #expect(vqvae.encode([], level: place.level, team: team).isEmpty)
        #expect(vqvae.encode([Float](repeating: 0.1, count: unit), level: place.level, team: team).count == 1)
        var samples = 0
        vqvae.decode([1], level: place.level, team: team) { samples += $0.count }
        #expect(samples == unit)
        vqvae.decode([], level: place.level, team: team) { _ in Issue.record("no tokens give no audio") }
    }

    @Test(arguments: Fixture.originals)
    func `codes and audio agree with the original's`(_ fixture: Fixture) throws {
        let vqvae = try fixture.model().vqvae()
        let length = try fixture.scenario().sample_length
        let audio = Array(try fixture.floats("audio.in").prefix(length))
        for level in 0..<vqvae.hyperparameters.levels {
            let wanted = try fixture.codes("encode", level: level)[0]
            let codes = vqvae.encode(audio, level: level, team: team)
            #expect(zip(codes, wanted).count { $0 != $1 } <= wanted.count / 500)
            let decoded = self.audio(vqvae, wanted, 0..<wanted.count, level: level)
            let theirs = try fixture.floats("decode.from_level_\(level)").prefix(length)
            #expect(largestDifference(decoded, theirs) < 1e-4)
        }
    }
}
