import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What `bench` prints; how fast anything is says no test.
    @Suite(.serialized) struct BenchTests {
        private struct Report: Decodable {
            struct Figure: Decodable {
                var group: String
                var name: String
                var value: Double
                var unit: String
                var share: Double?
            }
            var model: String
            var profile: String
            var threads: Int
            var figures: [Figure]
        }

        private let quick = ["bench", "--model", "music-box", "--quick", "--threads", "1", "--profile", "f32"]

        @Test func `figures come with their share of the machine's limits, and as a plot`() async throws {
            let plot = try TestFolder.place("bench.svg")
            let result = try await Orchestrion.succeed(
                quick + ["--parts", "decode,prefill,ragged", "--batches", "1,16", "--json", "--plot", plot])
            let report = try #require(
                JSONDecoder().decode([Report].self, from: Data(result.output.utf8)).first)
            #expect(report.model == "music-box level 0" && report.threads == 1 && report.profile == "f32")
            let groups = report.figures.map { "\($0.group) \($0.name)" }
            #expect(
                groups == [
                    "machine reads from memory", "machine float32 multiply-adds", "machine int8 products",
                    "decode batch 1", "decode batch 16", "prefill 64 rows at a time",
                    "ragged 16 slots, windows come and go",
                ])
            for figure in report.figures {
                #expect(figure.value > 0 && figure.value.isFinite, "\(figure)")
                #expect(figure.group == "machine" || figure.share ?? 0 > 0, "\(figure)")
            }
            let drawn = try String(contentsOfFile: plot, encoding: .utf8)
            #expect(drawn.contains("<svg") && drawn.hasSuffix("</svg>\n"))
        }

        @Test func `for people there is a line for each figure`() async throws {
            let result = try await Orchestrion.succeed(quick + ["--parts", "codec", "--level", "1"])
            #expect(result.output.hasPrefix("music-box level 1, profile f32, 1 threads, "), "\(result.report)")
            #expect(result.output.contains(#/decode level 0 +[0-9.]+ × real time +wanted ≥ 5: (reached|missed)/#))
        }

        @Test func `what cannot be measured is refused with what can`() async throws {
            for (arguments, words) in [
                (["--preset", "top-9b"], ["top-9b", "upsampler-1b"]),
                (["--parts", "decode,luck"], ["luck", "prefill"]),
                (["--model", "music-box", "--level", "3"], ["levels 0 to 2"]), (["--batches", "0"], ["0 is not"]),
                (["--model", "music-box", "--preset", "top-5b"], ["either"]),
            ] {
                let result = try await Orchestrion.run(["bench"] + arguments)
                #expect(result.ending != .exited(0) && result.output.isEmpty, "\(result.report)")
                for word in words { #expect(result.errorOutput.contains(word), "\(result.report)") }
            }
        }
    }
}
