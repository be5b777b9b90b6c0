import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// A machine that gives wrong tokens of the right form.
    @Suite(.serialized) struct LiarTests {
        private struct Machines: Decodable {
            struct Aside: Decodable {
                var name: String
                var machine: String
                var reason: String
            }
            var setAside: [Aside]
        }

        @Test func `a lying machine is found and named, and the song is the undisturbed one`() async throws {
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            let options = Cluster.Options(models: [song.model], lease: 2, coordinator: ["--verify-share", "0.25"])
            try await withCluster(options) { cluster in
                for name in ["a", "b", "c"] {
                    let fault = name == "b" ? ["ORCHESTRION_FAULT": "lie"] : [:]
                    try cluster.startWorker(
                        name, options: ["--slots", "2"],
                        environment: ["ORCHESTRION_MACHINE": name].merging(fault) { $1 })
                }
                try await wait(for: "the workers") { try await cluster.status().workers.count == 3 }
                let id = try await cluster.submit(song, id: "lies")
                #expect(try await cluster.result(of: id) == expected)
                let shown = try await cluster.command("workers", ["--json"])
                let machines = try shown.decode(Machines.self)
                #expect(machines.setAside.map(\.machine) == ["b"], "\(shown.report)")
                #expect(
                    machines.setAside.first?.reason.contains("is another one on two other machines") == true,
                    "\(shown.report)")
                let line = "machine b gives wrong tokens"
                #expect(cluster.log.contains(line))
                #expect(!cluster.log.contains("machine a gives") && !cluster.log.contains("machine c gives"))
            }
        }

        @Test func `a finished song with a liar's tokens is named when it is found, and after a restart`() async throws
        {
            let song = try await victimSong()
            let short = TestSong(model: song.model, seconds: 0.6, seed: 44)
            let options = Cluster.Options(models: [song.model], lease: 2, coordinator: ["--verify-share", "0"])
            try await withCluster(options) { cluster in
                func start(_ name: String, fault: String? = nil) throws {
                    let fault = fault.map { ["ORCHESTRION_FAULT": $0] } ?? [:]
                    try cluster.startWorker(
                        name, environment: ["ORCHESTRION_MACHINE": name].merging(fault) { $1 })
                }
                func doubt() async throws -> Bool {
                    try await cluster.status(of: "old").reason.contains("tokens of machine b")
                }
                try start("b", fault: "lie")
                _ = try await cluster.result(of: cluster.submit(short, id: "old"))
                #expect(try await !doubt())
                try cluster.coordinator().kill()
                try await cluster.startCoordinator(["--verify-share", "1"])
                for name in ["a", "c"] { try start(name) }
                try await wait(for: "the workers") { try await cluster.status().workers.count == 3 }
                let id = try await cluster.submit(song, id: "new")
                #expect(try await cluster.result(of: id) == (try await song.undisturbed()))
                try await wait(for: "the finished song to be named") { try await doubt() }
                #expect(try await cluster.status(of: "new").reason.isEmpty)
                #expect(cluster.log.contains("finished song old: it has tokens of machine b"))
                let metrics = try await cluster.command("metrics", [])
                #expect(metrics.output.contains("orchestrion_songs_doubtful 1"), "\(metrics.report)")
                try cluster.coordinator().kill()
                try await cluster.startCoordinator(["--verify-share", "1"])
                try await wait(for: "it to be named again") { try await doubt() }
                try await Orchestrion.succeed(["workers", "release", "b"] + cluster.connection)
                try await wait(for: "it to be trusted") { try await !doubt() }
            }
        }
    }
}
