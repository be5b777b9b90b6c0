import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct BranchTests {
        private static let lyrics = ["--genre", "waltz", "--lyrics", "sun sea sky"]

        @Test func `a tree of five steps is made again from its leaf's song file, where none of its songs is`()
            async throws
        {
            try await withCluster(Cluster.Options(models: ["music-box"])) { cluster in
                try cluster.startWorker("a")
                let leaf = try TestFolder.place("leaf")
                let steps = [
                    ["submit", "--id", "sketch", "--seconds", "2", "--samples", "2", "--stop-at", "2", "--seed", "7"]
                        + Self.lyrics,
                    ["vary", "sketch", "--sample", "1", "--at", "1", "--variations", "2", "--id", "varied"],
                    ["go-on", "varied", "--sample", "1", "--seconds", "1", "--id", "longer", "--name", "long one"],
                    [
                        "vary", "longer", "--at", "1.5", "--lyrics", "far low you", "--genre", "rock", "--variations",
                        "2", "--id", "words",
                    ],
                    ["upsample", "words", "--keep", "1", "--id", "leaf"],
                ]
                for step in steps {
                    let out = step.contains("leaf") ? leaf : try TestFolder.place("step")
                    let made = try await Orchestrion.run(step + ["--wait", "--out", out] + cluster.connection)
                    try #require(made.succeeded, "\(step): \(made.report)")
                    if !step.contains("leaf") { try FileManager.default.removeItem(atPath: out) }
                }
                // The same once more is the same song.
                let twice = try await cluster.command("upsample", ["words", "--keep", "1", "--id", "leaf"])
                #expect(twice.succeeded, "\(twice.report)")
                let tree = try await cluster.command("tree", ["varied", "--json"])
                let object = try JSONSerialization.jsonObject(with: Data(tree.output.utf8)) as? [String: Any]
                let songs = object?["songs"] as? [[String: Any]] ?? []
                #expect(object?["root"] as? String == "sketch")
                #expect(songs.map { $0["song"] as? String } == ["sketch", "varied", "longer", "words", "leaf"])
                #expect(
                    songs.map { ($0["parent"] as? [String: Any])?["song"] as? String }
                        == [nil, "sketch", "varied", "longer", "words"])
                #expect(songs.map { $0["name"] as? String } == [nil, nil, "long one", nil, nil])

                // Names are journaled.
                try cluster.killCoordinator()
                try await cluster.startCoordinator()
                let shown = try await cluster.command("tree", ["leaf"])
                try #require(shown.succeeded && shown.output.contains("\"long one\""), "\(shown.report)")

                // In another place there is nothing but the leaf's song file.
                let file = try TestFolder.place("song.json")
                try FileManager.default.copyItem(atPath: "\(leaf)/song.json", toPath: file)
                let again = try TestFolder.place("again")
                let made = try await Orchestrion.run(["sample", "--song", file, "--out", again])
                try #require(made.succeeded, "\(made.report)")
                for name in ["codes.safetensors", "level_0/sample_0.wav", "song.json"] {
                    let (one, other) = ("\(leaf)/\(name)", "\(again)/\(name)")
                    #expect(FileManager.default.contentsEqual(atPath: one, andPath: other), "\(name)")
                }
            }
        }

        @Test func `a branch whose parent came out otherwise is refused`() async throws {
            try await withCluster(Cluster.Options(models: ["music-box"])) { cluster in
                try cluster.startWorker("a")
                let (one, two) = (try TestFolder.place("one"), try TestFolder.place("two"))
                for arguments in [
                    ["submit", "--id", "one", "--seconds", "1", "--stop-at", "2", "--seed", "7", "--out", one]
                        + Self.lyrics,
                    ["go-on", "one", "--seconds", "0.5", "--id", "two", "--out", two],
                ] {
                    let made = try await Orchestrion.run(arguments + ["--wait"] + cluster.connection)
                    try #require(made.succeeded, "\(made.report)")
                }
                let text = try String(contentsOfFile: "\(two)/song.json", encoding: .utf8)
                let file = try TestFolder.place("changed.json")
                // The first song's seed.
                try text.replacingOccurrences(of: "\"seed\" : 7,", with: "\"seed\" : 8,")
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let made = try await Orchestrion.run(["sample", "--song", file, "--out", TestFolder.place("no")])
                #expect(!made.succeeded && made.errorOutput.contains("came out with other codes"), "\(made.report)")
            }
        }

        @Test func `three genres become one sound in stereo`() async throws {
            try await withCluster(Cluster.Options(models: ["music-box"])) { cluster in
                try cluster.startWorker("a")
                let out = try TestFolder.place("stereo")
                for arguments in [
                    ["submit", "--id", "one", "--seconds", "1", "--stop-at", "2", "--seed", "7"] + Self.lyrics,
                    ["upsample", "one", "--stereo", "rock,techno,waltz", "--stop-at", "1", "--id", "s", "--out", out],
                ] {
                    let made = try await Orchestrion.run(arguments + ["--wait"] + cluster.connection)
                    try #require(made.succeeded, "\(made.report)")
                    if arguments.contains("one"), !arguments.contains("s") { continue }
                    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(out)/level_1/stereo_0.wav"))
                    // Channels, in a WAV's header.
                    #expect(bytes[22] == 2)
                    let one = try Data(contentsOf: URL(fileURLWithPath: "\(out)/level_1/sample_0.wav"))
                    #expect(bytes.count - 44 == 2 * (one.count - 44))
                }
            }
        }
    }
}
