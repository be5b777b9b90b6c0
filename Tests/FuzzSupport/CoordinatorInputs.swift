import ClusterProtocol
import ClusterTestSupport
import Foundation
import ModelTestSupport
import Synchronization

/// A coordinator that runs, and is sent whatever there is. It is another one after some thousands of inputs, so that what
/// they leave behind stays bounded.
final class CoordinatorInputs: Sendable {
    static let shared = CoordinatorInputs()

    private static let inputsEach = 2000
    private let state = Mutex<Running?>(nil)

    private struct Running {
        let folder: TemporaryFolder
        let cluster: InProcessCluster
        let stranger: InMemoryClient
        var inputs = 0

        init() throws {
            folder = try TemporaryFolder()
            cluster = try InProcessCluster(folder: folder.file("state"), fixture: .twoLevel)
            stranger = cluster.peer()
        }
    }

    /// - Returns: `refused` unless the coordinator answered the sender.
    func feed(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        guard bytes.count <= TransportLimits.maximumMessageSize else { return .refused }
        return try state.withLock { running in
            if running == nil { running = try Running() }
            guard var present = running else { return .refused }
            present.inputs += 1
            running = present
            while try !present.stranger.send(bytes, to: .coordinator) { usleep(100) }
            let answers = try present.stranger.receive(timeout: .zero, limit: 256)
            if present.inputs.isMultiple(of: 500) { try check(present.cluster) }
            if present.inputs >= Self.inputsEach {
                present.cluster.stop()
                running = nil
            }
            return answers.isEmpty ? .refused : .taken
        }
    }

    /// It still answers others, and nothing of it has ended.
    private func check(_ cluster: InProcessCluster) throws {
        _ = try cluster.ask(.status(WireStatusQuery()))
        guard cluster.faults.isEmpty else { throw BrokenPromise("the coordinator ended: \(cluster.faults)") }
    }
}
