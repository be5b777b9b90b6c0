import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What is planned, and what happened.
    @Suite(.serialized) struct PlanTests {
        private struct Table: Decodable {
            struct Row: Decodable {
                var workers: Int
                var segments: Int
                var seconds: Double
                var efficiency: Double
                var speedup: Double
            }
            struct Level: Decodable {
                var level: Int
                var windows: Int
                var newTokens: Int
            }
            var songSeconds: Double
            var levels: [Level]
            var chainSeconds: Double
            var workSeconds: Double
            var workerBytes: Int
            var rows: [Row]
        }

        @Test func `a plan is made without weights, workers or a coordinator`() async throws {
            let file = try TestFolder.place("plan.svg")
            let result = try await Orchestrion.succeed([
                "plan", "--preset", "1b_lyrics", "--mode", "upsample", "--seconds", "20", "--workers", "4x1,1x0.5",
                "--usual", "500", "--plot", file, "--json",
            ])
            var table = try result.decode(Table.self)
            // The same in segments, which the song was not asked in.
            let cut = table.rows.filter { $0.segments > 1 }
            table.rows.removeAll { $0.segments > 1 }
            #expect(table.rows.map(\.workers) == [1, 2, 4, 5] && cut.map(\.workers) == [1, 2, 4, 5])
            #expect(cut[2].seconds < 0.6 * table.rows[2].seconds)
            #expect(table.levels.map(\.newTokens) == [110_240, 27_560, 0])
            // Two chains: a second worker helps, a third has nothing to do.
            #expect(table.rows[1].speedup > 1.1 && table.rows[2].speedup < table.rows[1].speedup * 1.01)
            #expect(abs(table.rows[0].seconds / table.workSeconds - 1) < 0.02 && table.rows[0].efficiency > 0.98)
            #expect(table.rows.allSatisfy { $0.seconds >= table.chainSeconds * 0.99 })
            let svg = try String(contentsOfFile: file, encoding: .utf8)
            let windows = table.levels.reduce(0) { $0 + $1.windows }
            #expect(svg.hasPrefix("<svg") && svg.components(separatedBy: "<title>").count - 1 >= windows)
            #expect(svg.contains("level 1") && svg.contains("</svg>"))
            let small = try await Orchestrion.succeed([
                "plan", "--preset", "1b_lyrics", "--mode", "upsample", "--seconds", "20", "--profile", "int8", "--json",
            ]).decode(Table.self)
            #expect(small.workerBytes > table.workerBytes / 2 && small.workerBytes < table.workerBytes * 2 / 3)
        }

        /// The last row is simulated whole, the others as small as says the same.
        @Test func `a row says the same whichever cluster it is a part of`() async throws {
            func rows(_ workers: String, _ options: [String]) async throws -> [Table.Row] {
                try await Orchestrion.succeed(
                    ["plan", "--preset", "1b_lyrics", "--mode", "upsample", "--workers", workers, "--json"] + options
                ).decode(Table.self).rows
            }
            // Rounds of songs, more workers than chains, both in segments, and plenty of chains.
            for (few, many, options) in [
                ("2x1", "4x1", ["--seconds", "30", "--songs", "6", "--segments", "16"]),
                ("2x1", "4x1", ["--seconds", "30", "--songs", "8"]), ("8x1", "16x1", ["--seconds", "60"]),
                ("4x1", "8x1", ["--seconds", "30", "--songs", "8", "--segments", "3"]),
                ("16x1", "17x1", ["--seconds", "30", "--segments", "4"]),
                ("2x1,2x0.5", "2x1,3x0.5", ["--seconds", "30", "--songs", "4", "--segments", "3"]),
            ] {
                let whole = try await rows(few, options)
                let some = try await rows(many, options)
                let workers = whole.map(\.workers).max()!
                let (a, b) = (
                    try #require(whole.first { $0.workers == workers }),
                    try #require(some.first { $0.workers == workers })
                )
                #expect(a.segments == b.segments)
                #expect(abs(a.seconds / b.seconds - 1) < 0.02, "\(options), \(workers): \(a.seconds), \(b.seconds)")
            }
        }

        @Test func `a song's file is planned with all that submit would check`() async throws {
            let model = try await TestModel.tiny()
            let file = try TestFolder.place("song.json")
            try #"{"model": "\#(model)", "seconds": 1, "samples": [{}, {}]}"#.write(
                toFile: file, atomically: true, encoding: .utf8)
            let plan = try await Orchestrion.succeed(["plan", file, "--workers", "2@1000"])
            for words in ["1.0 s of audio, 2 samples", "level", "finish", "efficiency", "memory"] {
                #expect(plan.output.contains(words), "\(words) in \(plan.report)")
            }
            try #"{"model": "\#(model)", "sample_length": 100}"#.write(toFile: file, atomically: true, encoding: .utf8)
            let wrong = try await Orchestrion.run(["plan", file])
            #expect(wrong.ending == .exited(1) && wrong.errorOutput.contains("128"), "\(wrong.report)")
            for workers in ["many", "0x1", "3@5-1"] {
                let bad = try await Orchestrion.run(["plan", "--preset", "tiny", "--workers", workers])
                #expect(bad.ending == .exited(64) && bad.errorOutput.contains("is not a list of workers"))
            }
        }

        private struct Report: Decodable {
            struct Worker: Decodable {
                var name: String
                var windows: Int
                var tokens: Int
                var lost: Int
            }
            var measuredSeconds: Double
            var plannedSeconds: Double?
            var workers: [Worker]
        }

        @Test func `the timeline says who did what, while it runs, at the end, and of a folder`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 3, seed: 3, samples: 2)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try await cluster.submit(song, id: "timed")
                let early = try await cluster.command("timeline", ["timed"])
                #expect(early.ending == .exited(0) || early.errorOutput.contains("nothing of timed"), "\(early.report)")
                // One slot each, so that both have work whoever comes first.
                for name in ["first", "second"] { try cluster.startWorker(name, options: ["--slots", "1"]) }
                try await cluster.waitUntilSampled(3000, of: "timed")
                let running = try await cluster.command("timeline", ["timed", "--json"])
                let part = try running.decode(Report.self)
                #expect(part.workers.reduce(0) { $0 + $1.tokens } > 0)
                _ = try await cluster.waitUntilEnded("timed")
                let file = try TestFolder.place("timeline.svg")
                let whole = try await cluster.command("timeline", ["timed", "--json", "--plot", file])
                let report = try whole.decode(Report.self)
                #expect(Set(report.workers.map(\.name)) == ["first", "second"])
                let status = try await cluster.status(of: "timed")
                #expect(report.workers.reduce(0) { $0 + $1.tokens } == status.wantedTokens)
                #expect(try String(contentsOfFile: file, encoding: .utf8).contains("first"))
                let out = try TestFolder.place("timed")
                try await Orchestrion.succeed(["fetch", "timed", "--out", out] + cluster.connection)
                let text = try await Orchestrion.succeed(["timeline", out])
                #expect(text.output.contains("planned") && text.output.contains("second"), "\(text.report)")
                // The same run, had the second worker ended with its first window, and had it been lost then.
                let idle = try await planned(out, endingOfSecond: "done")
                let lost = try await planned(out, endingOfSecond: "worker lost: abcdefgh")
                #expect(lost > 1.3 * idle, "lost \(lost), idle \(idle)")
            }
        }

        /// What is planned for a run of which only the second worker's first lease is kept, with that ending.
        private func planned(_ song: String, endingOfSecond ending: String) async throws -> Double {
            let data = try Data(contentsOf: URL(fileURLWithPath: song).appendingPathComponent("timeline.json"))
            var timeline = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
            let leases = try #require(timeline["leases"] as? [[String: Any]])
            var first = try #require(leases.first { $0["worker"] as? Int == 1 && $0["tokens"] as? Int ?? 0 > 0 })
            first["ending"] = ending
            timeline["leases"] = leases.filter { $0["worker"] as? Int == 0 } + [first]
            let folder = URL(fileURLWithPath: try TestFolder.place("edited"))
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try JSONSerialization.data(withJSONObject: timeline).write(
                to: folder.appendingPathComponent("timeline.json"))
            let report = try await Orchestrion.succeed(["timeline", folder.path, "--json"]).decode(Report.self)
            return try #require(report.plannedSeconds)
        }
    }
}
