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

    @Test func `of a journal that was not synced, cuts take what was acknowledged, and that is found`() async throws {
        let report = try await PowerCutRecording.journal(steps: 60, seed: 4, isSynced: false).run(images: 40)
        #expect(report.faults.count > 10, "\(report.text)")
    }

    @Test func `a changed byte on any page of a journal is noticed or harmless`() throws {
        let report = try JournalFlips(steps: 60, seed: 5).run(onEachPage: 6, seed: 6)
        #expect(report.faults.isEmpty, "\(report.faults)")
        #expect(report.told > 0 && report.salvaged > 0 && report.harmless < report.flips, "\(report.text)")
    }
}
