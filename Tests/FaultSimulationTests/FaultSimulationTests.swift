import Testing

@testable import FaultSimulation

/// Whole clusters with faults: the real cores, the real codec and journal, in virtual time.
struct FaultSimulationTests {
    private static let (seeds, faults) = (UInt64(1)...120, 40)

    @Test func `no seed breaks a rule`() throws {
        var fired: Set<Fault.Kind> = []
        var messages = FaultSimulation.MessageCounts()
        var lost = 0
        for seed in Self.seeds {
            let result = try FaultSimulation.run(seed: seed, faults: Self.faults)
            if let violation = result.violation {
                Issue.record("\(violation)\norchestrion simulate --seed \(seed) --faults \(Self.faults) --trace")
                return
            }
            fired.formUnion(result.fired.keys)
            messages.dropped += result.messages.dropped
            messages.duplicated += result.messages.duplicated
            messages.delayed += result.messages.delayed
            messages.changed += result.messages.changed
            lost += result.disk.lostAtPowerCuts + result.disk.tornAtPowerCuts
        }
        #expect(fired == Set(Fault.Kind.allCases))
        #expect(messages.dropped > 0 && messages.duplicated > 0 && messages.delayed > 0 && messages.changed > 0)
        #expect(lost > 0)
    }
}
