import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct LeavingTests {
        private func song() async throws -> TestSong {
            // Long enough that a fast machine does not end it before all is tried.
            TestSong(model: try await TestModel.tiny(), seconds: 4, seed: 59, samples: 2)
        }

        /// How many leases ended by `words`.
        private func endings(_ cluster: Cluster, _ words: String) -> Int { cluster.log.count(of: words) }

        @Test func `a worker that gets SIGTERM hands in what it has, and another goes on from there at once`()
            async throws
        {
            let song = try await song()
            let expected = try await song.undisturbed()
            // A lease that is never waited for in a test's life: whoever gets the windows has them by the goodbye.
            try await withCluster(Cluster.Options(models: [song.model], lease: 600)) { cluster in
                try cluster.startWorker("first")
                let id = try await cluster.submit(song, id: "leaves")
                let wanted = try await cluster.status(of: id).wantedTokens
                for number in 0..<4 {
                    try await cluster.waitUntilSampled(wanted * (number + 1) / 10, of: id)
                    let name = number == 0 ? "first" : "next-\(number - 1)"
                    try cluster.startWorker("next-\(number)")
                    let leaver = try cluster.worker(name)
                    try #require(leaver.signal(SIGTERM))
                    try #require(try await leaver.waitForEnd(limit: .seconds(300)) == .exited(0))
                    #expect(leaver.errorOutput.contains("stopped"), "\(leaver.errorOutput)")
                    #expect(!leaver.errorOutput.contains("time to leave is over"), "\(leaver.errorOutput)")
                    try await cluster.requireSampling(id)
                }
                let result = try await cluster.result(of: id)
                try #require(result == expected)
            }
        }

        @Test func `a second signal ends a worker at once`() async throws {
            let song = try await song()
            try await withCluster(Cluster.Options(models: [song.model], lease: 600)) { cluster in
                let worker = try cluster.startWorker("stubborn", options: ["--grace", "3000"])
                let id = try await cluster.submit(song, id: "twice")
                try await cluster.waitUntilSampled(1, of: id)
                // Nobody acknowledges, so it would wait for as long as it may.
                try #require(try cluster.coordinator().signal(SIGSTOP))
                try #require(worker.signal(SIGTERM))
                try await wait(for: "it to leave") { worker.errorOutput.contains("leaves") }
                #expect(worker.isRunning)
                try #require(worker.signal(SIGTERM))
                #expect(try await worker.waitForEnd(limit: .seconds(300)) == .exited(0))
                try #require(try cluster.coordinator().signal(SIGCONT))
            }
        }

        @Test func `a drained worker ends its windows and gets no others, also of a coordinator that is started again`()
            async throws
        {
            let song = try await song()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("here:1")
                try cluster.startWorker("there:1")
                let id = try await cluster.submit(song, id: "drained")
                let wanted = try await cluster.status(of: id).wantedTokens
                try await cluster.waitUntilSampled(wanted / 20, of: id)
                let drained = try await cluster.command("drain", ["here", "--wait", "--json"])
                #expect(drained.ending == .exited(0), "\(drained.report)")
                func here() async throws -> ClusterStatus.Worker {
                    try #require(try await cluster.status().workers.first { $0.name == "here:1" })
                }
                let idle = try await here()
                #expect(idle.drained && idle.busy == 0)
                #expect(try await cluster.command("workers", []).output.contains("slots busy, drained"))
                try cluster.killCoordinator()
                try await cluster.startCoordinator()
                try await wait(for: "the workers to come back") {
                    try await cluster.status().workers.count { $0.slots > 0 } == 2
                }
                let before = try await cluster.status(of: id)
                try await cluster.waitUntilSampled(min(before.sampledTokens + 256, wanted), of: id)
                let still = try await here()
                #expect(still.drained && still.busy == 0)
                let unknown = try await cluster.command("drain", ["nowhere"])
                #expect(unknown.ending == .exited(1) && unknown.errorOutput.contains("nowhere"), "\(unknown.report)")
                let undone = try await cluster.command("drain", ["here:1", "--undo"])
                #expect(undone.ending == .exited(0) && undone.output.contains("windows again"), "\(undone.report)")
                try await wait(for: "it to have windows again") {
                    let now = try await here()
                    return !now.drained && now.busy > 0
                }
                try await cluster.requireSampling(id)
                try #require(try await cluster.result(of: id) == expected)
            }
        }

        @Test func `a rolling restart of all workers and the coordinator changes no byte`() async throws {
            let song = try await song()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], lease: 600)) { cluster in
                for number in 0..<2 { try cluster.startWorker("old-\(number)") }
                let id = try await cluster.submit(song, id: "rolling")
                let wanted = try await cluster.status(of: id).wantedTokens
                try await cluster.waitUntilSampled(wanted / 20, of: id)
                for number in 0..<2 {
                    let old = try cluster.worker("old-\(number)")
                    try #require(old.signal(SIGTERM))
                    try #require(try await old.waitForEnd(limit: .seconds(300)) == .exited(0))
                    try cluster.startWorker("new-\(number)")
                }
                let coordinator = try cluster.coordinator()
                try #require(coordinator.signal(SIGTERM))
                try #require(try await coordinator.waitForEnd(limit: .seconds(300)) == .exited(0))
                #expect(coordinator.errorOutput.contains("is complete"), "\(coordinator.errorOutput)")
                try await cluster.startCoordinator()
                try await cluster.requireSampling(id)
                try #require(try await cluster.result(of: id) == expected)
            }
        }

        @Test func `a coordinator and a worker read their settings again on SIGHUP, and lose nobody`() async throws {
            let song = try await song()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], lease: 600)) { cluster in
                let worker = try cluster.startWorker("stays")
                let id = try await cluster.submit(song, id: "hangs-up")
                try await cluster.waitUntilSampled(1, of: id)
                let coordinator = try cluster.coordinator()
                for process in [worker, coordinator] {
                    try #require(process.signal(SIGHUP))
                    try await wait(for: "\(process.name) to read its settings") {
                        process.errorOutput.contains("read its settings again") || !process.isRunning
                    }
                    #expect(process.isRunning)
                }
                try #require(try await cluster.result(of: id) == expected)
                #expect(worker.errorOutput.count(of: "is welcome") == 1, "\(worker.errorOutput)")
            }
        }

        @Test func `what changed in the file of settings counts after SIGHUP, or is said to count later`() async throws
        {
            let folder = try TestFolder.make("settings")
            let file = "\(folder)/coordinator.toml"
            func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }
            try write("lease = 2\nquota = \"400G\"\n")
            let process = try ChildProcess(
                name: "settings", executable: Orchestrion.path,
                arguments: ["coordinator", "--config", file, "--listen", "tcp://127.0.0.1:0", "--state", "state"],
                folder: folder, logs: folder)
            func reload(_ text: String, until words: String) async throws {
                try write(text)
                try #require(process.signal(SIGHUP))
                try await wait(for: words) { process.errorOutput.contains(words) || !process.isRunning }
                #expect(process.isRunning, "\(process.errorOutput)")
            }
            try await wait(for: "it to listen") { process.errorOutput.contains("listens on") || !process.isRunning }
            try await reload(
                "lease = 2\nquota = \"300G\"\nkeep-for = 7\n", until: "a quota of 300 GB, and songs stay for 7.0 days")
            #expect(process.errorOutput.contains("read its settings again: other bounds"), "\(process.errorOutput)")
            try await reload("lease = 3\nquota = \"300G\"\n", until: "--lease changed, which counts after a restart")
            try await reload("quota = \"much\"\n", until: "cannot be read, and stay as they were")
            try await reload("log-level = \"warning\"\n", until: "stay as they were")
            // From the level on that the file says now, nothing of this kind is told any more.
            try await wait(for: "the level") {
                try #require(process.signal(SIGHUP))
                let before = process.errorOutput
                try await Task.sleep(for: .milliseconds(300))
                return process.errorOutput == before
            }
            try #require(process.signal(SIGTERM))
            #expect(try await process.waitForEnd(limit: .seconds(300)) == .exited(0))
        }
    }
}
