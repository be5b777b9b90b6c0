import Testing

@testable import FaultSimulation

/// Clusters without faults whose messages take 0.2 s each way, in virtual time.
struct FarWorkersTests {
    private func seconds(_ seed: UInt64, latency: Double) throws -> Double {
        let cluster = try SimulatedCluster(seed: seed, faults: 0)
        defer { cluster.close() }
        cluster.network.latency = latency
        try cluster.run()
        return cluster.clock.seconds
    }

    @Test func `far workers sample songs in little more time than near ones`() throws {
        let seeds = UInt64(1)...40
        let near = try seeds.reduce(0) { try $0 + seconds($1, latency: 0) }
        let far = try seeds.reduce(0) { try $0 + seconds($1, latency: 0.2) }
        // Without announcements it is 1.27: windows are short here, of about 0.6 s.
        #expect(far < 1.23 * near)
    }
}
