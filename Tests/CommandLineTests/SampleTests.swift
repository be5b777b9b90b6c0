import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What `sample` makes: files, formats, modes; and that a song is the same however it comes about.
    @Suite(.serialized) struct SampleTests {
        private func sample(_ arguments: [String], out: String? = nil) async throws -> (
            result: SongResult, folder: String
        ) {
            let folder = try out ?? TestFolder.place("song")
            try await Orchestrion.succeed(["sample", "--out", folder] + arguments)
            return (try SongResult(folder: folder), folder)
        }

        /// 0.3 s, which is 103 tokens at the top.
        private func short(_ more: [String] = []) async throws -> [String] {
            ["--model", try await TestModel.tiny(), "--seconds", "0.3", "--seed", "71"] + more
        }

        @Test func `a song's folder holds audio of each level and sample, codes and description`() async throws {
            struct Report: Decodable {
                var folder: String
                var seed: UInt64
                var files: [String]
            }
            let folder = try TestFolder.place("song")
            let report = try await Orchestrion.succeed(
                ["sample", "--json", "--out", folder] + short(["--samples", "2"])
            ).decode(Report.self)
            let audio = (0..<3).flatMap { level in (0..<2).map { "level_\(level)/sample_\($0).wav" } }
            #expect(Set(report.files) == Set(audio + ["codes.safetensors", "song.json", "timeline.json"]))
            #expect(report.folder == folder && report.seed == 71)
            for file in audio {
                let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
                #expect(data.prefix(4) == Data("RIFF".utf8))
                #expect(data.count > 103 * 128 * 2, "\(file) has \(data.count) bytes")
            }
            let result = try SongResult(folder: folder)
            for (level, length) in [(0, 1648), (1, 412), (2, 103)] {
                let tokens = try result.tokens(level: level)
                #expect(tokens.map(\.count) == [length, length])
                #expect(tokens[0] != tokens[1])
            }
            // Nothing of the run itself is left.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix(".") })
            let again = try await Orchestrion.run(["sample", "--out", folder] + short())
            #expect(again.ending == .exited(64) && again.errorOutput.contains("already holds a song"))
        }

        @Test func `any number of threads makes the same song`() async throws {
            func song(_ threads: Int) async throws -> SongResult {
                try await sample(
                    ["--genre", "bossa", "--lyrics", "sun sea sky far low you", "--seconds", "0.5", "--seed", "7"]
                        + ["--threads", "\(threads)"]
                ).result
            }
            let one = try await song(1)
            for threads in [2, 35, 56, 1024] { #expect(try await song(threads) == one, "\(threads) threads") }
        }

        @Test func `song json makes the same song again, and not with another model`() async throws {
            let (first, folder) = try await sample(short(["--top-p", "0.9", "--artist", "nobody"]))
            let (second, _) = try await sample(["--song", "\(folder)/song.json", "--threads", "1", "--slots", "3"])
            #expect(first == second)
            let (third, _) = try await sample(["--song", "\(folder)/song.json", "--seed", "72"])
            #expect(first != third)
            let other = try TestModel.copy(try await TestModel.tiny(), as: "other")
            try TestModel.alter("\(other)/prior_level_0.safetensors", to: [0.5])
            let refused = try await Orchestrion.run(
                ["sample", "--song", "\(folder)/song.json", "--model", other, "--out", TestFolder.place("no")])
            #expect(refused.ending == .exited(1))
            let wanted = try #require(SongResult.json(folder)["fingerprints"] as? [String])
            #expect(refused.errorOutput.contains(wanted[0]) && refused.errorOutput.contains("level 0"))
        }

        @Test func `threads, slots and instruction sets change no token`() async throws {
            let (first, _) = try await sample(short(["--samples", "3"]))
            let folder = try TestFolder.place("song")
            try await Orchestrion.succeed(
                ["sample", "--out", folder, "--threads", "1", "--slots", "1"] + short(["--samples", "3"]),
                environment: ["ORCHESTRION_ISA": "scalar"])
            #expect(try SongResult(folder: folder) == first)
        }

        @Test(arguments: [("flac", "fLaC"), ("ogg", "OggS")])
        func `audio comes in the format that is asked for`(format: String, magic: String) async throws {
            let (_, folder) = try await sample(short(["--format", format, "--stop-at", "2"]))
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/level_2/sample_0.\(format)"))
            #expect(data.prefix(4) == Data(magic.utf8))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/level_0"))
            let json = try SongResult.json(folder)
            #expect(json["format"] as? String == format && json["stop_at"] as? Int == 2)
        }

        @Test func `a song that stopped at a level is completed to what it would have been`() async throws {
            let (whole, _) = try await sample(short())
            let (top, folder) = try await sample(short(["--stop-at", "2"]))
            #expect(try top.tokens(level: 2) == whole.tokens(level: 2))
            #expect(try top.tokens(level: 0) == [[]])
            let codes = "\(folder)/codes.safetensors"
            let (completed, _) = try await sample(short(["--mode", "continue", "--codes", codes]))
            #expect(completed == whole)
            let upsample = [
                "--model", try await TestModel.tiny(), "--mode", "upsample", "--codes", codes, "--seed", "71",
            ]
            let (upsampled, _) = try await sample(upsample)
            #expect(upsampled == whole)
        }

        @Test func `a song is continued from its codes`() async throws {
            let (start, folder) = try await sample(short())
            let (longer, _) = try await sample([
                "--model", try await TestModel.tiny(), "--seconds", "0.6", "--seed", "5", "--mode", "continue",
                "--codes", "\(folder)/codes.safetensors",
            ])
            for (level, length) in [(0, 3296), (1, 824), (2, 206)] {
                let (before, after) = try (start.tokens(level: level)[0], longer.tokens(level: level)[0])
                #expect(after.count == length)
                #expect(Array(after.prefix(before.count)) == before)
            }
        }

        @Test func `a recording of another rate is primed with, and upsampled`() async throws {
            let folder = try TestFolder.make("recordings")
            try TestAudio.write("\(folder)/take.flac", format: .flac, seconds: 0.25)
            try TestAudio.write("\(folder)/take.wav", format: .wav, seconds: 0.25)
            try TestAudio.write("\(folder)/take.ogg", format: .ogg, seconds: 0.25)
            let model = try await TestModel.tiny()
            // 0.25 s of 44.1 kHz are 86 top-level tokens and a bit.
            let (upsampled, _) = try await sample(
                ["--model", model, "--mode", "upsample", "--prompt", "\(folder)/take.flac", "--seed", "8"])
            #expect(try upsampled.tokens(level: 2)[0].count == 86)
            #expect(try upsampled.tokens(level: 0)[0].count == 86 * 16)
            let (primed, _) = try await sample([
                "--model", model, "--mode", "primed", "--prompt", "\(folder)/take.wav", "--seconds", "0.4", "--seed",
                "8",
            ])
            // FLAC and WAV hold the same samples.
            #expect(try Array(primed.tokens(level: 2)[0].prefix(86)) == upsampled.tokens(level: 2)[0])
            #expect(try primed.tokens(level: 2)[0].count == 137)
            let (two, out) = try await sample([
                "--model", model, "--mode", "primed", "--prompt", "\(folder)/take.ogg,\(folder)/take.flac",
                "--prompt-seconds", "0.1", "--seconds", "0.2", "--seed", "8", "--stop-at", "1",
            ])
            #expect(try two.tokens(level: 1).map(\.count) == [272, 272])
            // 0.1 s are 34 tokens; encoding looks ahead a little beyond what is kept.
            #expect(try two.tokens(level: 2)[1].prefix(20) == primed.tokens(level: 2)[0].prefix(20))
            let prompts = try SongResult.json(out)["prompt"] as? [String]
            #expect(prompts?.map { $0.split(separator: "/").last } == ["take.ogg", "take.flac"])
        }
    }
}
