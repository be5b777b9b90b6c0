import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Strangers and heavy hands, at real processes.
    @Suite(.serialized) struct StrangerTests {
        /// Connections that say nothing.
        private final class Idlers {
            private var descriptors: [Int32] = []

            init(_ count: Int, at endpoint: String) {
                var limit = rlimit()
                let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
                getrlimit(files, &limit)
                limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(count + 500)))
                setrlimit(files, &limit)
                let port = UInt16(endpoint.split(separator: ":").last ?? "") ?? 0
                for _ in 0..<count {
                    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                    guard descriptor >= 0 else { return }
                    var address = sockaddr_in()
                    address.sin_family = sa_family_t(AF_INET)
                    address.sin_port = port.bigEndian
                    address.sin_addr.s_addr = inet_addr("127.0.0.1")
                    _ = withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                        }
                    }
                    descriptors.append(descriptor)
                }
            }

            deinit { for descriptor in descriptors { close(descriptor) } }

            var count: Int { descriptors.count }
        }

        @Test func `a song goes on beside 1300 connections that say nothing, at 1024 descriptors`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 2, seed: 81)
            let options = Cluster.Options(models: [song.model], shell: "ulimit -n 1024")
            try await withCluster(options) { cluster in
                try cluster.startWorker("w")
                try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(1, of: "s")
                let idlers = Idlers(1300, at: cluster.endpoint)
                try #require(idlers.count == 1300)
                // A new connection is let in at once, and what it asks is answered.
                let start = ContinuousClock.now
                let status = try await cluster.command("status", [])
                try #require(status.succeeded && status.output.contains("turned away"), "\(status.report)")
                #expect(start.duration(to: .now) < .seconds(5), "on an idle machine it takes a tenth of a second")
                try #require(try await cluster.result(of: "s") == song.undisturbed())
                try #require(!cluster.log.contains("may not open more files"))
                try #require(idlers.count == 1300)
            }
        }

        @Test func `who sends garbage is listed with an address, and one machine alone is said`() async throws {
            try await withCluster(Cluster.Options(models: [try await TestModel.tiny()])) { cluster in
                let stranger = try RawClient(cluster.endpoint)
                // ZMTP without keys: greeting, READY of a DEALER, and a message that is none.
                let greeting: [UInt8] = [0xff] + [UInt8](repeating: 0, count: 8) + [0x7f, 3, 0] + Array("NULL".utf8)
                let ready: [UInt8] =
                    [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
                let garbage = [UInt8](repeating: 0xab, count: 40)
                _ = await stranger.send(greeting + [UInt8](repeating: 0, count: 64 - greeting.count))
                _ = await stranger.receive()
                _ = await stranger.send([4, UInt8(ready.count)] + ready)
                _ = await stranger.send([0, UInt8(garbage.count)] + garbage)
                try cluster.startWorker("w")
                try await wait(for: "both in status") {
                    let shown = try await cluster.command("status", [])
                    return shown.output.contains("Note: only one machine samples")
                        && shown.output.contains("127.0.0.1") && shown.output.contains("no message of this protocol")
                }
            }
        }

        @Test func `roles hold between processes, and songs have owners`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.5, seed: 82)
            let keys = try TestFolder.make("roles")
            for name in ["server", "admin", "worker", "anna", "bert"] {
                try await Orchestrion.succeed(["keys", "new", "\(keys)/\(name)"])
            }
            let list = "\(keys)/allowed"
            for (name, role) in [("admin", "admin"), ("worker", "worker"), ("anna", "client"), ("bert", "client")] {
                try await Orchestrion.succeed(
                    ["keys", "allow", "--allow", list, "\(keys)/\(name).pub", "--name", name, "--role", role])
            }
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--secure", "--key", "\(keys)/server", "--allow", list],
                keys: (own: "\(keys)/admin", server: "\(keys)/server.pub"))
            try await withCluster(options) { cluster in
                func place(_ name: String) -> [String] {
                    ["--connect", cluster.endpoint, "--server-key", "\(keys)/server.pub", "--key", "\(keys)/\(name)"]
                }
                let worker = try Orchestrion.start(
                    ["worker", "--model", song.model, "--name", "w", "--threads", "1"] + place("worker"))
                let posing = try Orchestrion.start(
                    ["worker", "--model", song.model, "--name", "posing", "--threads", "1"] + place("bert"))
                try await Orchestrion.succeed(["submit", "--id", "annas"] + place("anna") + song.options)
                let refused = try await Orchestrion.run(["submit", "--id", "w"] + place("worker") + song.options)
                try #require(!refused.succeeded && refused.errorOutput.contains("as worker and not as client"))
                let foreign = try await Orchestrion.run(["cancel", "annas"] + place("bert"))
                try #require(!foreign.succeeded && foreign.errorOutput.contains("there is no song annas"))
                try #require(try await posing.waitForEnd() == .exited(1))
                try #require(posing.errorOutput.contains("as client and not as worker"), "\(posing.errorOutput)")
                _ = try await cluster.waitUntilEnded("annas")
                let out = try TestFolder.place("annas")
                try await Orchestrion.succeed(["fetch", "annas", "--out", out] + place("anna"))
                try #require(try await SongResult(folder: out) == song.undisturbed())
                // A restart forgets neither owners nor roles.
                try cluster.coordinator().kill()
                try await cluster.startCoordinator()
                let again = try await Orchestrion.run(["status"] + place("bert"))
                try #require(again.output.contains("No songs.") && !again.output.contains("annas"))
                try #require(worker.isRunning)
                worker.kill()
            }
        }

        @Test func `what a coordinator keeps is its owner's alone, and of an earlier release, too`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.5, seed: 83)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("w")
                try await cluster.submit(song, id: "s")
                _ = try await cluster.result(of: "s")
                let all = ["", "/journal.sqlite", "/lock", "/songs/s/song.json", "/uploads"].map {
                    cluster.stateFolder + $0
                }
                func modes() throws -> [Int] {
                    try all.map {
                        let mode = try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
                        return (mode ?? 0) & 0o077
                    }
                }
                #expect(try modes() == all.map { _ in 0 }, "the folder was there before, open to all")
                try cluster.coordinator().kill()
                for path in all { chmod(path, 0o777) }
                try await cluster.startCoordinator()
                #expect(try modes() == all.map { _ in 0 })
                #expect(cluster.log.contains("now its owner alone can"))
            }
        }

        @Test func `a client names no model of its own choice`() async throws {
            let model = try await TestModel.tiny()
            let other = try TestModel.copy(model, as: "elsewhere")
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                let refused = try await cluster.command("submit", ["--model", other, "--seconds", "1"])
                #expect(!refused.succeeded && refused.errorOutput.contains("no model is called"), "\(refused.report)")
            }
        }
    }
}
