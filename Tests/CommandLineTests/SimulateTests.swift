import Foundation
import TestSupport
import Testing

extension CommandLines {
    struct SimulateTests {
        private struct Report: Decodable {
            var seeds: Int
            var failed: Int
            var songs: Int
            var digest: String
            var struck: [String: Int]
        }

        private func simulate(_ arguments: [String]) async throws -> Report {
            let result = try await Orchestrion.succeed(["simulate", "--json"] + arguments)
            return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        }

        /// Sets and dictionaries have another order in each process.
        @Test func `seeds give the same in every process, however many run side by side`() async throws {
            let seeds = ["--seed", "21", "--seeds", "6", "--faults", "30"]
            let first = try await simulate(seeds + ["--workers", "1"])
            let again = try await simulate(seeds + ["--workers", "3"])
            #expect(first.seeds == 6 && first.failed == 0 && first.songs >= 6 && !first.struck.isEmpty)
            #expect(first.digest == again.digest)
        }

        @Test func `a trace has the faults and what was journaled`() async throws {
            let result = try await Orchestrion.succeed(["simulate", "--seed", "3", "--faults", "12", "--trace"])
            for text in ["FAULT ", "journal: ", "acknowledged", "no rule was broken"] {
                #expect(result.output.contains(text), "\(text) is missing")
            }
        }

        @Test func `a trace of many seeds is refused`() async throws {
            let result = try await Orchestrion.run(["simulate", "--seeds", "2", "--trace"])
            #expect(result.ending == .exited(64))
            #expect(result.errorOutput.contains("--trace shows one seed"))
        }
    }
}
