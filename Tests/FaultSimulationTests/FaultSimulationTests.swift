import Testing

@testable import FaultSimulation

/// Whole clusters with faults: the real cores, the real codec and journal, in virtual time.
struct FaultSimulationTests {
    private static let (seeds, faults) = (UInt64(1)..<201, 20)

    @Test func `no seed breaks a rule`() throws {
        let summary = try SeedSeries(Self.seeds, faults: Self.faults, mostFailures: 1).run(threads: 2)
        for failure in summary.failures {
            Issue.record(
                "orchestrion simulate --seed \(failure.seed) --faults \(Self.faults) --trace: \(failure.violation!)")
        }
        #expect(summary.failures.isEmpty)
    }

    @Test func `every kind of fault strikes`() throws {
        let summary = try SeedSeries(300..<312, faults: 70).run(threads: 2)
        #expect(Set(summary.fired.keys) == Set(Fault.Kind.allCases))
        #expect(summary.fewestFaults == 70 && summary.faults == 12 * 70)
        let sent = summary.messages
        #expect(sent.dropped > 0 && sent.duplicated > 0 && sent.delayed > 0 && sent.changed > 0 && sent.blocked > 0)
        let disk = summary.disk
        #expect(disk.refused > 0 && disk.lostAtPowerCuts > 0 && disk.tornAtPowerCuts > 0)
    }

    @Test func `a seed gives the same twice, and another one something else`() throws {
        let first = try FaultSimulation.run(seed: 5, faults: 40)
        let again = try FaultSimulation.run(seed: 5, faults: 40)
        let other = try FaultSimulation.run(seed: 6, faults: 40)
        #expect(first.digest == again.digest && first.events == again.events && first.fired == again.fired)
        #expect(first.digest != other.digest)
    }

    @Test func `without faults a cluster does what it is asked for`() throws {
        let result = try FaultSimulation.run(seed: 1, faults: 0)
        #expect(result.violation == nil && result.faults == 0 && result.songs > 0)
    }
}
