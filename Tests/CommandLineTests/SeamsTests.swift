import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Songs in segments, and what `seams` says of them.
    @Suite(.serialized) struct SeamsTests {
        private struct Output: Decodable {
            struct Report: Decodable {
                struct Place: Decodable { var seconds: Double }
                var auc: Double
                var seams: [Place]
                var others: [Place]
            }
            var level: Int
            var plot: String
            var report: Report
        }

        private func sample(_ more: [String]) async throws -> (folder: String, output: String) {
            let folder = try TestFolder.place("song")
            let result = try await Orchestrion.succeed(
                ["sample", "--out", folder, "--model", TestModel.tiny(), "--seconds", "1.5", "--seed", "9"] + more)
            return (folder, result.output)
        }

        @Test func `seams are scored, plotted and told with the song`() async throws {
            let (folder, output) = try await sample(["--segments", "3", "--overlap", "0.1"])
            #expect(output.contains("approximate: 3 segments") && output.contains("seam AUC"))
            let seams = try await Orchestrion.succeed(["seams", folder, "--json"]).decode(Output.self)
            #expect(seams.report.seams.count == 2 && seams.report.others.count > 50 && seams.level == 0)
            #expect(try String(contentsOfFile: seams.plot, encoding: .utf8).contains("<svg"))
            let json = try SongResult.json(folder)
            let kept = try #require(json["seam_auc"] as? [Double])
            #expect(abs(try #require(kept.first) - seams.report.auc) < 1e-3)
            // The song file makes the same song again, in segments.
            let again = try TestFolder.place("again")
            try await Orchestrion.succeed(["sample", "--song", "\(folder)/song.json", "--out", again])
            #expect(try SongResult(folder: again) == SongResult(folder: folder))
            let upper = try await Orchestrion.succeed(["seams", folder, "--level", "1", "--json"]).decode(Output.self)
            #expect(upper.level == 1)
        }

        @Test func `an exact song has no seams, and one segment is exact`() async throws {
            let (folder, output) = try await sample(["--segments", "1", "--stop-at", "1"])
            #expect(!output.contains("approximate"))
            #expect(try SongResult.json(folder)["approximate"] == nil)
            let result = try await Orchestrion.run(["seams", folder])
            #expect(result.ending == .exited(1) && result.errorOutput.contains("no seams"))
        }

        @Test func `what cannot work is refused with what can`() async throws {
            let model = try await TestModel.tiny()
            for (options, words) in [
                (["--segments", "many"], "a number from 1, or auto"), (["--segments", "500"], "1 (exact) to"),
                (["--overlap", "0.2"], "overlap is for songs in segments"),
                (["--segments", "2", "--overlap", "9"], "must be 0 to 5"),
            ] {
                let folder = try TestFolder.place("no")
                let result = try await Orchestrion.run(
                    ["sample", "--model", model, "--seconds", "1", "--out", folder] + options)
                #expect(result.ending != .exited(0) && result.errorOutput.contains(words), "\(result.report)")
            }
        }
    }
}
