import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct ClientTests {
        @Test func `a song goes on when the client that waited for it is killed`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 5, seed: 61)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                let out = try TestFolder.place("waited")
                let client = try Orchestrion.start(
                    ["submit", "--wait", "--id", "waited", "--out", out] + cluster.connection + song.options)
                try await wait(for: "the song") { try await cluster.status().songs.first?.sampledTokens ?? 0 > 500 }
                try #require(client.isRunning)
                try #require(client.kill() == .signalled(9))
                try await cluster.requireSampling("waited")
                let watch = try await cluster.command("watch", ["waited"])
                try #require(watch.succeeded && watch.output.contains("waited is finished"), "\(watch.report)")
                try #require(!FileManager.default.fileExists(atPath: out))
                try #require(try await cluster.result(of: "waited") == song.undisturbed())
                // The same again is the same song: it is there already.
                let again = try await Orchestrion.run(
                    ["submit", "--wait", "--id", "waited", "--out", out] + cluster.connection + song.options)
                try #require(again.succeeded, "\(again.report)")
                try #require(try await SongResult(folder: out) == song.undisturbed())
            }
        }

        @Test func `a cancelled song stops, and the next one runs`() async throws {
            let model = try await TestModel.tiny()
            let next = TestSong(model: model, seconds: 1, seed: 53)
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                try cluster.startWorker("a", options: ["--slots", "1"])
                try await cluster.submit(TestSong(model: model, seconds: 600, seed: 62), id: "long")
                try await cluster.submit(next, id: "next")
                try await cluster.waitUntilSampled(256, of: "long")
                let cancel = try await cluster.command("cancel", ["long"])
                try #require(cancel.succeeded && cancel.output.contains("long is cancelled"), "\(cancel.report)")
                let watch = try await cluster.command("watch", ["long"])
                try #require(watch.ending == .exited(1) && watch.output.contains("long is cancelled"))
                let last = try await cluster.status(of: "long")
                try #require(try await cluster.result(of: "next") == next.undisturbed())
                try #require(try await cluster.status(of: "long").sampledTokens == last.sampledTokens)
                try await wait(for: "the worker to have nothing to do") {
                    try await cluster.status().workers.map(\.busy) == [0]
                }
                let again = try await cluster.command("cancel", ["long"])
                try #require(again.succeeded && again.output.contains("had ended already"), "\(again.report)")
            }
        }
    }
}
