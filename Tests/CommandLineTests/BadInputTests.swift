import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What cannot work is refused before the first token, with what can.
    struct BadInputTests {
        /// Runs `sample` with options that must be refused.
        ///
        /// - Returns: its error.
        private func refusal(_ options: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws
            -> String
        {
            let out = try TestFolder.place("refused")
            let result = try await Orchestrion.run(["sample", "--out", out] + options)
            #expect(result.ending == .exited(1), "\(result.report)", sourceLocation: sourceLocation)
            #expect(result.errorOutput.hasPrefix("Error: "), "\(result.report)", sourceLocation: sourceLocation)
            #expect(result.output.isEmpty, "\(result.report)", sourceLocation: sourceLocation)
            #expect(!FileManager.default.fileExists(atPath: out), "it left \(out)", sourceLocation: sourceLocation)
            return result.errorOutput
        }

        private func tiny() async throws -> [String] { ["--model", try await TestModel.tiny()] }

        @Test func `a length that is too short or no multiple is refused with one that works`() async throws {
            let least = try await refusal(tiny() + ["--seconds", "0.001"])
            let seconds = try #require(least.firstMatch(of: /least is ([0-9.]+) s/)?.1)
            let zero = try await refusal(tiny() + ["--sample-length", "0"])
            #expect(zero.contains("at least 128"))
            let uneven = try await refusal(tiny() + ["--sample-length", "1000"])
            let nearest = try #require(uneven.firstMatch(of: /nearest that works: ([0-9]+) or ([0-9]+)/))
            #expect(nearest.1 == "896" && nearest.2 == "1024")
            for works in [["--seconds", String(seconds)], ["--sample-length", String(nearest.1)]] {
                try await Orchestrion.succeed(["sample", "--out", TestFolder.place("works")] + tiny() + works)
            }
            let long = try await refusal(tiny() + ["--seconds", "10000"])
            #expect(long.contains("3600"))
        }

        @Test func `a hop that does not fit is refused with one that does`() async throws {
            let error = try await refusal(tiny() + ["--seconds", "0.1", "--hop-fraction", "0.3,0.5,0.5"])
            let fraction = try #require(error.firstMatch(of: /hop_fraction ([0-9.]+)/)?.1)
            try await Orchestrion.succeed(
                [
                    "sample", "--out", TestFolder.place("works"), "--seconds", "0.1", "--hop-fraction",
                    "\(fraction),0.5,0.5",
                ]
                    + tiny())
            let count = try await refusal(tiny() + ["--seconds", "0.1", "--hop-fraction", "0.5,0.5"])
            #expect(count.contains("2 values") && count.contains("3 levels"))
        }

        @Test func `sampling options out of range are refused by name`() async throws {
            let wrong: [([String], [String])] = [
                (["--temperature", "0"], ["temperature", "0.99"]),
                (["--top-p", "1.5"], ["top_p"]),
                (["--top-k", "5", "--top-p", "0.5"], ["top_k", "top_p", "exclude"]),
                (["--stop-at", "3"], ["stop_at 3", "0 to 2"]),
                (["--total-seconds", "0.5"], ["total_length", "nearest"]),
                (["--mode", "primed"], ["--prompt"]),
                (["--mode", "continue"], ["--codes"]),
                (["--mode", "upsample"], ["--prompt", "--codes"]),
                (["--prompt", try await TestModel.tiny() + "/hparams.json"], ["ancestral"]),
            ]
            for (options, words) in wrong {
                let error = try await refusal(tiny() + ["--seconds", "0.1"] + options)
                for word in words { #expect(error.contains(word), "\(options): \(error)") }
            }
        }

        @Test func `a model that is not there, or is none, is named`() async throws {
            let folder = try TestFolder.make("empty")
            #expect(try await refusal(["--model", "\(folder)/nothing"]).contains("nothing"))
            let none = try await refusal(["--model", folder])
            #expect(none.contains(folder) && none.contains("prior_level_N"))
        }

        @Test func `a prompt that is no recording is refused by name`() async throws {
            let folder = try TestFolder.make("prompts")
            try "This is not music.\n".write(toFile: "\(folder)/text.wav", atomically: true, encoding: .utf8)
            let primed = try await tiny() + ["--mode", "primed", "--prompt"]
            let text = try await refusal(primed + ["\(folder)/text.wav"])
            #expect(text.contains("text.wav") && text.contains("not audio"))
            #expect(try await refusal(primed + ["\(folder)/none.wav"]).contains("there is no file \(folder)/none.wav"))
            try TestAudio.write("\(folder)/whole.flac", format: .flac, seconds: 1)
            let whole = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole.flac"))
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: "\(folder)/cut.flac"))
            let cut = try await refusal(primed + ["\(folder)/cut.flac"])
            #expect(cut.contains("cut.flac") && cut.contains("truncated"))
            try TestAudio.write("\(folder)/blip.wav", format: .wav, seconds: 0.002)
            let short = try await refusal(primed + ["\(folder)/blip.wav"])
            #expect(short.contains("blip.wav") && short.contains("too short") && short.contains("128"))
        }

        @Test func `codes of another model are refused with the difference`() async throws {
            let out = try TestFolder.place("song")
            try await Orchestrion.succeed(["sample", "--out", out, "--seconds", "0.1", "--seed", "1"] + tiny())
            let codes = ["--mode", "continue", "--codes", "\(out)/codes.safetensors", "--model"]
            let levels = try await refusal(codes + ["\(TestModel.fixtures)/two-level-unlabelled"])
            #expect(levels.contains("3 levels") && levels.contains("2"))
            let book = try await refusal(codes + ["\(TestModel.fixtures)/no-lyrics"])
            #expect(book.contains("codes.safetensors") && book.contains("codebook has 128"))
            let text = try await refusal(
                tiny() + ["--mode", "continue", "--codes", "\(out)/song.json"])
            #expect(text.contains("song.json") && text.contains("safetensors"))
            let shorter = try await refusal(
                tiny() + ["--mode", "continue", "--codes", "\(out)/codes.safetensors", "--seconds", "0.05"])
            #expect(shorter.contains("already has") && shorter.contains("ask for at least"))
        }

        @Test func `a song file is checked field by field`() async throws {
            let file = try TestFolder.place("song.json")
            let wrong: [(json: String, words: [String])] = [
                ("la la la", ["not a JSON object"]),
                (#"{"model":"m","tempo":120}"#, ["no field tempo", "top_k"]),
                (#"{"model":"m","seconds":"ten"}"#, ["field seconds must be a number; it is the text \"ten\""]),
                (#"{"model":"m","samples":[{"artits":"x"}]}"#, ["no field artits", "artist"]),
                (#"{"model":"m","mode":"prime"}"#, ["field mode", "prime is none of ancestral, primed"]),
                (#"{"model":"m","seed":-1}"#, ["field seed", "below 0"]),
            ]
            for (json, words) in wrong {
                try json.write(toFile: file, atomically: true, encoding: .utf8)
                let error = try await refusal(["--song", file])
                for word in words + ["song.json"] { #expect(error.contains(word), "\(json): \(error)") }
            }
        }

        @Test func `numbers that cannot be are refused before anything is computed, with those that can`() async throws
        {
            let wrong = [
                (["sample", "--seconds", "nan"], "0 to 1000000"), (["sample", "--overlap", "inf"], "0 to 1000000"),
                (["sample", "--total-seconds", "nan"], "0 to 1000000"),
                (["sample", "--offset-seconds", "1e300"], "0 to 1000000"),
                (["sample", "--temperature", "nan"], "not a number"), (["worker", "--memory", "inf"], "above 0 GB"),
                (["demo", "--seconds", "nan"], "0 to 1000000"), (["plan", "--workers", "1x1e308"], "4@2500"),
                (["bench", "--threads", "0"], "1 to 1024"), (["sample", "--threads", "5000"], "1 to 1024"),
                (["verify", "--threads", "0", TestModel.fixtures], "1 to 1024"),
            ]
            for (arguments, words) in wrong {
                let result = try await Orchestrion.run(arguments)
                #expect(result.ending == .exited(64), "\(result.report)")
                #expect(
                    result.errorOutput.hasPrefix("Error: ") && result.errorOutput.contains(words), "\(result.report)")
                #expect(result.errorOutput.contains(arguments[1]), "\(result.report)")
            }
        }

        @Test func `a place that cannot be written is named, with the system's reason`() async throws {
            let file = try TestFolder.place("file")
            try "in the way".write(toFile: file, atomically: true, encoding: .utf8)
            for (arguments, words) in [
                (
                    ["sample", "--seconds", "1", "--out", "\(file)/song"],
                    "\(file) is there already, and is no folder; choose another for --out"
                ),
                (["demo", "--out", file], "\(file) is there already, and is no folder"),
                (["coordinator", "--state", file], "\(file) is there already, and is no folder"),
                (["model", "init", "--preset", "tiny", "/proc/none"], "/proc/none: No such file or directory"),
                (["plan", "--plot", "/nowhere/plan.svg"], "/nowhere/plan.svg: No such file or directory"),
            ] {
                let result = try await Orchestrion.run(arguments)
                #expect(result.ending == .exited(1), "\(result.report)")
                #expect(result.errorOutput == "Error: \(words)\n", "\(result.report)")
            }
        }
    }
}
