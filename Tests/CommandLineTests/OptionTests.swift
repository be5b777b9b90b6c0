import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// No option is ignored silently.
    @Suite(.serialized) struct OptionTests {
        private func codes(seconds: Double = 1) async throws -> String {
            let out = try TestFolder.place("codes")
            try await Orchestrion.succeed([
                "sample", "--model", TestModel.tiny(), "--seconds", "\(seconds)", "--seed", "3", "--stop-at", "2",
                "--out",
                out,
            ])
            return "\(out)/codes.safetensors"
        }

        private func sample(_ options: [String]) async throws -> (result: Orchestrion.Result, out: String) {
            let out = try TestFolder.place("song")
            return (
                try await Orchestrion.run(
                    ["sample", "--model", TestModel.tiny(), "--seed", "4", "--out", out] + options), out
            )
        }

        @Test func `codes that are upsampled are cut to the length that is asked for, and are not made longer`()
            async throws
        {
            let codes = try await codes()
            let cut = try await sample(["--mode", "upsample", "--codes", codes, "--seconds", "0.5"])
            #expect(cut.result.succeeded, "\(cut.result.report)")
            let (all, kept) = try (
                Safetensors(codes).rows("z2")[0], SongResult(folder: cut.out).tokens(level: 2)[0]
            )
            #expect(kept == Array(all.prefix(172)))
            // The same song again, of its own description.
            let again = try TestFolder.place("again")
            try await Orchestrion.succeed([
                "sample", "--song", "\(cut.out)/song.json", "--codes", codes, "--out", again,
            ])
            #expect(try SongResult(folder: again) == SongResult(folder: cut.out))
            let long = try await sample(["--mode", "upsample", "--codes", codes, "--seconds", "3"])
            #expect(
                long.result.ending == .exited(1) && long.result.errorOutput.contains("mode continue"),
                "\(long.result.report)")
        }

        @Test func `options that have no meaning beside others are refused with what to remove`() async throws {
            let codes = try await codes()
            let recording = try TestFolder.place("take.wav")
            try TestAudio.write(recording, format: .wav, seconds: 1)
            for (options, words) in [
                (["--mode", "upsample", "--codes", codes, "--prompt", recording], "--prompt or --codes"),
                (["--mode", "primed", "--codes", codes, "--prompt", recording], "--codes cannot be used"),
                (["--mode", "continue", "--codes", codes, "--prompt", recording], "--prompt cannot be used"),
                (["--mode", "continue", "--codes", codes, "--prompt-seconds", "1"], "--prompt-seconds cannot be used"),
                (["--mode", "upsample", "--codes", codes, "--prompt-seconds", "1"], "--prompt-seconds cannot be used"),
                (["--prompt-seconds", "1"], "--prompt-seconds cannot be used"),
                (
                    ["--mode", "upsample", "--prompt", recording, "--prompt-seconds", "1", "--seconds", "0.5"],
                    "two lengths"
                ),
                (["--overlap", "0.5"], "overlap"), (["--preset", "5b"], "leave --preset away"),
            ] {
                let result = try await sample(options).result
                #expect(result.ending == .exited(1) && result.errorOutput.contains(words), "\(result.report)")
            }
        }

        @Test func `segments of levels that are not sampled are told of, on the terminal and in the song's file`()
            async throws
        {
            let song = try await sample(["--seconds", "2", "--stop-at", "2", "--segments", "2"])
            #expect(
                song.result.succeeded && song.result.errorOutput.contains("the song is exact"), "\(song.result.report)")
            let json = try SongResult.json(song.out)
            #expect((json["warnings"] as? [String])?.contains { $0.contains("stop_at 2 samples none") } == true)
            #expect(json["approximate"] == nil)
        }

        @Test func `options for other options are refused without them`() async throws {
            for (arguments, words) in [
                (["submit", "--out", "x"], "--wait"), (["timeline", "x", "--usual", "5"], "--workers"),
                (["bench", "--level", "1"], "--model"), (["bench", "--parts", ","], "--parts"),
                (["bench", "--batches", ","], "--batches"), (["plan", "--preset", "5b", "--model", "x"], "--model"),
                (["plan", "--preset", "5b", "--mode", "upsample", "--prompt", "x"], "--prompt"),
                (["status", "--key", "x"], "--server-key"),
                (["status", "--server-key", "x", "--key", "y", "--insecure"], "--insecure"),
                (["coordinator", "--state", "x", "--insecure", "--key", "y"], "--insecure"),
                (["coordinator", "--state", "x", "--preset", "5b"], "--model"),
                (["model", "init", "--preset", "tiny", "--levels", ",", "x"], "--levels"),
            ] {
                let result = try await Orchestrion.run(arguments)
                #expect(result.ending == .exited(64) && result.errorOutput.contains(words), "\(result.report)")
            }
        }

        @Test
        func `an option with two values is refused, and one whose value begins with a dash says how it is written`()
            async throws
        {
            for (arguments, words) in [
                (["sample", "--lyrics", "sun", "--lyrics=sea"], "--lyrics is given twice, as sun and as sea"),
                (["plan", "--song", "a.json", "--song", "b.json"], "--song is given twice"),
                (["worker", "--model", "a", "--model", "b"], "--model is given twice"),
                (["sample", "--seed", "-1"], "--seed=-1"), (["sample", "--lyrics", "-x"], "--lyrics=-x"),
                (["sample", "--segments", "0"], "--segments is 0"),
            ] {
                let result = try await Orchestrion.run(arguments)
                #expect(result.ending == .exited(64) && result.errorOutput.contains(words), "\(result.report)")
            }
            // What may be repeated, what says the same twice, and what belongs to nobody here.
            try await Orchestrion.succeed(["plan", "--seconds", "1", "--seconds", "1", "--json"])
        }

        @Test func `a place for a song that is a file is refused before anything is sampled`() async throws {
            let folder = try TestFolder.make("place")
            try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
            for out in ["\(folder)/file", "\(folder)/file/below", "/dev/null", ""] {
                let result = try await Orchestrion.run(["sample", "--seconds", "1", "--stop-at", "2", "--out", out])
                #expect(result.ending == .exited(out.isEmpty ? 64 : 1), "\(result.report)")
                #expect(result.errorOutput.contains("--out"), "\(result.report)")
            }
        }

        @Test func `a song file of numbers that this program has not is refused, and of others chooses the profile`()
            async throws
        {
            let file = try TestFolder.place("song.json")
            func made(_ profile: String, _ options: [String] = []) async throws -> (Orchestrion.Result, [String: Any]?)
            {
                try #"{"seconds":0.5,"stop_at":2,"seed":5,"numeric_profile":"\#(profile)"}"#.write(
                    toFile: file, atomically: true, encoding: .utf8)
                let out = try TestFolder.place("song")
                let result = try await Orchestrion.run(["sample", "--song", file, "--out", out] + options)
                return (result, try? SongResult.json(out))
            }
            let unknown = try await made("f16/9")
            #expect(unknown.0.ending == .exited(1) && unknown.0.errorOutput.contains("numeric_profile f16/9"))
            #expect(try await made("f32/1").1?["numeric_profile"] as? String == "f32/1")
            #expect(try await made("f32/1", ["--profile", "f16"]).1?["numeric_profile"] as? String == "f16/1")
        }

        @Test func `a song of which nothing is sampled is told so`() async throws {
            let first = try await sample(["--seconds", "1"])
            try #require(first.result.succeeded)
            let kept = try await sample(
                ["--mode", "upsample", "--codes", "\(first.out)/codes.safetensors", "--stop-at", "2"])
            #expect(kept.result.errorOutput.contains("samples none below it"), "\(kept.result.report)")
            let warnings = try SongResult.json(kept.out)["warnings"] as? [String]
            #expect(warnings?.contains { $0.contains("samples none below it") } == true)
        }

        @Test func `samples that differ are not replaced by copies of the first`() async throws {
            let file = try TestFolder.place("song.json")
            try #"{"model":"music-box","seconds":1,"samples":[{"genre":"bossa"},{"genre":"waltz"}]}"#.write(
                toFile: file, atomically: true, encoding: .utf8)
            let result = try await Orchestrion.run(["plan", "--song", file, "--samples", "3"])
            #expect(result.ending == .exited(64) && result.errorOutput.contains("differ"), "\(result.report)")
        }
    }
}
