import ClusterProtocol
import CoordinatorCore
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
    /// Of one coordinator at the same time, and after each other.
    private static let (songs, rounds) = (4, 12)

    /// Often, so that much is said in a short time.
    private static let settings = Settings(heartbeat: .milliseconds(40))
    private static let session = Session.Settings(
        helloInterval: .milliseconds(50), resendInterval: .milliseconds(50))

    /// Samples the song once without faults.
    package init(faults: MessageFaults, workers: Int = 3) throws {
        (self.faults, self.workers) = (faults, workers)
        var codes: [[[Int]]] = []
        try Self.withCluster(workers: 1, { client, _ in client }) { codes = try Self.sample(["song"], on: $0)[0] }
        undisturbed = codes
    }

    /// Samples it until so many messages were treated, with a new coordinator and new workers now and then.
    ///
    /// - Parameters:
    ///   - seed: of the dice; of the next coordinator's it is the next number.
    ///   - progress: hears after each round how many messages there were.
    /// - Returns: how often the song was sampled.
    /// - Throws: `FixtureError` when a code differs, somebody gives up, or a song does not end within 120 s.
    package func run(seed: UInt64, messages: Int, progress: (Int) -> Void = { _ in }) throws -> Int {
        let (faults, ledger) = (faults, ledger)
        var (number, seed) = (0, seed)
        while ledger.counts.messages < messages {
            let decorate: Decorate = { [seed] client, worker in
                LossyTransport(client, faults: faults, seed: seed &* 1_000_003 &+ UInt64(worker), ledger: ledger)
            }
            try Self.withCluster(workers: workers, decorate) { cluster in
                for _ in 0..<Self.rounds where ledger.counts.messages < messages {
                    let names = (number..<number + Self.songs).map { "song-\($0)" }
                    number += Self.songs
                    guard try Self.sample(names, on: cluster).allSatisfy({ $0 == undisturbed }) else {
                        throw FixtureError(description: "codes of dice seed \(seed) differ from an undisturbed run's")
                    }
                    progress(ledger.counts.messages)
                }
            }
            seed += 1
        }
        return number
    }

    private typealias Decorate = @Sendable (InMemoryClient, Int) -> any Transport

    private static func sample(_ names: [String], on cluster: InProcessCluster) throws -> [[[[Int]]]] {
        for name in names { try cluster.submit(name, request) }
        return try names.map { try cluster.codes(of: $0, within: .seconds(120)) }
    }

    private static func withCluster(
        workers: Int, _ decorate: @escaping Decorate, _ body: (InProcessCluster) throws -> Void
    ) throws {
        let folder = try TemporaryFolder()
        let cluster = try InProcessCluster(folder: folder.file("state"), fixture: .twoLevel, settings: settings)
        defer { cluster.stop() }
        for number in 0..<workers {
            try cluster.startWorker("w\(number)", session: session) { decorate($0, number) }
        }
        try body(cluster)
        guard cluster.faults.isEmpty else { throw FixtureError(description: "somebody gave up: \(cluster.faults)") }
    }
}
