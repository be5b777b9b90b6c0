import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// The coordinator's machine is lost, and another goes on from the copy of its state.
    @Suite(.serialized) struct CopyTests {
        private func song() async throws -> TestSong {
            TestSong(model: try await TestModel.tiny(), seconds: 4, seed: 61, samples: 2)
        }

        private func waitForCopy(_ cluster: Cluster) async throws {
            try await wait(for: "the copy to be kept") {
                let status = try await cluster.command("status", ["--json"])
                guard let document = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any],
                    let copy = document["copy"] as? [String: Any], let behind = copy["behind_seconds"] as? Double,
                    copy["problem"] as? String == ""
                else { return false }
                return behind < 2
            }
        }

        @Test func `a coordinator whose folder is gone goes on from its copy elsewhere, with the same bytes`()
            async throws
        {
            let song = try await song()
            let expected = try await song.undisturbed()
            let copy = try TestFolder.place("copy")
            try await withCluster(Cluster.Options(models: [song.model], coordinator: ["--copy-to", copy])) { cluster in
                try cluster.startWorker("a")
                try cluster.startWorker("b")
                let first = try await cluster.submit(song, id: "first")
                let wanted = try await cluster.status(of: first).wantedTokens
                try await cluster.waitUntilSampled(wanted / 4, of: first)
                try await waitForCopy(cluster)
                let early = try await Orchestrion.run(
                    ["coordinator", "--restore", copy, "--state", try TestFolder.place("early")])
                #expect(early.ending == .exited(1) && early.errorOutput.contains("stop that one"), "\(early.report)")
                let before = try await cluster.waitUntilSampled(wanted / 2, of: first)
                try cluster.killCoordinator()
                try FileManager.default.removeItem(atPath: cluster.stateFolder)
                try await cluster.startCoordinator(["--restore", copy, "--copy-to", copy])
                let after = try await cluster.status(of: first)
                let again = before.sampledTokens - after.sampledTokens
                print("of \(wanted) tokens, \(before.sampledTokens) were sampled, and \(max(0, again)) of these again")
                // More than a few seconds' worth of them would be more than the copy may be behind.
                #expect(after.sampledTokens > wanted / 8, "\(after)")
                try await cluster.requireSampling(first)
                // Once more, with the same options: it goes on with what it has.
                try cluster.killCoordinator()
                try await cluster.startCoordinator(["--restore", copy, "--copy-to", copy])
                #expect(cluster.log.contains("came of the copy in \(copy) before"))
                try #require(try await cluster.result(of: first) == expected)
            }
        }

        @Test func `a finished song is in the copy with its files, and the first machine is out when it comes back`()
            async throws
        {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 1, seed: 62)
            let expected = try await song.undisturbed()
            let copy = try TestFolder.place("copy")
            try await withCluster(Cluster.Options(models: [song.model], coordinator: ["--copy-to", copy])) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "done")
                let result = try await cluster.result(of: id)
                try #require(result == expected)
                try await wait(for: "its files to be in the copy") {
                    FileManager.default.fileExists(atPath: "\(copy)/files/songs/done/song.json")
                        && FileManager.default.fileExists(atPath: "\(copy)/files/songs/done/codes.safetensors")
                }
                try await waitForCopy(cluster)
                let coordinator = try cluster.coordinator()
                try #require(coordinator.signal(SIGTERM))
                try #require(try await coordinator.waitForEnd(limit: .seconds(300)) == .exited(0))
                let former = try TestFolder.place("former")
                try FileManager.default.moveItem(atPath: cluster.stateFolder, toPath: former)
                try await cluster.startCoordinator(["--restore", copy])
                try #require(try await cluster.result(of: id) == expected)
                let back = try await Orchestrion.run(
                    ["coordinator", "--listen", "tcp://127.0.0.1:0", "--state", former, "--copy-to", copy])
                #expect(back.ending == .exited(1) && back.errorOutput.contains("is out"), "\(back.report)")
            }
        }

        @Test func `a copy at the other end of ssh is gone on from there`() async throws {
            let song = try await song()
            let expected = try await song.undisturbed()
            let folder = try TestFolder.make("ssh")
            let copy = "\(folder)/a copy's place"
            // It has the options of the real one, and a shell at the other end.
            try """
            #!/bin/sh
            while [ "$1" != -- ]; do shift; done
            [ "$2" = studio2 ] || { echo "unknown host $2" >&2; exit 255; }
            PATH=\(URL(fileURLWithPath: Orchestrion.path).deletingLastPathComponent().path):$PATH exec sh -c "$3"
            """.write(toFile: "\(folder)/ssh", atomically: true, encoding: .utf8)
            chmod("\(folder)/ssh", 0o755)
            let place = "ssh://studio2\(copy)"
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--copy-to", place], shell: "export PATH='\(folder)':\"$PATH\"")
            try await withCluster(options) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "afar")
                let wanted = try await cluster.status(of: id).wantedTokens
                try await cluster.waitUntilSampled(wanted / 4, of: id)
                try await waitForCopy(cluster)
                try cluster.killCoordinator()
                try FileManager.default.removeItem(atPath: cluster.stateFolder)
                // The other end ends with the connection, and lets go of the copy.
                try await cluster.startCoordinator(["--restore", copy])
                try await cluster.requireSampling(id)
                try #require(try await cluster.result(of: id) == expected)
            }
        }

        @Test func `a copy that cannot be kept is told, and holds nothing up`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 1, seed: 63)
            let expected = try await song.undisturbed()
            let file = try TestFolder.place("file")
            try Data().write(to: URL(fileURLWithPath: file))
            try await withCluster(
                Cluster.Options(models: [song.model], coordinator: ["--copy-to", "\(file)/copy"])
            ) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "goes-on")
                try #require(try await cluster.result(of: id) == expected)
                try await wait(for: "the trouble to be told") {
                    try await cluster.status().troubles?.contains { $0.contains("cannot be kept") } == true
                }
                let metrics = try await cluster.command("metrics", [])
                #expect(metrics.output.contains("orchestrion_copy_failures_total"), "\(metrics.report)")
            }
        }
    }
}
