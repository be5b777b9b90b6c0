import AudioFile
import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Tensor
import Testing

@testable import Stitching

@Suite struct StitchingTests {
    private static func noise(_ count: Int, _ seed: UInt64, strength: Float = 0.3) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in Float.random(in: -strength...strength, using: &random) }
    }

    // MARK: where to cut

    @Test func `a cut lies where the level above stays as loud as it is`() {
        let geometry = ModelGeometry(
            sampleRate: 44_100,
            levels: [
                LevelGeometry(samplesPerToken: 32, windowLength: 64, codes: 8, tokensPerUpperToken: 4),
                LevelGeometry(samplesPerToken: 128, windowLength: 64, codes: 8, tokensPerUpperToken: nil),
            ], timing: nil)
        var audio = Self.noise(128 * 600, 1)
        // It swells until token 380 and fades from token 420 on; the audio begins at token 1000.
        for place in audio.indices {
            let away = max(0, 128 * 380 - place, place - 128 * 420)
            audio[place] *= Float(exp(-Double(away) / (128 * 60)))
        }
        let cut = CutChooser(geometry).choose(audio, from: 1000, room: 1100...1500)
        #expect((1380...1420).contains(cut), "\(cut)")
        // Nothing speaks for any place: the middle.
        let even = CutChooser(geometry).choose(Array(repeating: 0, count: 128 * 600), from: 1000, room: 1100...1500)
        #expect(even == 1300)
    }

    // MARK: where to splice

    @Test func `the lag between two renditions is found`() {
        let song = Self.noise(12_000, 2)
        for shift in [-90, -37, 0, 5, 90] {
            // What the left one has at n, the right one has at n + shift.
            let right = (0..<8_000).map { song[2_000 + $0 - shift] }
            let found = SpliceSearch(window: 600, reach: 100).find(
                left: Array(song[2_000..<10_000]), right: right, leftShift: 0, places: 1_000..<7_000)
            #expect(found.shift == shift && found.correlation > 0.999, "\(shift): \(found)")
        }
    }

    @Test func `renditions that never agree are joined where they are quiet`() {
        var (left, right) = (Self.noise(8_000, 3), Self.noise(8_000, 4))
        for place in 5_000..<5_800 { (left[place], right[place]) = (left[place] * 0.01, right[place] * 0.01) }
        let found = SpliceSearch(window: 600, reach: 50).find(
            left: left, right: right, leftShift: 0, places: 1_000..<7_000)
        #expect((5_250...5_550).contains(found.position), "\(found)")
    }

    @Test func `renditions that agree at one place only are joined there`() {
        let left = Self.noise(8_000, 5)
        var right = Self.noise(8_000, 6)
        for place in 3_000..<3_700 { right[place] = left[place] }
        let found = SpliceSearch(window: 600, reach: 50).find(
            left: left, right: right, leftShift: 0, places: 1_000..<7_000)
        #expect((3_250...3_450).contains(found.position) && found.shift == 0, "\(found)")
    }

    @Test func `a crossfade keeps the loudness of what is alike and of what is not`() {
        var join = SeamJoin(
            level: 0, sample: 0, seam: 0, token: 0, position: 0, fade: 9, shift: 0, correlation: 0, margin: 0)
        for share in [0.1, 0.5, 0.8] {
            join.correlation = 0
            var gains = join.gains(share)
            #expect(abs(gains.left * gains.left + gains.right * gains.right - 1) < 1e-5)
            join.correlation = 1
            gains = join.gains(share)
            #expect(abs(gains.left + gains.right - 1) < 1e-5)
        }
    }

    // MARK: a level

    private static let segmentation = Segmentation(count: 3, lead: 14, tail: 10, search: 4)

    private func level(
        _ change: (inout [[UInt16]]) -> Void = { _ in }
    ) throws -> (
        whole: [UInt16], segments: [[UInt16]], joined: JoinedLevel, plan: Plan, vqvae: VQVAE, team: ThreadTeam
    ) {
        let model = try Fixture.twoLevel.model()
        let plan = try Plan(
            geometry: model.geometry, sampleLength: 256 * 150, hops: [128, 32], known: [0, 0],
            segmentation: Self.segmentation)
        var random = SplitMix64(seed: 9)
        let whole = (0..<plan.levels[0].total).map { _ in UInt16.random(in: 0..<96, using: &random) }
        var segments = plan.levels[0].segments.map { Array(whole[$0.range]) }
        change(&segments)
        let (vqvae, team) = (try model.vqvae(), ThreadTeam(threads: 1))
        let joined = JoinedLevel(level: 0, sample: 0, segments: segments, plan: plan, vqvae: vqvae, team: team)
        return (whole, segments, joined, plan, vqvae, team)
    }

    private func decode(_ joined: JoinedLevel, _ vqvae: VQVAE, _ team: ThreadTeam) -> [Float] {
        var audio: [Float] = []
        joined.decode(vqvae: vqvae, unit: 32, team: team) { audio += $0 }
        return audio
    }

    @Test func `segments that agree join to the song that was never cut`() throws {
        let (whole, _, joined, _, vqvae, team) = try level()
        #expect(joined.codes == whole && joined.joins.allSatisfy { $0.shift == 0 })
        var expected: [Float] = []
        vqvae.decode(whole, level: 0, team: team) { expected += $0 }
        let audio = decode(joined, vqvae, team)
        #expect(audio.count == expected.count)
        let loudest = expected.map(abs).max() ?? 0
        let off = zip(audio, expected).map { abs($0 - $1) }.max() ?? 1
        #expect(off < 2e-3 * loudest, "\(off) of \(loudest)")
    }

    @Test func `segments that differ give one sequence, of left tokens before and right ones after each splice`() throws
    {
        let (_, _, joined, plan, vqvae, team) = try level { segments in
            segments[1] = segments[1].map { ($0 + 31) % 96 }
        }
        #expect(joined.codes.count == plan.levels[0].total && joined.joins.count == 2)
        for join in joined.joins {
            let overlap = plan.overlap(ofCut: join.seam, level: 0)
            #expect(overlap.contains(join.token) && join.margin > 0 && join.fade > 0)
            #expect(overlap.lowerBound <= join.token - join.margin && join.token + join.margin <= overlap.upperBound)
        }
        #expect(decode(joined, vqvae, team).count == plan.sampleLength)
    }

    @Test func `joined segment by segment, the beginning is that of the whole`() throws {
        let (_, segments, joined, plan, vqvae, team) = try level { segments in
            segments[1] = segments[1].map { ($0 + 31) % 96 }
        }
        let whole = decode(joined, vqvae, team)
        var joiner = SeamJoiner(level: 0, sample: 0, plan: plan)
        var audio: [Float] = []
        for (index, segment) in segments.enumerated() {
            let before = joiner.audibleSegments
            joiner.append(segment, plan: plan, vqvae: vqvae, team: team)
            joiner.joined.decode(
                segments: before..<joiner.audibleSegments, vqvae: vqvae, unit: 32, team: team
            ) { audio += $0 }
            #expect(audio == Array(whole.prefix(audio.count)))
            #expect(index == 0 ? audio.isEmpty : audio.count > plan.cuts[index - 1] * 128)
        }
        #expect(joiner.isComplete && audio.count == whole.count && joiner.joined.codes == joined.codes)
    }

    @Test func `decoding again from the song's folder gives the same bytes`() throws {
        let (_, _, joined, plan, vqvae, team) = try level { segments in
            segments[1] = segments[1].map { ($0 + 31) % 96 }
        }
        let folder = try TemporaryFolder()
        var song = SongSpecification(model: "two-level-unlabelled", sampleLength: plan.sampleLength, seed: 3)
        song.segments = .count(3)
        let output = SongOutput(
            folder: folder.file("song"), request: SongRequest(specification: song, format: "wav"), plan: plan)
        try output.writeAudio(joined, sample: 0, vqvae: vqvae, team: team)
        let top = [[UInt16]](repeating: Array(repeating: 5, count: 150), count: 1)
        try output.finish([[joined.codes], top], joined: [[joined]])

        let json = try Data(contentsOf: folder.file("song/song.json"))
        let object = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(object["approximate"] as? String == "3 segments")
        #expect((try? SongSpecification(json: json, source: "song.json"))?.segments == .count(3))
        let joins = try JSONDecoder().decode(
            [SeamJoin].self, from: JSONSerialization.data(withJSONObject: #require(object["joins"])))
        let path = folder.file("song/codes.safetensors").path
        let again = try JoinedLevel(
            level: 0, codes: CodesFile.read(path)[0][0].map(UInt16.init), joins: joins,
            margins: #require(CodesFile.readMargins(path)[0]), sample: 0)
        let other = SongOutput(
            folder: folder.file("again"), request: SongRequest(specification: song, format: "wav"), plan: plan)
        try other.writeAudio(again, sample: 0, vqvae: vqvae, team: team)
        let bytes = try Data(contentsOf: output.audioFile(level: 0, sample: 0))
        #expect(
            try bytes == Data(contentsOf: other.audioFile(level: 0, sample: 0)) && bytes.count > 2 * plan.sampleLength)
    }

    @Test func `without an overlap, one segment simply follows the other`() throws {
        let model = try Fixture.twoLevel.model()
        let plan = try Plan(
            geometry: model.geometry, sampleLength: 256 * 60, hops: [128, 32], known: [0, 0],
            segmentation: Segmentation(count: 3, lead: 0, tail: 0, search: 0))
        let segments = plan.levels[0].segments.map { $0.range.map { UInt16($0 % 96) } }
        let (vqvae, team) = (try model.vqvae(), ThreadTeam(threads: 1))
        let joined = JoinedLevel(level: 0, sample: 0, segments: segments, plan: plan, vqvae: vqvae, team: team)
        #expect(joined.codes == (0..<plan.levels[0].total).map { UInt16($0 % 96) })
        #expect(joined.joins.map(\.position) == plan.cuts.map { $0 * 256 } && joined.joins.allSatisfy { $0.fade == 0 })
        #expect(decode(joined, vqvae, team).count == plan.sampleLength)
    }
}
