import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// What a coordinator counts over its life, whatever dies.
    @Suite(.serialized) struct MetricsTests {
        /// The values of `orchestrion metrics`, by series.
        private func metrics(_ cluster: Cluster) async throws -> [String: Double] {
            let result = try await cluster.command("metrics", [])
            try #require(result.succeeded, "\(result.report)")
            try await PrometheusCheck.check(result.output)
            var values: [String: Double] = [:]
            for line in result.output.split(separator: "\n") where !line.hasPrefix("#") {
                let parts = line.split(separator: " ")
                try #require(parts.count == 2 && values[String(parts[0])] == nil, "\(line)")
                let value: Double = try #require(Double(String(parts[1])), "\(line)")
                values[String(parts[0])] = value
            }
            return values
        }

        private func total(_ name: String, _ values: [String: Double]) -> Double {
            values.filter { $0.key == name || $0.key.hasPrefix("\(name){") }.map(\.value).reduce(0, +)
        }

        @Test func `totals are exact over a coordinator that is killed again and again, and a song that is removed`()
            async throws
        {
            var dice = Dice.thrown(for: "metrics")
            let song = TestSong(model: try await TestModel.tiny(), seconds: 2, seed: 77)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a", options: ["--slots", "1"])
                let id = try await cluster.submit(song, id: "counted")
                let wanted = try await cluster.status(of: id).wantedTokens
                for instant in dice.instants(4, of: wanted) {
                    try await cluster.waitUntilSampled(instant, of: id)
                    try cluster.killCoordinator()
                    try await cluster.startCoordinator()
                }
                _ = try await cluster.result(of: id)
                let values = try await metrics(cluster)
                // Nothing is journaled twice, and nothing that is journaled is missing.
                #expect(total("orchestrion_tokens_sampled_total", values) == Double(wanted))
                #expect(values["orchestrion_songs_submitted_total"] == 1)
                #expect(values[#"orchestrion_songs_ended_total{state="finished"}"#] == 1)
                let windows = total("orchestrion_windows_completed_total", values)
                let status = try await cluster.windows(of: id)
                #expect(windows == Double(status) && windows >= 3)
                #expect(total("orchestrion_chunks_journaled_total", values) >= windows)
                #expect(!values.keys.contains { $0.contains("counted") || $0.contains("\"a\"") })
                let removed = try await cluster.command("remove", [id])
                #expect(removed.succeeded, "\(removed.report)")
                try cluster.killCoordinator()
                try await cluster.startCoordinator()
                let after = try await metrics(cluster)
                for name in values.keys where name.contains("_total") && !Self.restarts.contains(where: name.contains) {
                    #expect(after[name] ?? 0 >= values[name] ?? 0, "\(name)")
                }
                #expect(total("orchestrion_tokens_sampled_total", after) == Double(wanted))
                #expect(after["orchestrion_songs_removed_total"] == 1 && total("orchestrion_songs", after) == 0)
            }
        }

        /// What is counted from the beginning of the coordinator's process.
        private static let restarts = ["turned_away", "cpu_seconds", "worker_tokens"]
    }
}

extension Cluster {
    /// Windows of a song that are complete.
    fileprivate func windows(of song: String) async throws -> Int {
        struct Level: Decodable { var windowsDone: Int }
        struct Song: Decodable {
            var song: String
            var levels: [Level]
        }
        struct Status: Decodable { var songs: [Song] }
        let status = try await command("status", ["--json"]).decode(Status.self)
        return status.songs.first { $0.song == song }?.levels.reduce(0) { $0 + $1.windowsDone } ?? 0
    }
}
