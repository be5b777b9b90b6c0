import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct ManyWorkersTests {
        @Test func `workers of other levels, threads and instruction sets make the same songs`() async throws {
            let model = try await TestModel.tiny()
            let songs = [
                "one": TestSong(model: model, seconds: 1, seed: 51, samples: 3),
                "two": TestSong(model: model, seconds: 1.2, seed: 52, samples: 2, other: ["--top-k", "40"]),
            ]
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                try cluster.startWorker("top", options: ["--levels", "2", "--slots", "2"])
                let scalar = ["ORCHESTRION_ISA": "scalar"]
                try cluster.startWorker("scalar", options: ["--levels", "0,1", "--slots", "3"], environment: scalar)
                let vector = ["ORCHESTRION_ISA": "avx2"]
                try cluster.startWorker(
                    "vector", options: ["--levels", "0,1", "--threads", "2"], environment: vector)
                for (id, song) in songs { try await cluster.submit(song, id: id) }
                // Nobody else has the top level, so its worker has its part in both.
                var busy: Set<String> = []
                try await wait(for: "both workers of the lower levels to have work", interval: .milliseconds(5)) {
                    let status = try await cluster.status()
                    busy.formUnion(status.workers.filter { $0.busy > 0 }.map(\.name))
                    return busy.isSuperset(of: ["scalar", "vector"]) || status.songs.allSatisfy(\.hasEnded)
                }
                try #require(busy.isSuperset(of: ["scalar", "vector"]))
                for (id, song) in songs {
                    let result = try await cluster.result(of: id)
                    try #require(try await result == song.undisturbed(), "\(id)")
                }
            }
        }

        @Test func `a coordinator without a model takes the workers of the one that a song names`() async throws {
            let model = try await TestModel.tiny()
            let song = TestSong(model: model, seconds: 0.5, seed: 54)
            let places = ["--models", URL(fileURLWithPath: model).deletingLastPathComponent().path]
            try await withCluster(Cluster.Options(models: [], coordinator: places)) { cluster in
                try cluster.startWorker("early", model: model)
                try await wait(for: "the worker to be let in") { try await cluster.status().workers.count == 1 }
                try await cluster.submit(song, id: "one")
                let result = try await cluster.result(of: "one")
                #expect(try await result == song.undisturbed())
            }
        }

        @Test func `a worker with one altered tensor is refused with both fingerprints`() async throws {
            let model = try await TestModel.tiny()
            let other = try TestModel.copy(model, as: "tiny")
            try TestModel.alter("\(other)/prior_level_0.safetensors", to: [0.125])
            let (ours, theirs) = try await (fingerprint(model, level: 0), fingerprint(other, level: 0))
            try #require(ours != theirs)
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                for levels in [[], ["--levels", "0"]] {
                    let worker = try cluster.startWorker("wrong\(levels.count)", model: other, options: levels)
                    let ending = try await worker.waitForEnd()
                    try #require(ending == .exited(1))
                    try #require(worker.errorOutput.contains(ours) && worker.errorOutput.contains(theirs))
                    try #require(worker.errorOutput.contains("level 0"))
                }
                try #require(cluster.log.count(of: "refused worker wrong") == 2)
                // The levels that are the same may be served.
                try cluster.startWorker("upper", model: other, options: ["--levels", "1,2"])
                try await wait(for: "the worker of good levels") {
                    try await cluster.status().workers.map(\.name) == ["upper"]
                }
            }
        }

        private func fingerprint(_ model: String, level: Int) async throws -> String {
            struct Report: Decodable {
                struct Part: Decodable {
                    var name: String
                    var fingerprint: String?
                }
                var parts: [Part]
            }
            let report = try await Orchestrion.succeed(["model", "inspect", model, "--json"]).decode(Report.self)
            return try #require(report.parts.first { $0.name == "level \(level)" }?.fingerprint)
        }

        @Test func `a worker whose profile cannot hold a weight says which, and other songs are made`() async throws {
            let model = try await TestModel.tiny()
            let broken = try TestModel.copy(model, as: "broken")
            // A number, but no half is as large.
            let huge = Float.greatestFiniteMagnitude
            try TestModel.alter("\(broken)/prior_level_0.safetensors", to: [huge, -huge, huge, -huge])
            let good = TestSong(model: model, seconds: 1, seed: 53)
            try await withCluster(Cluster.Options(models: [model, broken])) { cluster in
                try cluster.startWorker("good")
                let worker = try cluster.startWorker("bad", model: broken)
                try await cluster.submit(TestSong(model: broken, seconds: 1, seed: 53), id: "bad")
                try await cluster.submit(good, id: "good")
                #expect(try await worker.waitForEnd() == .exited(1))
                let said = worker.errorOutput
                #expect(said.contains("prior_level_0") && said.contains("too large for profile f16"), "\(said)")
                #expect(said.contains("--profile f32"), "\(said)")
                try #require(try await cluster.waitUntilEnded("good").state == "finished")
                try #require(try await cluster.result(of: "good") == good.undisturbed())
            }
        }

        @Test func `a worker does not start with weights that are not numbers`() async throws {
            let broken = try TestModel.copy(try await TestModel.tiny(), as: "tiny")
            try TestModel.alter("\(broken)/prior_level_1.safetensors", to: [.nan])
            let worker = try Orchestrion.start(["worker", "--model", broken, "--connect", "tcp://127.0.0.1:9"])
            #expect(try await worker.waitForEnd() == .exited(1))
            #expect(worker.errorOutput.contains("prior_level_1.safetensors"))
            #expect(worker.errorOutput.lowercased().contains("nan"), "\(worker.errorOutput)")
        }
    }
}
