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
    }
}
