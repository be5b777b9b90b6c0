import DiskFaultSupport
import TestSupport
import Testing

/// What a power cut leaves of a journal: all that was acknowledged. `orchestrion-disks power-cuts` makes thousands of images.
@Suite(.enabled(if: DiskShim.library != nil)) struct PowerCutTests {
    @Test func `no cut takes what was acknowledged from a journal that many songs go through`() async throws {
        let report = try await PowerCutRecording.journal(steps: 150, seed: 3).run(images: 200)
        #expect(report.faults.isEmpty, "\(report.faults)")
        // Cuts that lost nothing show nothing.
        #expect(report.withLosses > 60, "\(report.text)")
    }
}
