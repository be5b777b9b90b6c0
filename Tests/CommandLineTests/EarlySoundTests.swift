import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// A song is heard while it is sampled, and its best samples go on.
    @Suite(.serialized) struct EarlySoundTests {
        private struct Report: Decodable {
            struct Sound: Decodable {
                var sample: Int
                var file: String
                var seconds: Double
                var complete: Bool
            }
            var level: Int
            var songSeconds: Double
            var sounds: [Sound]
        }

        /// The samples of a 16-bit WAV file.
        private func pcm(_ path: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: path)).dropFirst(44)
        }

        /// What can be fetched of a level, as soon as its first sound is such.
        private func heard(
            _ song: String, level: Int, of cluster: Cluster, into out: String, when isEnough: (Report.Sound) -> Bool
        ) async throws -> Report {
            var report: Report?
            try await wait(for: "sound of level \(level)", limit: .seconds(120)) {
                let fetch = try await cluster.command(
                    "fetch", [song, "--so-far", "--level", "\(level)", "--out", out, "--json"])
                report = fetch.succeeded ? try fetch.decode(Report.self) : nil
                return report?.sounds.first.map(isEnough) ?? false
            }
            return try #require(report)
        }

        @Test func `what is heard early is the beginning of what is heard at the end`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 6, seed: 5, samples: 2)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try await cluster.submit(song, id: "early")
                let none = try await cluster.command("fetch", ["early", "--so-far", "--out", TestFolder.place("none")])
                #expect(none.ending == .exited(1) && none.errorOutput.contains("can be heard"), "\(none.report)")
                try cluster.startWorker("only", options: ["--slots", "2"])
                let out = try TestFolder.place("so-far")
                let heard = try await heard("early", level: 2, of: cluster, into: out) { _ in true }
                let state = try await cluster.status(of: "early")
                #expect(state.state == "sampling", "the song had ended when its beginning was first heard")
                let first = try #require(heard.sounds.first { !$0.complete }, "the level was complete at once")
                #expect(heard.level == 2 && first.seconds > 0.2 && first.seconds < heard.songSeconds)
                let soFar = try pcm("\(out)/\(first.file)")
                #expect(soFar.count == Int((first.seconds * 44_100).rounded()) * 2)
                _ = try await cluster.waitUntilEnded("early")
                let whole = try TestFolder.place("whole")
                try await Orchestrion.succeed(["fetch", "early", "--out", whole] + cluster.connection)
                let all = try pcm("\(whole)/level_2/sample_\(first.sample).wav")
                #expect(all.count > soFar.count && all.prefix(soFar.count) == soFar)
                // Nothing raw is left, and the lowest level is what there is now.
                let end = try await cluster.command("fetch", ["early", "--so-far", "--out", out, "--json"])
                let report = try end.decode(Report.self)
                #expect(report.level == 0 && report.sounds.allSatisfy(\.complete) && report.sounds.count == 2)
                #expect(!FileManager.default.fileExists(atPath: "\(cluster.stateFolder)/songs/early/so_far"))
            }
        }

        @Test func `of a level in segments the first is heard early, as far as it is not joined`() async throws {
            let song = TestSong(
                model: try await TestModel.tiny(), seconds: 8, seed: 6, other: ["--segments", "2"])
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try await cluster.submit(song, id: "cut")
                try cluster.startWorker("only", options: ["--slots", "1"])
                let out = try TestFolder.place("cut-so-far")
                let early = try await heard("cut", level: 1, of: cluster, into: out) { _ in true }
                let first = try #require(early.sounds.first)
                try #require(!first.complete && first.seconds < 4.2, "\(first)")
                let soFar = try pcm("\(out)/\(first.file)")
                _ = try await cluster.waitUntilEnded("cut")
                let whole = try TestFolder.place("cut-whole")
                try await Orchestrion.succeed(["fetch", "cut", "--out", whole] + cluster.connection)
                #expect(try pcm("\(whole)/level_1/sample_0.wav").prefix(soFar.count) == soFar)
            }
        }

        @Test func `of a level in segments more is heard with every seam`() async throws {
            let song = TestSong(
                model: try await TestModel.tiny(), seconds: 8, seed: 7, other: ["--segments", "4"])
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try await cluster.submit(song, id: "seams")
                try cluster.startWorker("only", options: ["--slots", "1"])
                let out = try TestFolder.place("seams-so-far")
                // Beyond its first seam.
                let early = try await heard("seams", level: 1, of: cluster, into: out) { $0.seconds > 2.5 }
                let sound = try #require(early.sounds.first)
                #expect(!sound.complete && sound.seconds < 7.9, "the level was complete at once")
                let soFar = try pcm("\(out)/\(sound.file)")
                _ = try await cluster.waitUntilEnded("seams")
                let whole = try TestFolder.place("seams-whole")
                try await Orchestrion.succeed(["fetch", "seams", "--out", whole] + cluster.connection)
                let all = try pcm("\(whole)/level_1/sample_0.wav")
                #expect(all.count > 8 * 44_000 * 2 && all.prefix(soFar.count) == soFar)
            }
        }

        @Test func `kept samples go on as they would have in their own song`() async throws {
            let model = try await TestModel.tiny()
            let whole = TestSong(model: model, seconds: 0.4, seed: 9, samples: 4)
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                try cluster.startWorker("only")
                var sketch = whole
                sketch.other = ["--stop-at", "2"]
                try await cluster.submit(sketch, id: "sketches")
                let early = try await cluster.command("upsample", ["sketches", "--keep", "9"])
                #expect(early.ending != .exited(0))
                _ = try await cluster.waitUntilEnded("sketches")
                let wrong = try await cluster.command("upsample", ["sketches", "--keep", "1,4"])
                #expect(wrong.errorOutput.contains("it has 4, 0 to 3"), "\(wrong.report)")
                let out = try TestFolder.place("kept")
                let kept = try await cluster.command("upsample", ["sketches", "--keep", "1,3", "--wait", "--out", out])
                try #require(kept.succeeded, "\(kept.report)")
                let (result, oracle) = (try SongResult(folder: out), try await whole.undisturbed())
                for level in 0...2 {
                    let all = try oracle.tokens(level: level)
                    #expect(try result.tokens(level: level) == [all[1], all[3]], "level \(level)")
                }
                // The description makes the same song again.
                let samples = try SongResult.json(out)["samples"] as? [[String: Any]]
                #expect(samples?.compactMap { $0["number"] as? Int } == [1, 3])
            }
        }
    }
}
