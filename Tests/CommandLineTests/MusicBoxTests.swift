import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// The model that ships: found by name, by default, and the same song for everybody.
    @Suite(.serialized) struct MusicBoxTests {
        /// Of the song below. New weights or another numerics profile change them; nothing else may.
        private static let digests = [
            "z0": "e67cecee95f269812e10e4295f26ad9835e19006d29527e8bcd5ae588b377a87",
            "z1": "ea2e099bd09d8cbbce0ced7eccd69d424c82d6fb1ebd76a2430a46a65f1c537f",
            "z2": "8293ecda8a259e012c4f0763267a190a4cfb2f099c346df8215aad4b683044be",
        ]

        private func sample(_ more: [String]) async throws -> (result: SongResult, folder: String) {
            let folder = try TestFolder.place("song")
            try await Orchestrion.succeed(["sample", "--out", folder, "--seconds", "4", "--seed", "7"] + more)
            return (try SongResult(folder: folder), folder)
        }

        @Test func `a seed gives the same tokens on every machine`() async throws {
            let asked = ["--genre", "waltz", "--artist", "mira_sol", "--lyrics", "sun sea sky far low you"]
            let (result, folder) = try await sample(asked)
            #expect(result.digests == Self.digests)
            let (again, _) = try await sample(["--model", "music-box", "--threads", "1"] + asked)
            #expect(again == result)
            // By name, so that the song file serves on other machines.
            let json = try String(contentsOfFile: "\(folder)/song.json", encoding: .utf8)
            #expect(json.contains(#""model" : "music-box""#))
        }

        @Test func `genre, artist and lyrics change the song`() async throws {
            let stop = ["--stop-at", "2"]
            var heard: Set<Data> = []
            for labels in [
                ["--genre", "waltz"], ["--genre", "techno"], ["--genre", "waltz", "--artist", "old_harbour"],
                ["--genre", "waltz", "--lyrics", "sun sea sky far low you"],
            ] {
                heard.insert(try await sample(labels + stop).result.codes)
            }
            #expect(heard.count == 4)
        }

        @Test func `a listener who knows the corpus names the genres that were asked for`() async throws {
            let listener = try GenreListener()
            var heard: [String] = []
            for genre in listener.genres {
                let folder = try TestFolder.place("genre")
                try await Orchestrion.succeed([
                    "sample", "--out", folder, "--genre", genre, "--artist", "the_lanterns", "--seconds", "8",
                    "--seed", "1", "--stop-at", "2",
                ])
                heard.append(listener.genre(of: try TestAudio.read("\(folder)/level_2/sample_0.wav")))
            }
            #expect(zip(heard, listener.genres).count { $0 == $1 } >= 5, "\(heard)")
        }

        @Test func `a genre that the model does not know is named`() async throws {
            let result = try await Orchestrion.run(
                ["sample", "--genre", "polka", "--seconds", "4", "--stop-at", "2", "--out", TestFolder.place("polka")])
            #expect(result.ending == .exited(0) && result.errorOutput.contains("polka"), "\(result.report)")
        }
    }
}
