import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct ChaosCommandTests {
        private struct Report: Decodable {
            struct Kind: Decodable {
                var kind: String
                var fired: Int
                var seen: Int
            }
            var passed: Bool
            var kinds: [Kind]
            var songsFinished: Int
            var failures: [String]
        }

        @Test func `a handful of faults leaves the song as it is`() async throws {
            let (json, junit) = (try TestFolder.place("report.json"), try TestFolder.place("report.xml"))
            let temporary = try TestFolder.make("tmp")
            let result = try await Orchestrion.succeed(
                [
                    "chaos", "--model", try await TestModel.tiny(), "--seconds", "2", "--faults",
                    "kill-worker,kill-coordinator,partition,reset", "--faults-count", "4", "--gap", "0.2,0.5",
                    "--lease",
                    "1", "--network", "proxy", "--seed", "7", "--json", json, "--junit", junit,
                ], environment: ["TMPDIR": temporary], limit: .seconds(120))
            #expect(result.output.hasSuffix("Passed.\n"), "\(result.report)")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let report = try decoder.decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: json)))
            #expect(report.passed && report.songsFinished >= 1 && report.failures.isEmpty)
            #expect(report.kinds.allSatisfy { $0.seen == $0.fired } && report.kinds.count == 4, "\(result.report)")
            #expect(try String(contentsOfFile: junit, encoding: .utf8).contains("failures=\"0\""))
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
        }

        /// A reset needs the proxy, and a full disk namespaces, where the system lets us have them.
        @Test(arguments: ["file-limit", "disk-full,reset"]) func `a state that cannot grow leaves the song as it is`(
            kinds: String
        ) async throws {
            let result = try await Orchestrion.run(
                [
                    "chaos", "--model", try await TestModel.tiny(), "--seconds", "2", "--faults", kinds,
                    "--faults-count", "2", "--gap", "0.2,0.5", "--seed", "7", "--json", "-",
                ], limit: .seconds(180))
            if kinds.contains("disk-full"), result.errorOutput.contains("cannot be had here") { return }
            try #require(result.succeeded, "\(result.report)")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let report = try decoder.decode(Report.self, from: Data(result.output.utf8))
            #expect(report.passed && report.kinds.allSatisfy { $0.seen == $0.fired }, "\(result.report)")
        }

        @Test func `a lying worker that nobody compares gives exit code 1`() async throws {
            let result = try await Orchestrion.run(
                [
                    "chaos", "--model", try await TestModel.tiny(), "--seconds", "2", "--faults", "lie",
                    "--verify-share",
                    "0", "--seed", "1",
                ], limit: .seconds(120))
            #expect(result.ending == .exited(1), "\(result.report)")
            #expect(result.output.contains("are not those of the undisturbed song"), "\(result.report)")
        }

        @Test func `what cannot be is said with what can`() async throws {
            let kind = try await Orchestrion.run(["chaos", "--faults", "kill-wroker"])
            #expect(kind.ending == .exited(64) && kind.errorOutput.contains("kill-worker"), "\(kind.report)")
            let preset = try await Orchestrion.run(["chaos", "--preset", "none"])
            #expect(preset.ending == .exited(64) && preset.errorOutput.contains("partitions"), "\(preset.report)")
            let bytes = try await Orchestrion.run(["chaos", "--faults", "corrupt", "--network", "namespace"])
            #expect(bytes.ending == .exited(64) && bytes.errorOutput.contains("--network proxy"), "\(bytes.report)")
        }
    }
}
