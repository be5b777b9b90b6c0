import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Recordings as people have them: what is read, what is told, and what is refused with what to do.
    @Suite(.serialized) struct RecordingTests {
        private func command(_ mode: String, _ prompts: [String], _ more: [String] = []) async throws -> [String] {
            ["sample", "--model", try await TestModel.tiny(), "--mode", mode, "--seed", "3", "--stop-at", "2"]
                + prompts.flatMap { ["--prompt", $0] } + more
        }

        /// Makes a song of recordings.
        ///
        /// - Returns: the seconds that it has, its number of samples, and its warnings, which were told, too.
        private func song(_ arguments: [String]) async throws -> (seconds: Double, samples: Int, warnings: [String]) {
            let out = try TestFolder.place("song")
            let result = try await Orchestrion.succeed(arguments + ["--out", out])
            let json = try SongResult.json(out)
            let warnings = json["warnings"] as? [String] ?? []
            for warning in warnings { #expect(result.errorOutput.contains("warning: \(warning)"), "\(result.report)") }
            let length = try #require(json["sample_length"] as? Int)
            return (Double(length) / 44_100, (json["samples"] as? [Any])?.count ?? 0, warnings)
        }

        private func refusal(_ arguments: [String]) async throws -> String {
            let out = try TestFolder.place("refused")
            let result = try await Orchestrion.run(arguments + ["--out", out])
            #expect(!result.succeeded && result.errorOutput.hasPrefix("Error: "), "\(result.report)")
            #expect(!FileManager.default.fileExists(atPath: out))
            return result.errorOutput
        }

        private func data(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

        private func write(_ data: Data, _ path: String) throws { try data.write(to: URL(fileURLWithPath: path)) }

        @Test func `a name with a comma is that file, and the option may be repeated`() async throws {
            let folder = try TestFolder.make("commas")
            for name in ["a,b.wav", "c.wav", "d.wav"] {
                try TestAudio.write("\(folder)/\(name)", format: .wav, seconds: 0.1)
            }
            let (a, c, d) = ("\(folder)/a,b.wav", "\(folder)/c.wav", "\(folder)/d.wav")
            for (prompts, count) in [
                ([a], 1), ([c, d], 2), (["\(c),\(d)"], 2), (["\(c),\(a)", d], 3), (["\(a),\(c),"], 2),
            ] {
                #expect(try await song(command("upsample", prompts)).samples == count, "\(prompts)")
            }
            let absent = try await refusal(command("upsample", ["\(folder)/x,\(c)"]))
            #expect(absent.contains("there is no file \(folder)/x"))
        }

        @Test func `recordings of different lengths are cut with a warning that says which`() async throws {
            let folder = try TestFolder.make("lengths")
            try TestAudio.write("\(folder)/short.wav", format: .wav, seconds: 0.1)
            try TestAudio.write("\(folder)/long.wav", format: .wav, seconds: 0.3)
            let both = ["\(folder)/short.wav", "\(folder)/long.wav"]
            for mode in ["primed", "upsample"] {
                let made = try await song(command(mode, both, mode == "primed" ? ["--seconds", "0.2"] : []))
                let warning = try #require(made.warnings.first { $0.contains(" was cut ") }, "\(mode)")
                // 34 tokens of 128 samples.
                #expect(warning.contains("\(folder)/long.wav was cut from 0.3") && warning.contains("to 0.0986 s"))
                #expect(warning.contains("the length of \(folder)/short.wav"))
            }
            let equal = try await song(command("primed", both, ["--seconds", "0.2", "--prompt-seconds", "0.05"]))
            #expect(equal.warnings.isEmpty)
            let three = try await song(command("upsample", both, ["--seconds", "0.05", "--samples", "3"]))
            #expect(three.warnings.contains { $0.contains("2 recordings for 3 samples") })
        }

        @Test func `a recorder that died and a chained file are read whole`() async throws {
            let folder = try TestFolder.make("mended")
            try TestAudio.write("\(folder)/whole.wav", format: .wav, seconds: 0.2)
            var dead = try data("\(folder)/whole.wav")
            let size = try #require(dead.range(of: Data("data".utf8))).upperBound
            dead.replaceSubrange(size..<size + 4, with: Data(count: 4))
            try write(dead, "\(folder)/dead.wav")
            let made = try await song(command("upsample", ["\(folder)/dead.wav"]))
            #expect(abs(made.seconds - 0.2) < 0.004)
            #expect(made.warnings.contains { $0.contains("\(folder)/dead.wav: its header was not completed") })
            try TestAudio.write("\(folder)/a.ogg", format: .ogg, seconds: 0.2)
            try TestAudio.write("\(folder)/b.ogg", format: .ogg, seconds: 0.1, rate: 32_000)
            try write(try data("\(folder)/a.ogg") + data("\(folder)/b.ogg"), "\(folder)/chained.ogg")
            #expect(abs(try await song(command("upsample", ["\(folder)/chained.ogg"])).seconds - 0.3) < 0.004)
        }

        @Test func `a recording that is too long is refused with a value that works`() async throws {
            let folder = try TestFolder.make("long")
            try TestAudio.write("\(folder)/take.wav", format: .wav, seconds: 1)
            let whole = try await refusal(command("primed", ["\(folder)/take.wav"], ["--seconds", "0.5"]))
            let value = try #require(whole.firstMatch(of: /--prompt-seconds ([0-9.]+) leaves/)?.1)
            let works = ["--seconds", "0.5", "--prompt-seconds", String(value)]
            #expect(try await song(command("primed", ["\(folder)/take.wav"], works)).warnings.isEmpty)
            // Three hours that take no room on the disk.
            var head = Data("RIFF".utf8) + Data([0xff, 0xff, 0xff, 0x7f]) + Data("WAVEfmt ".utf8)
            head +=
                Data([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]) + Data("data".utf8)
            head += withUnsafeBytes(of: UInt32(3 * 3_600 * 16_000).littleEndian) { Data($0) }
            try write(head, "\(folder)/hours.wav")
            #expect(truncate("\(folder)/hours.wav", 44 + 3 * 3_600 * 16_000) == 0)
            for (mode, option) in [("primed", "--prompt-seconds"), ("upsample", "--seconds")] {
                let text = try await refusal(command(mode, ["\(folder)/hours.wav"]))
                #expect(text.contains("hours.wav is 10800 s long"), "\(text)")
                #expect(try text.firstMatch(of: Regex("such as \(option) ([0-9.]+)")) != nil, "\(text)")
            }
            let part = try await song(command("upsample", ["\(folder)/hours.wav"], ["--seconds", "0.1"]))
            #expect(part.warnings.contains { $0.contains("silent") })
        }

        @Test func `what is no recording is refused in plain words, with what to do`() async throws {
            let folder = try TestFolder.make("no recordings")
            try write(Data([0, 0, 0, 32]) + Data("ftypM4A ".utf8) + Data(count: 300), "\(folder)/my take.m4a")
            try write(Data("<!DOCTYPE html><html></html>".utf8), "\(folder)/page.mp3")
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            let cases: [(name: String, words: String)] = [
                ("\(folder)/my take.m4a", "ffmpeg -i '\(folder)/my take.m4a' '\(folder)/my take.wav'"),
                ("\(folder)/page.mp3", "a web page"), (folder, "not a file but a folder"),
                ("\(folder)/pipe", "a pipe"), ("/dev/zero", "a device"), ("https://example.org/a.mp3", "download it"),
                ("~/nothing.wav", "write the folder in full"), ("\(folder)/*.wav", "name each file"),
            ]
            for (name, words) in cases {
                let text = try await refusal(command("upsample", [name]))
                #expect(text.contains(words), "\(name): \(text)")
                #expect(!text.contains("NSCocoa"))
            }
        }
    }
}
