import Checkpoint
import ClusterClient
import ClusterProtocol
import CoordinatorService
import Foundation
import JukeboxModel
import Synchronization
import SystemErrors
import WorkerService

/// A coordinator and a worker in this process, over the in-memory transport: the same cores as a cluster's.
final class LocalCluster: Sendable {
    private let coordinator: CoordinatorServer
    private let worker: Worker
    private let network = InMemoryNetwork()
    private let failure = Fault()
    private let ended = DispatchGroup()

    /// - Parameter state: the folder of the journal; a second run with the same one goes on.
    init(
        state: URL, registry: ModelRegistry, model: Model, levels: [Int], threads: Int, slots: Int?,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        coordinator = try CoordinatorServer(
            state: state.path, registry: registry,
            options: CoordinatorServer.Options(threads: threads, trustsPaths: true, log: log))
        worker = try Worker(
            model: model,
            options: Worker.Options(name: "this process", levels: levels, threads: threads, slots: slots, log: log))
    }

    func start() {
        let isThere = DispatchSemaphore(value: 0)
        run("coordinator") { [coordinator, network] in
            let server = network.makeServer()
            isThere.signal()
            try coordinator.run(transport: server)
        }
        isThere.wait()
        run("worker") { [worker, network] in try worker.run(transport: network.makeClient()) }
    }

    private func run(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        ended.enter()
        let thread = Thread { [failure, ended] in
            do { try body() } catch { failure.set(Self.text(name, error)) }
            ended.leave()
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// - Parameter mayWait: throws when there is no use in waiting for an answer any more.
    func makeClient(mayWait: @escaping @Sendable () throws -> Void) -> ClusterClient {
        ClusterClient(
            ClientConnection(transport: network.makeClient(), place: "the coordinator in this process"),
            mayWait: { [self] in
                if let fault { throw CommandError(fault) }
                try mayWait()
            })
    }

    /// Why a part stopped of itself.
    var fault: String? { coordinator.fault.map { Self.text("coordinator", $0) } ?? failure.text }

    /// What the system refused needs no word of who met it.
    private static func text(_ name: String, _ error: any Error) -> String {
        error.systemNumber == nil ? "the \(name) stopped: \(error.explanation)" : error.explanation
    }

    /// Ends both. What is being encoded or decoded is waited for only a moment: it is done again when the song goes on.
    func stop() {
        worker.stop()
        coordinator.stop()
        if ended.wait(timeout: .now() + .seconds(1)) == .timedOut { ProgramEnd.isAbrupt = true }
    }

    /// Windows that run as one batch.
    var slots: Int { worker.slots }
}

/// The first reason for which a part stopped.
private final class Fault: Sendable {
    private let reason = Mutex<String?>(nil)
    var text: String? { reason.withLock { $0 } }
    func set(_ text: String) { reason.withLock { $0 = $0 ?? text } }
}
