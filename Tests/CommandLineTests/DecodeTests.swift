import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Audio made again of what a song's folder keeps.
    @Suite(.serialized) struct DecodeTests {
        private struct Report: Decodable {
            struct File: Decodable, Equatable {
                var path: String
                var level: Int
                var sample: Int
                var made: Bool
            }
            var files: [File]
        }

        /// Two samples in three segments; made once.
        private static let song = Task {
            let folder = try TestFolder.place("song")
            try await Orchestrion.succeed([
                "sample", "--out", folder, "--model", TestModel.tiny(), "--seconds", "1.5", "--seed", "9", "--samples",
                "2", "--segments", "3", "--overlap", "0.1",
            ])
            return folder
        }

        private func song() async throws -> String { try await TestModel.copy(Self.song.value, as: "song") }

        private func audio(_ folder: String, _ level: Int, _ sample: Int, _ ending: String = "wav") throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: "\(folder)/level_\(level)/sample_\(sample).\(ending)"))
        }

        @Test func `a song in segments decodes to the same bytes again, seams and all`() async throws {
            let song = try await song()
            let out = try TestFolder.place("again")
            // Of other codes, where somebody stopped a decoding.
            for level in 0..<3 {
                let begun = "\(out)/so_far/level_\(level)"
                try FileManager.default.createDirectory(atPath: begun, withIntermediateDirectories: true)
                for sample in 0..<2 {
                    try Data(repeating: 7, count: 1_000_000).write(
                        to: URL(fileURLWithPath: "\(begun)/sample_\(sample).f32"))
                }
            }
            let report = try await Orchestrion.succeed(["decode", song, "--out", out, "--json"]).decode(Report.self)
            let levels = Set(report.files.map(\.level)).sorted()
            #expect(levels.first == 0 && levels.count > 1 && report.files.count == 2 * levels.count)
            for file in report.files {
                #expect(file.made && file.path == "\(out)/level_\(file.level)/sample_\(file.sample).wav")
                #expect(try audio(out, file.level, file.sample) == audio(song, file.level, file.sample))
            }
            #expect(!FileManager.default.fileExists(atPath: "\(out)/so_far"))
            // The codes alone, one after the other, without a word of the song.
            let flat = try TestFolder.place("flat")
            try await Orchestrion.succeed(
                ["decode", "\(song)/codes.safetensors", "--model", TestModel.tiny(), "--out", flat])
            #expect(try audio(flat, 0, 0).count == audio(song, 0, 0).count)
            let last = try #require(levels.last)
            #expect(try audio(flat, last, 1) == audio(song, last, 1))
        }

        @Test func `what is there is left, what is missing is made, in any format`() async throws {
            let song = try await song()
            let before = try (0..<2).map { try audio(song, 0, $0) }
            try FileManager.default.removeItem(atPath: "\(song)/level_0/sample_1.wav")
            let report = try await Orchestrion.succeed(["decode", song, "--level", "0", "--json"]).decode(Report.self)
            #expect(report.files.map(\.made) == [false, true])
            #expect(try (0..<2).map { try audio(song, 0, $0) } == before)
            // What is there and is not what song.json says is damaged.
            try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(song)/level_0/sample_0.wav"))
            let mended = try await Orchestrion.succeed(["decode", song, "--level", "0", "--json"]).decode(Report.self)
            #expect(mended.files.map(\.made) == [true, false])
            #expect(try audio(song, 0, 0) == before[0])
            try await Orchestrion.succeed(["decode", song, "--level", "0", "--format", "flac"])
            #expect(try audio(song, 0, 1, "flac").starts(with: Data("fLaC".utf8)))
        }

        @Test func `what cannot be decoded is told`() async throws {
            let song = try await song()
            let model = try await TestModel.tiny()
            let other = try await TestModel.copy(Self.song.value, as: "other")
            // Codes of another song beside this one's description.
            let second = try TestFolder.place("second")
            try await Orchestrion.succeed([
                "sample", "--out", second, "--model", model, "--seconds", "1.5", "--seed", "10", "--samples", "2",
                "--stop-at", "1",
            ])
            try FileManager.default.removeItem(atPath: "\(other)/codes.safetensors")
            try FileManager.default.copyItem(
                atPath: "\(second)/codes.safetensors", toPath: "\(other)/codes.safetensors")
            for (arguments, words) in [
                ([song, "--level", "7"], "no codes of level 7"), (["\(song)/song.json"], "unknown format"),
                ([model], "is not a song's folder"), ([other], "are not those that song.json was written for"),
                (["\(song)/nothing"], "no such file"), ([second, "--level", "0"], "no codes of level 0"),
                ([song, "--model", "\(song)/nothing"], "is not here; give its folder with --model"),
            ] {
                let result = try await Orchestrion.run(["decode"] + arguments)
                #expect(result.ending == .exited(1) && result.errorOutput.contains(words), "\(result.report)")
            }
        }
    }
}
