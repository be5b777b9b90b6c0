import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Deaths that show something about a window, and deaths that do not.
    @Suite(.serialized) struct GuiltTests {
        private static func machine(_ name: String, fault: String? = nil) -> [String: String] {
            ["ORCHESTRION_MACHINE": name].merging(fault.map { ["ORCHESTRION_FAULT": $0] } ?? [:]) { $1 }
        }

        @Test func `a window that crashes engines on three machines parks its song alone, and it goes on when resumed`()
            async throws
        {
            let model = try await TestModel.tiny()
            let good = TestSong(model: model, seconds: 2, seed: 61, samples: 4)
            let bad = TestSong(model: model, seconds: 1, seed: 62)
            let expected = try await (good.undisturbed(), bad.undisturbed())
            try await withCluster(Cluster.Options(models: [model], lease: 2)) { cluster in
                for name in ["a", "b", "c"] {
                    try cluster.startWorker(
                        name, options: ["--slots", "2"], environment: Self.machine(name, fault: "SIGSEGV song=bad"))
                }
                try await wait(for: "the workers") { try await cluster.status().workers.count == 3 }
                let other = try await cluster.submit(good, id: "good")
                try await cluster.waitUntilSampled(1500, of: other)
                let id = try await cluster.submit(bad, id: "bad")
                try await wait(for: "the song to be parked", limit: .seconds(120)) {
                    try await cluster.status(of: id).state == "parked"
                }
                let status = try await cluster.status(of: id)
                #expect(status.reason.contains("SIGSEGV") && status.reason.contains("3 machines that work otherwise"))
                #expect(try await cluster.result(of: other) == expected.0)
                for name in ["a", "b", "c"] { _ = try cluster.worker(name).kill() }
                try cluster.startWorker("mended", environment: Self.machine("d"))
                let resumed = try await cluster.command("resume", [id])
                #expect(resumed.ending == .exited(0) && resumed.output == "bad goes on\n", "\(resumed.errorOutput)")
                #expect(try await cluster.result(of: id) == expected.1)
            }
        }

        @Test func `a worker that is killed at its welcome again and again ends no song`() async throws {
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("healthy", options: ["--slots", "1"])
                let id = try await cluster.submit(song, id: "welcome")
                for number in 0..<10 {
                    let restless = try cluster.startWorker("restless-\(number)")
                    try await wait(for: "its welcome", interval: .milliseconds(5)) {
                        restless.errorOutput.contains("is welcome")
                    }
                    try #require(restless.kill() == .signalled(9))
                }
                #expect(try await cluster.result(of: id) == expected)
                #expect(!cluster.log.contains("failed on worker"))
            }
        }

        @Test func `workers that are all stopped for longer than three leases go on as if nothing was`() async throws {
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                for name in ["a", "b", "c"] { try cluster.startWorker(name, options: ["--slots", "2"]) }
                let id = try await cluster.submit(song, id: "outage")
                for tokens in [256, 2000] {
                    try await cluster.waitUntilSampled(tokens, of: id)
                    for name in ["a", "b", "c"] { try #require(try cluster.worker(name).signal(SIGSTOP)) }
                    try await Task.sleep(for: .milliseconds(300))
                    let before = try await cluster.status(of: id).sampledTokens
                    try await Task.sleep(for: .milliseconds(3500))
                    // The engines have stopped with their supervisors.
                    #expect(try await cluster.status(of: id).sampledTokens == before)
                    for name in ["a", "b", "c"] { try #require(try cluster.worker(name).signal(SIGCONT)) }
                }
                #expect(try await cluster.result(of: id) == expected)
                #expect(!cluster.log.contains("failed on worker"))
            }
        }

        @Test func `a worker whose model is away when its engine must start again waits for it`() async throws {
            let model = try await TestModel.copy(TestModel.tiny(), as: "wandering")
            let song = TestSong(model: model, seconds: 2, seed: 64, samples: 2)
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                let worker = try cluster.startWorker("patient")
                let id = try await cluster.submit(song, id: "wander")
                try await cluster.waitUntilSampled(256, of: id)
                try FileManager.default.moveItem(atPath: model, toPath: model + ".gone")
                let engine = try #require(worker.children.first)
                try #require(kill(engine, SIGKILL) == 0)
                try await wait(for: "the engine to be tried in vain") {
                    worker.errorOutput.contains("cannot start now; it is tried again")
                }
                try FileManager.default.moveItem(atPath: model + ".gone", toPath: model)
                #expect(try await cluster.result(of: id) == expected)
            }
        }

        @Test func `an engine that hangs is ended, its machine set aside, and the song goes on elsewhere`() async throws
        {
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], lease: 2)) { cluster in
                try cluster.startWorker(
                    "stuck", options: ["--hang-after", "2"], environment: Self.machine("stuck", fault: "hang"))
                try await wait(for: "the worker") { try await cluster.status().workers.count == 1 }
                let id = try await cluster.submit(song, id: "hang")
                try await wait(for: "the engine to be told dead", limit: .seconds(60)) {
                    cluster.log.contains("the engine of worker stuck died: no step ended in 2 s")
                }
                try await wait(for: "its machine to be set aside", limit: .seconds(90)) {
                    let shown = try await cluster.command("workers", []).output
                    return shown.contains("Set aside\n  stuck  machine stuck  it failed")
                }
                try cluster.startWorker("good", environment: Self.machine("good"))
                #expect(try await cluster.result(of: id) == expected)
            }
        }
    }
}
