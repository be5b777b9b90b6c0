import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Files of a coordinator that somebody took away: what is said names them, and what helps.
    @Suite(.serialized) struct LostFileTests {
        @Test func `a coordinator whose secret key alone is gone says what to do, and so does keys allow`() async throws
        {
            let state = try TestFolder.make("lost-key")
            try await Orchestrion.succeed(["keys", "new", "\(state)/me.key"])
            let allow = ["keys", "allow", "--state", state, "\(state)/me.key.pub"]
            try await Orchestrion.succeed(allow)
            try FileManager.default.removeItem(atPath: "\(state)/coordinator.key")
            let start = ["coordinator", "--listen", "tcp://127.0.0.1:0", "--secure", "--state", state]
            for command in [start, allow] {
                let result = try await Orchestrion.run(command)
                #expect(result.ending == .exited(1), "\(result.report)")
                #expect(result.errorOutput.contains("coordinator.key is gone"), "\(result.report)")
                #expect(result.errorOutput.contains("remove \(state)/coordinator.key.pub"), "\(result.report)")
            }
        }

        @Test func `a song whose model's folder is away says which folder, and that it waits`() async throws {
            let own = try await TestModel.copy(TestModel.tiny(), as: "gone")
            let song = TestSong(model: own, seconds: 0.6, seed: 45)
            try await withCluster(Cluster.Options(models: [own])) { cluster in
                try await cluster.submit(song, id: "s")
                try cluster.coordinator().kill()
                try FileManager.default.moveItem(atPath: own, toPath: own + ".away")
                try await cluster.startCoordinator()
                try cluster.startWorker("a", model: own + ".away")
                try await wait(for: "the song to say what it waits for") {
                    try await cluster.status(of: "s").waiting?.contains("the model's folder \(own)") == true
                }
                #expect(!cluster.log.contains("no model is called"))
                // Who asks for another song of it hears the same.
                let refused = try await cluster.command("submit", ["--id", "t"] + song.options)
                #expect(
                    refused.ending == .exited(1) && refused.errorOutput.contains("the model's folder \(own)"),
                    "\(refused.report)")
                try FileManager.default.moveItem(atPath: own + ".away", toPath: own)
                _ = try await cluster.result(of: "s")
            }
        }

        @Test func `a start with another profile says that unfinished songs need theirs`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.6, seed: 46)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try await cluster.submit(song, id: "s")
                try cluster.coordinator().kill()
                try await cluster.startCoordinator(["--profile", "f32"])
                func isTold() async throws -> Bool {
                    try await cluster.status().troubles?.contains { $0.contains("begun with --profile f16") } == true
                }
                try await wait(for: "status to say it") { try await isTold() }
                try cluster.startWorker("a", options: ["--profile", "f16"])
                #expect(try await cluster.result(of: "s") == song.undisturbed())
                try await wait(for: "it to be over") { try await !isTold() }
            }
        }

        @Test func `upsample of damaged codes names the song, and no copy`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.6, seed: 47)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                _ = try await cluster.result(of: cluster.submit(song, id: "s"))
                let folder = "\(cluster.stateFolder)/songs/s"
                // As an earlier release wrote it, without digests of files.
                var json = try SongResult.json(folder)
                json["files"] = nil
                try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: "\(folder)/song.json"))
                let codes = URL(fileURLWithPath: "\(folder)/codes.safetensors")
                var bytes = try Data(contentsOf: codes)
                bytes[bytes.count - 1] ^= 1
                for damaged in [bytes, bytes.prefix(bytes.count / 2)] {
                    try damaged.write(to: codes)
                    let result = try await cluster.command("upsample", ["s", "--id", "u"])
                    #expect(
                        result.ending == .exited(1) && result.errorOutput.contains("song s, codes.safetensors"),
                        "\(result.report)")
                    #expect(!result.errorOutput.contains("/tmp"), "\(result.report)")
                }
            }
        }
    }
}
