import Foundation
import ModelTestSupport
import SongFiles
import SongPlan
import Stitching
import Testing

struct SongFolderLayoutTests {
    private let layout = SongFolderLayout(URL(fileURLWithPath: "/songs/s", isDirectory: true))

    @Test func `names and places are the same both ways`() {
        for (level, sample) in [(0, 0), (2, 13)] {
            for url in [
                layout.audio(level: level, sample: sample, fileExtension: "flac"),
                layout.rawSound(level: level, sample: sample),
            ] {
                let path = String(url.path.dropFirst("/songs/s/".count))
                let place = SongFolderLayout.place(of: path)
                #expect(place?.level == level && place?.sample == sample, "\(path)")
                #expect(SongFolderLayout.isSoFar(path) == path.hasSuffix(".f32"))
            }
        }
        #expect(layout.audio(level: 1, sample: 3, fileExtension: "wav").path == "/songs/s/level_1/sample_3.wav")
        #expect(layout.rawSound(level: 1, sample: 3).path == "/songs/s/so_far/level_1/sample_3.f32")
        #expect(SongFolderLayout.copyOfSoFar(level: 1, sample: 3) == "level_1/sample_3.so-far.wav")
    }

    @Test(arguments: [
        "song.json", "level_1", "level_x/sample_0.wav", "level_0/other.wav", "so_far", "a/level_0/sample_0.wav",
    ])
    func `other names have no place`(_ path: String) { #expect(SongFolderLayout.place(of: path) == nil) }

    @Test func `level 1 is not level 11`() {
        #expect(SongFolderLayout.isOf(level: 1, "level_1/sample_0.wav"))
        #expect(!SongFolderLayout.isOf(level: 1, "level_11/sample_0.wav"))
    }
}

struct SongDescriptionTests {
    private var whole: SongDescription {
        var outcome = SongOutcome()
        outcome.orchestrion = "0.1"
        outcome.format = "flac"
        outcome.warnings = ["what / was told"]
        outcome.numericProfile = "f16/1"
        outcome.digests = ["z0": "ab"]
        outcome.approximate = "2 segments"
        outcome.joins = []
        outcome.seamAUC = [0.5, 0.4321]
        var specification = SongSpecification(model: "a/b", sampleLength: 512, seed: .max)
        specification.prompt = ["take.wav"]
        return SongDescription(specification: specification, outcome: outcome)
    }

    @Test func `what is written is read`() throws {
        let json = try whole.json()
        #expect(try SongDescription(json: json, source: "here") == whole)
        #expect(try JSONDecoder().decode(SongDescription.self, from: json) == whole)
    }

    @Test func `request and outcome lie side by side, without what is not there`() throws {
        let json = try whole.json()
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(object["model"] as? String == "a/b")
        #expect(object["numeric_profile"] as? String == "f16/1")
        #expect(object["seam_auc"] as? [Double] == [0.5, 0.4321])
        #expect(object["codes"] == nil)
        #expect(String(decoding: json, as: UTF8.self).contains("\"what / was told\""))
        let bare = try SongDescription(specification: whole.specification, outcome: SongOutcome()).json()
        let names = try #require(try JSONSerialization.jsonObject(with: bare) as? [String: Any]).keys
        #expect(names.allSatisfy { !SongOutcome.fields.contains($0) })
    }

    @Test func `a song file that a person wrote is a description, too`() throws {
        let description = try SongDescription(json: Data(#"{"seconds": 20, "seed": 7.0}"#.utf8), source: "here")
        #expect(description.specification.seed == 7)
        #expect(description.outcome == SongOutcome())
    }

    @Test func `what is damaged is told with its field`() {
        let json = Data(#"{"seconds": 20, "joins": [{"level": 0}]}"#.utf8)
        #expect(
            unlessError("here: the field joins is damaged") { _ = try SongDescription(json: json, source: "here") }
                == nil)
    }
}
