import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Files of finished songs that a disk changes on the coordinator.
    @Suite(.serialized) struct FinishedFileTests {
        private func song() async throws -> TestSong {
            TestSong(model: try await TestModel.tiny(), seconds: 0.6, seed: 43)
        }

        private func flip(_ file: String) throws -> Data {
            let url = URL(fileURLWithPath: file)
            let whole = try Data(contentsOf: url)
            var damaged = whole
            damaged[whole.count / 2] ^= 1
            try damaged.write(to: url)
            return whole
        }

        @Test func `damaged sound is never handed out as whole, and is made again from the codes`() async throws {
            let song = try await song()
            let address = try TestFolder.place("http")
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--http", "127.0.0.1:0", "--http-endpoint-file", address])
            try await withCluster(options) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                _ = try await cluster.result(of: id)
                let http = try String(contentsOfFile: address, encoding: .utf8)
                let file = "\(cluster.stateFolder)/songs/\(id)/level_0/sample_0.wav"
                for way in ["fetch", "HTTP"] {
                    let whole = try flip(file)
                    try await wait(for: "the sound by \(way)") {
                        if way == "HTTP" {
                            let answer = try await RawClient.ask("GET", "/api/v1/songs/\(id)/audio", at: http)
                            guard answer.status == 200, answer.body.count == whole.count else { return false }
                            // The difference of two is long in the making.
                            let isSame = Data(answer.body) == whole
                            try #require(isSame)
                            return true
                        }
                        let out = try TestFolder.place("fetched")
                        let fetched = try await cluster.command("fetch", [id, "--out", out])
                        let path = "\(out)/level_0/sample_0.wav"
                        if fetched.ending != .exited(0) {
                            #expect(fetched.errorOutput.contains("level_0/sample_0.wav"), "\(fetched.report)")
                            #expect(!FileManager.default.fileExists(atPath: path))
                            return false
                        }
                        let isSame = try Data(contentsOf: URL(fileURLWithPath: path)) == whole
                        try #require(isSame)
                        return true
                    }
                    let isSame = try Data(contentsOf: URL(fileURLWithPath: file)) == whole
                    #expect(isSame)
                }
                #expect(cluster.log.contains("level_0/sample_0.wav of the finished song s was damaged"))
                #expect(cluster.log.contains("level_0/sample_0.wav of song s was made again, and is as it was"))
            }
        }

        @Test func `what cannot be made again is said by fetch, HTTP, status and metrics`() async throws {
            let song = try await song()
            let address = try TestFolder.place("http")
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--http", "127.0.0.1:0", "--http-endpoint-file", address])
            try await withCluster(options) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                _ = try await cluster.result(of: id)
                let folder = "\(cluster.stateFolder)/songs/\(id)"
                for name in ["codes.safetensors", "level_0/sample_0.wav"] { _ = try flip("\(folder)/\(name)") }
                let fetched = try await cluster.command("fetch", [id, "--out", TestFolder.place("fetched")])
                // The coordinator may have seen one of them already, and then says so of that one.
                #expect(
                    fetched.ending == .exited(1)
                        && (fetched.errorOutput.contains("codes.safetensors")
                            || fetched.errorOutput.contains("level_0/sample_0.wav")),
                    "\(fetched.report)")
                try await wait(for: "status to say it") {
                    try await cluster.status(of: id).reason.contains(
                        "sample_0.wav was damaged: it cannot be made again")
                }
                let http = try String(contentsOfFile: address, encoding: .utf8)
                for path in ["audio?level=0", "codes"] {
                    let answer = try await RawClient.ask("GET", "/api/v1/songs/\(id)/\(path)", at: http)
                    #expect(answer.status == 503 && String(decoding: answer.body, as: UTF8.self).contains("damaged"))
                }
                let metrics = try await RawClient.ask("GET", "/metrics", at: http)
                #expect(String(decoding: metrics.body, as: UTF8.self).contains("orchestrion_songs_damaged 1"))
            }
        }

        @Test func `decode and picture see damaged sound of a folder`() async throws {
            let song = try await song()
            let out = try TestFolder.place("own")
            try await Orchestrion.succeed(["sample", "--out", out] + song.options)
            let whole = try flip("\(out)/level_0/sample_0.wav")
            let picture = try await Orchestrion.run(["picture", out, "--level", "0"])
            #expect(picture.ending == .exited(1) && picture.errorOutput.contains("orchestrion decode"))
            try await Orchestrion.succeed(["decode", out])
            let isSame = try Data(contentsOf: URL(fileURLWithPath: "\(out)/level_0/sample_0.wav")) == whole
            #expect(isSame)
        }
    }
}
