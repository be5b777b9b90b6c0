import Foundation
import TestSupport
import Testing

/// Apart from the others: most of its time, strangers wait for an answer.
@Suite(.timeLimit(.minutes(10))) struct KeyTests {
    /// - Returns: the public key.
    private func newKey(_ file: String) async throws -> String {
        try await Orchestrion.succeed(["keys", "new", file]).output.trimmingCharacters(in: .newlines)
    }

    /// A key that is allowed while the coordinator runs lets its holder in.
    private func letIn(_ key: String, to list: String, _ cluster: Cluster, _ place: [String]) async throws {
        let waiting = try Orchestrion.start(
            ["worker", "--name", "late", "--threads", "1"] + place + ["--key", key])
        try await wait(for: "the refusal") { waiting.errorOutput.contains("does not allow this key") }
        try await Orchestrion.succeed(["keys", "allow", "--allow", list, "\(key).pub", "--name", "late"])
        try await wait(for: "the worker to be let in, and refused for its model") { !waiting.isRunning }
        try #require(waiting.errorOutput.contains("refused by the coordinator"), "\(waiting.errorOutput)")
        try #require(cluster.log.contains("(late)"))
        try await Orchestrion.succeed(["status"] + place + ["--key", key])
    }

    /// A worker whose key is taken off the list is told so, and ends.
    private func shutOut(_ name: String, from list: String, _ cluster: Cluster) async throws {
        let worker = try cluster.worker(name)
        try await Orchestrion.succeed(["keys", "remove", "--allow", list, name])
        #expect(try await worker.waitForEnd() == .exited(1))
        #expect(worker.errorOutput.contains("not allowed any more"), "\(worker.errorOutput)")
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
                try await wait(for: "the worker to say why") { worker.errorOutput.contains("Goes on trying") }
                worker.kill()
            }
            try #require(intruder.errorOutput.contains("keys allow --state DIR '\(wrong)'"))
            // The coordinator names the key as the list wants it, once however often it is refused.
            let lines = cluster.log.split(separator: "\n").filter {
                $0.contains("refused the key \(wrong) from 127.0.0.1")
            }
            try #require(lines.count == 1 && lines[0].contains("keys allow --allow \(allowed) '\(wrong)'"))
            let status = try await cluster.command("status", [])
            try #require(status.output.contains("key \(wrong) from 127.0.0.1: its key is not allowed"))
            try await letIn("\(keys)/stranger", to: allowed, cluster, place + server)
            try await shutOut("friend", from: allowed, cluster)
        }
    }
}
