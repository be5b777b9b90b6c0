import Testing

@testable import FaultSimulation

struct SimulationSeedTests {
    @Test func `dice of one seed fall alike`() {
        var (first, second) = (Dice(seed: 7), Dice(seed: 7))
        #expect((0..<9).map { _ in first.next() } == (0..<9).map { _ in second.next() })
    }
}
