import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Songs in segments: as many tokens at once as there are slots, and the same bytes however many there are.
    @Suite(.serialized) struct SegmentTests {
        private func song(_ seconds: Double, segments: String) async throws -> TestSong {
            TestSong(
                model: try await TestModel.tiny(), seconds: seconds, seed: 61, samples: 2,
                other: ["--segments", segments, "--overlap", "0.12"])
        }

        /// Audio, codes and description, by name.
        private func files(_ folder: String) throws -> [String: Data] {
            var files: [String: Data] = [:]
            for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init()
            where name.hasSuffix(".wav") || name == "codes.safetensors" {
                files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            return files
        }

        @Test func `two workers and a kill make the bytes of one process, sound and all`() async throws {
            var dice = Dice.thrown(for: "segments, a worker killed")
            let song = try await song(1.6, segments: "4")
            let alone = try TestFolder.place("alone")
            try await Orchestrion.succeed(["sample", "--out", alone, "--threads", "1", "--slots", "1"] + song.options)
            let expected = try files(alone)
            try #require(expected.count == 7)
            try await withCluster(Cluster.Options(models: [song.model], lease: 1.5)) { cluster in
                for name in ["a", "b"] { try cluster.startWorker(name, options: ["--slots", "3"]) }
                let id = try await cluster.submit(song, id: "parts")
                let wanted = try await cluster.status(of: id).wantedTokens
                try await cluster.waitUntilSampled(wanted / 2, of: id)
                try await cluster.killBusyWorkers(1, &dice)
                try cluster.startWorker("c")
                let result = try await cluster.result(of: id)
                try #require(cluster.lostWorkers.count >= 1)
                #expect(try result == SongResult(folder: alone))
                let fetched = try TestFolder.place("fetched")
                let report = try await cluster.command("fetch", [id, "--out", fetched])
                #expect(report.output.contains("approximate: 4 segments"))
                #expect(try files(fetched) == expected)
                let status = try await cluster.command("status", [])
                #expect(status.output.contains("approximate: 4 segments"))
            }
        }

        @Test func `submitted again, a song in auto segments is the song it was, whoever has come since`() async throws
        {
            let song = TestSong(
                model: try await TestModel.tiny(), seconds: 12, seed: 62, other: ["--segments", "auto"])
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("few", options: ["--slots", "3"])
                try await wait(for: "the first worker") { try await cluster.status().workers.count == 1 }
                try await cluster.submit(song, id: "first")
                try cluster.startWorker("many", options: ["--slots", "8"])
                try await wait(for: "the second worker") { try await cluster.status().workers.count == 2 }
                for id in ["first", "second"] { try await cluster.submit(song, id: id) }
                for (id, segments) in [("first", 3), ("second", 4)] {
                    let status = try await cluster.command("status", [id])
                    #expect(status.output.contains("approximate: \(segments) segments"), "\(status.report)")
                }
            }
        }

        @Test func `a coordinator killed while segments run goes on where it was`() async throws {
            let song = try await song(1.2, segments: "3")
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "parts")
                let wanted = try await cluster.status(of: id).wantedTokens
                for share in [0.1, 0.5, 0.9] {
                    try await cluster.waitUntilSampled(Int(Double(wanted) * share), of: id)
                    try cluster.killCoordinator()
                    try await cluster.startCoordinator()
                }
                let result = try await cluster.result(of: id)
                #expect(result == expected)
            }
        }
    }
}
