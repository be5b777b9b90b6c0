import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct ClientCommandTests {
        @Test func `submit, status, fetch and what they refuse`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.3, seed: 71)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                let empty = try await cluster.command("status", [])
                #expect(empty.output.contains("No songs.") && empty.output.contains("No workers."))
                // By the model's name, which the coordinator knows.
                var named = song
                named.model = "tiny"
                let submit = try await cluster.command("submit", ["--id", "one", "--json"] + named.options)
                struct Submitted: Decodable {
                    var song: String
                    var seed: String
                    var tokens: String
                }
                let submitted = try submit.decode(Submitted.self)
                #expect(submitted.song == "one" && submitted.seed == "71" && submitted.tokens == "2163")
                try await checkStatus(cluster)
                try await checkRefusals(cluster, song)
                try cluster.startWorker("only")
                let result = try await cluster.result(of: "one")
                try #require(try await result == song.undisturbed())
                try await checkFetch(cluster)
            }
        }

        /// Every field is there, though the song waits for a worker.
        private func checkStatus(_ cluster: Cluster) async throws {
            let json = try await cluster.command("status", ["--json"])
            let status = try json.decode(ClusterStatus.self)
            let song = try #require(status.songs.first)
            #expect(
                song.state == "sampling" && song.reason.isEmpty && song.sampledTokens == 0 && song.wantedTokens == 2163)
            #expect(song.levels.map(\.level) == [0, 1, 2] && song.levels.map(\.total) == [1648, 412, 103])
            #expect(status.workers.isEmpty)
            let text = try await cluster.command("status", ["one"])
            #expect(text.output.contains("one") && text.output.contains("level 2: 0/103"), "\(text.report)")
        }

        private func checkRefusals(_ cluster: Cluster, _ song: TestSong) async throws {
            let early = try await cluster.command("fetch", ["one", "--out", TestFolder.place("early")])
            #expect(early.ending == .exited(1) && early.errorOutput.contains("has no files yet"), "\(early.report)")
            var other = song
            other.seed = 72
            let twice = try await cluster.command("submit", ["--id", "one"] + other.options)
            #expect(twice.ending == .exited(1) && twice.errorOutput.contains("other contents"), "\(twice.report)")
            other.model = "unheard-of"
            let unknown = try await cluster.command("submit", other.options)
            #expect(unknown.ending == .exited(1), "\(unknown.report)")
            #expect(unknown.errorOutput.contains("unheard-of") && unknown.errorOutput.contains("tiny"))
            for command in ["status", "watch", "fetch", "cancel", "resume"] {
                let result = try await cluster.command(command, ["nobody"])
                #expect(result.ending == .exited(1), "\(result.report)")
                #expect(result.errorOutput.contains("no song nobody"), "\(result.report)")
            }
            let id = try await cluster.command("submit", ["--id", "../up"] + song.options)
            #expect(id.ending == .exited(1) && id.errorOutput.contains("letters, digits"), "\(id.report)")
            // A file has the client's name, whatever it is called where it was sent to.
            let (text, blip) = (try TestFolder.place("letter.txt"), try TestFolder.place("blip.wav"))
            try "no audio".write(toFile: text, atomically: true, encoding: .utf8)
            try TestAudio.write(blip, format: .wav, seconds: 0.002)
            for (file, words) in [(text, "not audio"), (blip, "too short")] {
                let prompt = ["--model", song.model, "--mode", "primed", "--prompt", file]
                let refused = try await cluster.command("submit", prompt)
                #expect(refused.ending == .exited(1) && refused.errorOutput.contains(words), "\(refused.report)")
                #expect(refused.errorOutput.hasPrefix("Error: \(file)"), "\(refused.report)")
            }
        }

        private func checkFetch(_ cluster: Cluster) async throws {
            struct Fetched: Decodable { var files: [String] }
            let out = try TestFolder.place("level")
            let fetch = try await cluster.command("fetch", ["one", "--level", "1", "--out", out, "--json"])
            #expect(try fetch.decode(Fetched.self).files == ["level_1/sample_0.wav"])
            #expect(FileManager.default.fileExists(atPath: "\(out)/level_1/sample_0.wav"))
            #expect(!FileManager.default.fileExists(atPath: "\(out)/song.json"))
            try FileManager.default.removeItem(atPath: "\(cluster.stateFolder)/songs/one")
            let gone = try await cluster.command("fetch", ["one", "--out", out])
            #expect(gone.ending == .exited(1) && gone.errorOutput.contains("its files are gone"), "\(gone.report)")
        }

        @Test func `recordings and codes are sent along`() async throws {
            let model = try await TestModel.tiny()
            let take = try TestFolder.place("take.flac")
            try TestAudio.write(take, format: .flac, seconds: 0.5)
            let options = ["--mode", "upsample", "--prompt", take, "--seed", "8"]
            let alone = try TestFolder.place("alone")
            try await Orchestrion.succeed(["sample", "--model", model, "--out", alone] + options)
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                try cluster.startWorker("only")
                let out = try TestFolder.place("sent")
                let submit = try await cluster.command("submit", ["--model", "tiny", "--wait", "--out", out] + options)
                try #require(submit.succeeded, "\(submit.report)")
                try #require(try SongResult(folder: out) == SongResult(folder: alone))
                #expect(try SongResult.json(out)["prompt"] as? [String] == [take])
                let codes = try TestFolder.place("from-codes")
                let again = try await cluster.command(
                    "submit",
                    [
                        "--model", "tiny", "--wait", "--out", codes, "--mode", "upsample", "--codes",
                        "\(out)/codes.safetensors", "--seed", "8",
                    ])
                try #require(again.succeeded, "\(again.report)")
                #expect(try SongResult(folder: codes) == SongResult(folder: out))
            }
        }
    }
}

/// Apart from the others, because all that it does is wait.
struct NoCoordinatorTests {
    @Test func `a client without a coordinator says so`() async throws {
        // Bound by nobody: reserved, and never given to a connection by itself.
        let place = "tcp://127.0.0.1:9"
        let result = try await Orchestrion.run(["status", "--connect", place])
        #expect(result.ending == .exited(1))
        #expect(result.errorOutput.contains("no answer from \(place)"), "\(result.report)")
        #expect(result.errorOutput.contains("is the coordinator running?"), "\(result.report)")
    }
}
