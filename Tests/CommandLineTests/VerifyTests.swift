import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct VerifyTests {
        private struct Finding: Decodable {
            var quantity: String
            var passed: Bool
            var count: Int
            var tolerance: Double
            var largestError: Double?
            var differing: Int?
        }

        /// The command for a fixture, and the quantities that it has at least.
        private static func command(_ name: String) -> [String] {
            let folder = "\(TestModel.fixtures)/\(name)"
            guard name.hasPrefix("hf-") else { return ["verify", folder] }
            let twin = "\(TestModel.fixtures)/\(name.dropFirst(3))"
            return [
                "verify", folder, "--expected", "\(twin)/expected.safetensors", "--scenario", "\(twin)/scenario.json",
            ]
        }

        /// Those with lyrics have alignments, too.
        private static let withLyrics = [
            "lyrics-single", "lyrics-encdec", "hf-lyrics-single", "order8-strides4", "single-odd-sizes",
        ]

        @Test(arguments: withLyrics + ["no-lyrics", "two-level-unlabelled", "hf-no-lyrics"])
        func `every quantity of a fixture agrees`(name: String) async throws {
            let result = try await Orchestrion.succeed(Self.command(name))
            let lines = result.output.split(separator: "\n")
            let last = try #require(lines.last)
            #expect(last.hasPrefix("All \(lines.count - 1) quantities agree"), "\(last)")
            for line in lines.dropLast() { #expect(line.hasPrefix("ok "), "\(line)") }
            let names = Set(lines.compactMap { $0.split(separator: " ").dropFirst().first })
            for quantity in ["encode.z0", "decode.from_level_0", "ancestral.z0", "primed.z1", "upsample.z0"] {
                #expect(names.contains(Substring(quantity)), "\(quantity) was not compared")
            }
            #expect(names.contains { $0.hasPrefix("forward.level_1.start_") && $0.hasSuffix(".logits") })
            #expect(names.contains { $0.hasPrefix("align.") } == Self.withLyrics.contains(name))
        }

        @Test func `the findings are there as JSON, whatever the instruction set`() async throws {
            let result = try await Orchestrion.succeed(
                Self.command("two-level-unlabelled") + ["--json"], environment: ["ORCHESTRION_ISA": "scalar"])
            let findings = try result.decode([Finding].self)
            #expect(findings.count > 10)
            #expect(findings.allSatisfy { $0.passed })
            #expect(findings.allSatisfy { ($0.largestError ?? Double($0.differing ?? 0)) <= $0.tolerance })
            #expect(findings.contains { $0.quantity == "ancestral.z0" && $0.differing == 0 && $0.count > 0 })
        }

        @Test func `one altered byte of a weight is found, and the quantities named`() async throws {
            let copy = try TestModel.copy("\(TestModel.fixtures)/no-lyrics", as: "no-lyrics")
            let file = "\(copy)/prior_level_0.pth.tar"
            // The last tensor is the bias of a LayerNorm; its last number becomes one of about 2.
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(bytes[bytes.count - 1] & 0x7f != 0x40)
            bytes[bytes.count - 1] = 0x40
            try bytes.write(to: URL(fileURLWithPath: file))
            let result = try await Orchestrion.run(["verify", copy])
            #expect(result.ending == .exited(1))
            let misses = result.output.split(separator: "\n").filter { $0.hasPrefix("MISS ") }
            #expect(misses.contains { $0.contains("forward.level_0.start_0.logits") && $0.contains("tolerance") })
            #expect(misses.allSatisfy { !$0.contains("level_1") && !$0.contains("level_2") && !$0.contains("z2") })
            let last = try #require(result.output.split(separator: "\n").last)
            #expect(last.hasPrefix("\(misses.count) of ") && last.contains("forward.level_0.start_0.logits"))
        }

        @Test func `what is missing is named`() async throws {
            let nothing = try await Orchestrion.run(["verify", try await TestModel.tiny()])
            #expect(nothing.ending == .exited(1))
            #expect(nothing.errorOutput.contains("expected.safetensors") && nothing.errorOutput.contains("--expected"))
            let isa = try await Orchestrion.run(
                Self.command("two-level-unlabelled"), environment: ["ORCHESTRION_ISA": "mmx"])
            #expect(isa.ending != .exited(0))
            #expect(isa.errorOutput.contains("mmx") && isa.errorOutput.contains("scalar"), "\(isa.report)")
        }
    }
}
