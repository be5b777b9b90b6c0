import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Models as people bring them.
    struct ModelFileTests {
        private let short = ["--stop-at", "2", "--seed", "7", "--seconds", "0.5"]

        private func refusal(_ options: [String], seconds: String = "0.5") async throws -> String {
            let arguments = ["sample", "--out", try TestFolder.place("song")] + short.dropLast() + [seconds]
            let result = try await Orchestrion.run(arguments + options)
            #expect(result.ending == .exited(1), "\(result.report)")
            return result.errorOutput
        }

        @Test func `a weight beyond the profile is named by sample and by inspect, with a profile that works`()
            async throws
        {
            let copy = try TestModel.copy(try await TestModel.tiny(), as: "large")
            let tensor = "prior.transformer._attn_mods.5.mlp.c_fc.w"
            try TestModel.alter("\(copy)/prior_level_2.safetensors", tensor: tensor, to: [1, 1.5e6])
            for profile in ["f16", "int8"] {
                let said = try await refusal(["--model", copy, "--profile", profile])
                for words in [tensor, "1500000.0", "profile \(profile)", "--profile f32"] {
                    #expect(said.contains(words))
                }
                let check = try await Orchestrion.run(["model", "inspect", "--check", "--profile", profile, copy])
                #expect(check.ending == .exited(1) && check.errorOutput == said, "\(check.report)")
            }
            let out = try TestFolder.place("song")
            try await Orchestrion.succeed(["sample", "--out", out, "--model", copy, "--profile", "f32"] + short)
            let check = try await Orchestrion.succeed(["model", "inspect", "--check", "--profile", "f32", copy])
            #expect(check.output.contains("the largest number is 1500000.0, in \(tensor)"), "\(check.report)")
        }

        @Test func `the original's cache is taken as it lies`() async throws {
            let tiny = try await TestModel.tiny()
            let cache = try TestFolder.make("models")
            for folder in ["5b", "1b_lyrics"] {
                try FileManager.default.createDirectory(atPath: "\(cache)/\(folder)", withIntermediateDirectories: true)
            }
            for name in ["vqvae", "prior_level_0", "prior_level_1"] {
                try FileManager.default.copyItem(
                    atPath: "\(tiny)/\(name).safetensors", toPath: "\(cache)/5b/\(name).safetensors")
            }
            try FileManager.default.copyItem(
                atPath: "\(tiny)/prior_level_2.safetensors", toPath: "\(cache)/1b_lyrics/prior_level_2.safetensors")
            let top = ["--model", "\(cache)/1b_lyrics", "--preset", "tiny"]
            let result = try await Orchestrion.succeed(["sample", "--out", TestFolder.place("song")] + short + top)
            #expect(result.errorOutput.contains("taken from \(cache)/5b"), "\(result.report)")
            let inspect = try await Orchestrion.succeed(["model", "inspect", "--preset", "tiny", "\(cache)/1b_lyrics"])
            #expect(inspect.output.contains("taken from \(cache)/5b"), "\(inspect.report)")
            #expect(try await refusal(["--model", cache]).contains("give the folder of the model: \(cache)/1b_lyrics"))
            try FileManager.default.removeItem(atPath: "\(cache)/5b")
            #expect(try await refusal(top).contains("or the folder 5b beside 1b_lyrics"))
        }

        @Test func `what is no model's folder says how one is had`() async throws {
            let tiny = try await TestModel.tiny()
            for (model, words) in [
                ("openai/jukebox-1b-lyrics", "model fetch hf:openai/jukebox-1b-lyrics"),
                ("https://huggingface.co/openai/jukebox-1b-lyrics", "model fetch hf:openai/jukebox-1b-lyrics"),
                ("1b_lyrics", "orchestrion model fetch 1b_lyrics"), ("\(tiny)/hparams.json", "such as \(tiny)"),
            ] {
                #expect(try await refusal(["--model", model]).contains(words), "\(model)")
                let inspect = try await Orchestrion.run(["model", "inspect", model])
                #expect(inspect.ending == .exited(1) && inspect.errorOutput.contains(words), "\(inspect.report)")
            }
        }

        @Test func `a web page in a model's place is called one`() async throws {
            let copy = try TestModel.copy(try await TestModel.tiny(), as: "page")
            for (name, text) in [("prior_level_2.safetensors", "<html>"), ("hparams.json", "\n<!DOCTYPE html>")] {
                try text.write(toFile: "\(copy)/\(name)", atomically: true, encoding: .utf8)
                let said = try await refusal(["--model", copy])
                #expect(said.contains(name) && said.contains("web page"), "\(said)")
            }
        }

        @Test func `labels for a model without them are ignored aloud`() async throws {
            let out = try TestFolder.place("song")
            let result = try await Orchestrion.succeed([
                "sample", "--model", "\(TestModel.fixtures)/two-level-unlabelled", "--stop-at", "1", "--seconds", "0.1",
                "--artist", "A", "--genre", "B", "--lyrics", "la", "--total-seconds", "9", "--out", out,
            ])
            let words = "the model was trained without labels; artist, genre, lyrics and total_length are ignored"
            #expect(result.errorOutput.contains("warning: \(words)"), "\(result.report)")
            #expect(try String(contentsOfFile: "\(out)/song.json", encoding: .utf8).contains(words))
        }

        @Test func `a model without its lists says so`() async throws {
            let tiny = try await TestModel.tiny()
            let out = try TestFolder.place("song")
            let result = try await Orchestrion.succeed(
                ["sample", "--out", out, "--model", tiny, "--artist", "Kenny G"] + short)
            #expect(result.errorOutput.contains("there is no list of artists (v2_artist_ids.txt) in \(tiny)"))
        }

        @Test func `labels that tell of a shorter song are refused with what works`() async throws {
            let said = try await refusal(["--total-seconds", "5"], seconds: "36")
            let least = try #require(said.firstMatch(of: /--total-seconds ([0-9.]+)\)/)?.1)
            try await Orchestrion.succeed(["plan", "--seconds", "36", "--total-seconds", String(least)])
        }
    }
}
