import Foundation
import TestSupport
import Testing

/// Apart from the others: most of its time, strangers wait for an answer.
@Suite(.timeLimit(.minutes(10))) struct KeyTests {
    /// - Returns: the public key.
    private func newKey(_ file: String) async throws -> String {
        try await Orchestrion.succeed(["keys", "new", file]).output.trimmingCharacters(in: .newlines)
    }

    @Test func `with keys, only those on the list are let in`() async throws {
        let song = TestSong(model: try await TestModel.tiny(), seconds: 1, seed: 53)
        let keys = try TestFolder.make("keys")
        _ = try await newKey("\(keys)/server")
        let friend = try await newKey("\(keys)/friend")
        let wrong = try await newKey("\(keys)/stranger")
        let allowed = "\(keys)/allowed"
        try "# who may connect\n\(friend) friend\n".write(toFile: allowed, atomically: true, encoding: .utf8)
        let server = ["--server-key", "\(keys)/server.pub"]
        let options = Cluster.Options(
            models: [song.model], coordinator: ["--secure", "--key", "\(keys)/server", "--allow", allowed],
            keys: (own: "\(keys)/friend", server: "\(keys)/server.pub"))
        try await withCluster(options) { cluster in
            let place = ["--connect", cluster.endpoint]
            // These have nothing to wait for but their own patience.
            async let stranger = Orchestrion.run(["status"] + place + server + ["--key", "\(keys)/stranger"])
            async let keyless = Orchestrion.run(["status"] + place)
            async let strange = Orchestrion.run(
                ["status"] + place + ["--server-key", wrong, "--key", "\(keys)/friend"])
            let intruder = try Orchestrion.start(
                ["worker", "--model", song.model, "--name", "intruder"] + place + server
                    + ["--key", "\(keys)/stranger"])
            let open = try Orchestrion.start(["worker", "--model", song.model, "--name", "open"] + place)
            try cluster.startWorker("friend")
            try await cluster.submit(song, id: "secret")
            try #require(try await cluster.result(of: "secret") == song.undisturbed())
            try #require(try await cluster.status().workers.map(\.name) == ["friend"])
            for refused in try await [stranger, keyless, strange] {
                try #require(refused.ending == .exited(1), "\(refused.report)")
                try #require(refused.output.isEmpty, "\(refused.report)")
                try #require(refused.errorOutput.contains("no answer from \(cluster.endpoint)"), "\(refused.report)")
                try #require(refused.errorOutput.contains("key"), "\(refused.report)")
            }
            for worker in [intruder, open] {
                try #require(worker.errorOutput.contains("ready"))
                try #require(!worker.errorOutput.contains("is welcome"))
                worker.kill()
            }
        }
    }
}
