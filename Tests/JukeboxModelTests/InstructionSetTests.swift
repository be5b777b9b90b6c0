import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// Whole priors on the scalar kernels, which define the arithmetic, and on the fastest ones.
@Suite struct InstructionSetTests {
    /// Logits of a window of each fixture level, one number for each.
    private static func checksums() throws -> String {
        let team = ThreadTeam(threads: 1)
        return try (Fixture.allLevels + Fixture.otherProfiles).map { place in
            var window = try WindowCase(place)
            // Enough for every attention pattern to see several blocks; the scalar kernels are slow.
            window.music = Array(window.music.prefix(place.profile == .f32 ? 96 : 40))
            let logits = window.logits(chunk: window.prior.blockLength, team: team)
            let sum = logits.reduce(UInt64(14_695_981_039_346_656_037)) {
                ($0 ^ UInt64($1.bitPattern)) &* 1_099_511_628_211
            }
            return "\(place)=\(String(sum, radix: 16))"
        }.joined(separator: ";")
    }

    @Test(.enabled(if: Kernels.available.count > 1))
    func `scalar and vector kernels give whole priors the same bits`() async throws {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            setenv("ORCHESTRION_ISA", "scalar", 1)
            print("isa=\(Kernels.active.name);\(try Self.checksums());")
        }
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(Kernels.active.name != "scalar" || ProcessInfo.processInfo.environment["ORCHESTRION_ISA"] != nil)
        #expect(output.contains("isa=scalar;"))
        #expect(output.contains(try Self.checksums()))
    }
}
