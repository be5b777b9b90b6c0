import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// A coordinator that the system refuses something for a while, and what it does of itself.
    @Suite(.serialized) struct LimitTests {
        /// - Parameter count: descriptors that the process may have; it keeps those that it has.
        private func limit(_ process: ChildProcess, to count: Int?) async throws {
            let folder = try TestFolder.make("limit")
            let prlimit = try ChildProcess(
                name: "prlimit", executable: "/usr/bin/prlimit",
                arguments: ["--pid", "\(process.id)", "--nofile=\(count.map(String.init) ?? "1024"):"],
                environment: [:],
                folder: folder, logs: folder)
            try #require(try await prlimit.waitForEnd() == .exited(0), "\(prlimit.errorOutput)")
        }

        @Test func `a coordinator that may open no file for a while says so, and goes on by itself`() async throws {
            // Long enough that it is not finished between the two times.
            let song = TestSong(model: try await TestModel.tiny(), seconds: 15, seed: 41)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(1, of: id)
                let coordinator = try cluster.coordinator()
                for _ in 0..<2 {
                    try await limit(coordinator, to: 8)
                    try await wait(for: "what it waits for") {
                        let status = try await cluster.status()
                        let waiting = status.songs.compactMap(\.waiting) + (status.troubles ?? [])
                        return waiting.contains { $0.contains("open more files") }
                    }
                    try await limit(coordinator, to: nil)
                    try await wait(for: "it to go on") {
                        let status = try await cluster.status()
                        let waiting = status.songs.compactMap(\.waiting) + (status.troubles ?? [])
                        return !waiting.contains { $0.contains("open more files") }
                    }
                }
                #expect(try await cluster.result(of: id) == song.undisturbed())
                #expect(coordinator.isRunning)
            }
        }

        @Test func `each start makes a backup, two are kept, and one brings the songs back`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.6, seed: 48)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                let folder = "\(cluster.stateFolder)/backups"
                func backups() -> [String] {
                    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
                        $0.hasSuffix(".sqlite")
                    }
                    .sorted()
                }
                try await cluster.submit(song, id: "s")
                #expect(backups().isEmpty)
                for number in 1...3 {
                    // One that is younger than a minute is enough.
                    for name in backups() where !name.hasPrefix("journal-2020") {
                        let old = "\(folder)/journal-2020010\(number)-000000.sqlite"
                        try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: old)
                        try FileManager.default.setAttributes(
                            [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: old)
                    }
                    try cluster.coordinator().kill()
                    try await cluster.startCoordinator()
                    try await wait(for: "another backup") { backups().contains { !$0.hasPrefix("journal-2020") } }
                    try await wait(for: "the oldest to go") { backups().count <= 2 }
                }
                #expect(backups().count == 2)
                try cluster.coordinator().kill()
                for ending in ["", "-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: "\(cluster.stateFolder)/journal.sqlite\(ending)")
                }
                try await Orchestrion.succeed(["journal", "restore", "--state", cluster.stateFolder])
                try await cluster.startCoordinator()
                try cluster.startWorker("a")
                #expect(try await cluster.result(of: "s") == song.undisturbed())
            }
        }
    }
}
