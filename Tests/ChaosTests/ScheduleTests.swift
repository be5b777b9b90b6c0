import Chaos
import Testing

struct ScheduleTests {
    private static func faults(_ seed: UInt64, _ kinds: Set<FaultKind>, _ count: Int) -> [PlannedFault] {
        var schedule = Schedule(seed: seed, settings: .init(kinds: kinds, gap: 0.5...3, lease: 2))
        return (0..<count).compactMap { _ in schedule.next() }
    }

    @Test func `the same seed gives the same faults, another one others`() {
        let kinds = Set(FaultKind.allCases)
        #expect(Self.faults(7, kinds, 200) == Self.faults(7, kinds, 200))
        #expect(Self.faults(7, kinds, 200) != Self.faults(8, kinds, 200))
    }

    @Test func `every kind comes once before any comes twice, and standing ones never`() {
        let moments = FaultKind.allCases.filter { !$0.isStanding }
        let faults = Self.faults(1, Set(FaultKind.allCases), 3 * moments.count)
        for round in 0..<3 {
            let kinds = faults[round * moments.count..<(round + 1) * moments.count].map(\.kind)
            #expect(Set(kinds) == Set(moments))
        }
        #expect(faults.map(\.number) == Array(1...faults.count))
    }

    @Test func `gaps and durations are within their bounds`() {
        for fault in Self.faults(3, Set(FaultKind.allCases), 500) {
            #expect((0.5...3).contains(fault.gap))
            if fault.kind == .stopWorker { #expect((4...20).contains(fault.duration)) }
            if fault.kind == .killWorker { #expect((0...1).contains(fault.duration)) }
            #expect((0..<3).contains(fault.victim(of: 3)))
        }
    }

    @Test func `without kinds there are no faults`() {
        #expect(Self.faults(1, [.lie], 5).isEmpty)
    }

    @Test func `presets have kinds, and names of their own`() {
        #expect(Preset.all.allSatisfy { !$0.kinds.isEmpty && !$0.summary.isEmpty })
        #expect(Set(Preset.all.map(\.name)).count == Preset.all.count)
    }
}
