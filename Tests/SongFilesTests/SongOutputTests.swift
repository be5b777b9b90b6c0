import AudioFile
import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Tensor
import Testing

@Suite struct SongOutputTests {
    private let folder: TemporaryFolder
    private let model: Model
    private let vqvae: VQVAE
    private let prepared: PreparedSong
    private let tokens: [[[UInt16]]]
    private let team = ThreadTeam(threads: 1)

    init() throws {
        folder = try TemporaryFolder()
        model = try Fixture.twoLevel.model()
        vqvae = try model.vqvae()
        var song = SongSpecification(
            model: "two-level-unlabelled", sampleLength: 2048, samples: [.init(), .init()], seed: .max)
        song.prompt = nil
        prepared = try SongPreparation.prepare(song, model: model)
        var random = SplitMix64(seed: 4)
        tokens = prepared.plan.levels.map { level in
            (0..<2).map { _ in (0..<level.total).map { _ in UInt16.random(in: 0..<96, using: &random) } }
        }
    }

    private func output(format: String = "wav", _ change: (inout SongSpecification) -> Void = { _ in }) -> SongOutput {
        var specification = prepared.specification
        change(&specification)
        return SongOutput(
            folder: folder.file("song"), request: SongRequest(specification: specification, format: format),
            plan: prepared.plan)
    }

    private func write(_ output: SongOutput, level: Int, sample: Int) throws {
        try output.writeAudio(tokens[level][sample], level: level, sample: sample, vqvae: vqvae, team: team)
    }

    @Test(arguments: ["wav", "flac", "ogg"])
    func `audio has the song's length and rate, and is what the VQ-VAE decodes`(_ format: String) throws {
        let output = output(format: format)
        for level in 0...1 {
            var shares: [Double] = []
            try output.writeAudio(tokens[level][1], level: level, sample: 1, vqvae: vqvae, team: team) {
                shares.append($0)
            }
            #expect(shares.last == 1)
            let file = output.audioFile(level: level, sample: 1)
            #expect(file.path.hasSuffix("song/level_\(level)/sample_1.\(format)"))
            let reader = try AudioReader(path: file.path)
            #expect(reader.sampleRate == 22_050 && reader.channels == 1 && reader.frames == 2048)
            var decoded: [Float] = []
            vqvae.decode(tokens[level][1], level: level, team: team) { decoded += $0 }
            let read = try reader.read(at: 22_050)
            if format != "ogg" {
                #expect(zip(read, decoded).allSatisfy { abs($0 - min(max($1, -1), 1)) < 1.0 / 32_000 })
            }
        }
        #expect(!FileManager.default.fileExists(atPath: output.audioFile(level: 0, sample: 0).path))
    }

    @Test func `a file that is there is not made again; no tokens make no file`() throws {
        let output = output()
        try write(output, level: 1, sample: 0)
        let file = output.audioFile(level: 1, sample: 0)
        try Data("mine".utf8).write(to: file)
        try write(output, level: 1, sample: 0)
        #expect(try Data(contentsOf: file) == Data("mine".utf8))
        try output.writeAudio([], level: 0, sample: 0, vqvae: vqvae, team: team)
        #expect(!FileManager.default.fileExists(atPath: output.audioFile(level: 0, sample: 0).path))
    }

    @Test func `codes can be read again, a level that was not sampled is empty`() throws {
        try output().finish([[[], []], tokens[1]])
        let read = try CodesFile.read(folder.file("song/codes.safetensors").path)
        #expect(read == [[[], []], tokens[1].map { $0.map(Int.init) }])
    }

    @Test func `song.json can be submitted again as it is, and says what came out`() throws {
        try output(format: "flac").finish(tokens)
        let data = try Data(contentsOf: folder.file("song/song.json"))
        #expect(try SongSpecification(json: data, source: "song.json") == prepared.specification)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["format"] as? String == "flac")
        #expect(object["numeric_profile"] as? String == "f32/1")
        let digests = try #require(object["digests"] as? [String: String])
        #expect(digests == ["z0": SongOutput.digest(tokens[0]), "z1": SongOutput.digest(tokens[1])])
        #expect(object["seed"] as? UInt64 == .max)
        #expect((object["fingerprints"] as? [String])?.count == 2)
    }

    @Test func `song.json names uploads as the client did`() throws {
        try output {
            $0.prompt = [
                UploadName.make(digest: String(repeating: "a", count: 64), ending: "wav", name: "my song.wav")
            ]
            $0.codes = "plain"
        }.finish(tokens)
        let song = try SongSpecification(json: Data(contentsOf: folder.file("song/song.json")), source: "x")
        #expect(song.prompt == ["my song.wav"] && song.codes == "plain")
    }

    @Test func `a digest is of all samples, in order, whatever the machine`() {
        #expect(SongOutput.digest([[1, 2], [3]]) == SongOutput.digest([[1], [2, 3]]))
        #expect(SongOutput.digest([[1, 2, 3]]) != SongOutput.digest([[1, 3, 2]]))
        #expect(SongOutput.digest([[256]]) != SongOutput.digest([[1]]))
        #expect(SongOutput.digest([[]]).count == 64)
    }
}
