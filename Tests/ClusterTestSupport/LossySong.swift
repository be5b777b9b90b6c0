import ClusterProtocol
import CoordinatorCore
import Foundation
import ModelTestSupport
import WorkerCore

/// One small song, sampled again and again by workers whose messages are treated badly; its codes must always be those of a
/// run without.
package struct LossySong {
    private let faults: MessageFaults
    private let workers: Int
    private let undisturbed: [[[Int]]]
    package let ledger = FaultLedger()

    private static let request =
        #"{"model":"two-level-unlabelled","sample_length":32768,"samples":[{},{}],"seed":41}"#

    /// Often, so that much is said in a short time; a lease outlives many lost heartbeats.
    private static let settings = Settings(lease: .seconds(1), heartbeat: .milliseconds(20))
    private static let session = Session.Settings(
        helloInterval: .milliseconds(50), resendInterval: .milliseconds(50))

    /// Samples the song once without faults.
    package init(faults: MessageFaults, workers: Int = 3) throws {
        (self.faults, self.workers) = (faults, workers)
        undisturbed = try Self.sample(workers: 1) { client, _ in client }
    }

    /// Samples it once.
    ///
    /// - Parameter seed: of the dice.
    /// - Throws: `FixtureError` when a code differs, or the song does not end within 120 s.
    package func sample(seed: UInt64) throws {
        let codes = try Self.sample(workers: workers) { [faults, ledger] client, number in
            LossyTransport(client, faults: faults, seed: seed &* 1_000_003 &+ UInt64(number), ledger: ledger)
        }
        guard codes == undisturbed else {
            throw FixtureError(description: "the codes of fault seed \(seed) differ from those of an undisturbed run")
        }
    }

    private static func sample(
        workers: Int, decorate: @escaping @Sendable (InMemoryClient, Int) -> any Transport
    ) throws -> [[[Int]]] {
        let folder = try TemporaryFolder()
        let cluster = try InProcessCluster(
            folder: folder.file("state"), fixture: .twoLevel, settings: settings)
        defer { cluster.stop() }
        for number in 0..<workers {
            try cluster.startWorker("w\(number)", session: session) { decorate($0, number) }
        }
        try cluster.submit("song", request)
        let codes = try cluster.codes(of: "song", within: .seconds(120))
        guard cluster.faults.isEmpty else { throw FixtureError(description: "something ended: \(cluster.faults)") }
        return codes
    }
}
