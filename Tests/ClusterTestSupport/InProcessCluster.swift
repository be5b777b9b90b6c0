import Checkpoint
package import ClusterProtocol
package import CoordinatorCore
import CoordinatorService
package import Foundation
import JukeboxModel
package import ModelTestSupport
import SongPlan
import SwiftProtobuf
import Synchronization
package import WorkerCore
import WorkerService

/// A coordinator with a real journal and real workers, all in this process, whose connections may be decorated.
package final class InProcessCluster {
    package typealias Decoration = (InMemoryClient) -> any Transport

    private let folder: URL
    private let model: Model
    private let network = InMemoryNetwork()
    private let server: CoordinatorServer
    private var workers: [Worker] = []
    private let running = DispatchGroup()
    private let failures: FailureList
    private let client: InMemoryClient
    private var number: UInt64 = 0

    /// - Parameters:
    ///   - folder: gets the coordinator's state.
    ///   - fixture: the model, in the profile that a coordinator has when nothing is said.
    ///   - log: gets each line of the coordinator and of the workers.
    package init(
        folder: URL, fixture: Fixture, settings: Settings = Settings(),
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        failures = FailureList(log: log)
        self.folder = folder
        model = try Model(path: fixture.folder.path)
        let registry = ModelRegistry()
        try registry.add(path: model.folder.path)
        server = try CoordinatorServer(
            state: folder.path, registry: registry,
            options: CoordinatorServer.Options(settings: settings, threads: 1, log: failures.log))
        client = network.makeClient()
        let started = DispatchSemaphore(value: 0)
        run { [server, network] in
            let transport = network.makeServer()
            defer { transport.close() }
            started.signal()
            try server.run(transport: transport)
        }
        started.wait()
    }

    private func run(_ body: @escaping @Sendable () throws -> Void) {
        running.enter()
        let thread = Thread { [running, failures] in
            defer { running.leave() }
            do { try body() } catch { failures.add("\(error)") }
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// A peer that the caller plays.
    package func peer() -> InMemoryClient { network.makeClient() }

    /// Starts a worker with every level of the model.
    ///
    /// - Parameter decorate: what it gets instead of its transport.
    package func startWorker(
        _ name: String, slots: Int = 4, session: Session.Settings = Session.Settings(),
        decorate: @escaping @Sendable (InMemoryClient) -> any Transport
    ) throws {
        let worker = try Worker(
            model: model,
            options: Worker.Options(
                name: name, levels: Array(model.geometry.levels.indices), threads: 1, slots: slots, session: session,
                log: failures.log))
        workers.append(worker)
        run { [network] in try worker.run(transport: decorate(network.makeClient())) }
    }

    /// What ended of itself and should not have.
    package var faults: [String] { failures.list }

    /// What was logged last, and how workers and songs stand, for who wonders why nothing goes on.
    package func report() -> String {
        let status = (try? ask(.status(WireStatusQuery())).status.textFormatString()) ?? "no status"
        return status + "\n" + failures.lastLines.joined(separator: "\n")
    }

    // MARK: asking

    /// - Throws: `FixtureError` when no answer comes within 60 s.
    package func ask(_ kind: WireClientRequest.OneOf_Kind) throws -> WireClientReply {
        number += 1
        var request = WireClientRequest()
        (request.number, request.version, request.kind) = (number, ProtocolVersion.current, kind)
        _ = try client.send(WireToCoordinator(kind: .request(request)).payload(), to: .coordinator)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, faults.isEmpty {
            for message in try client.receive(timeout: .milliseconds(200), limit: 16) {
                if case .reply(let reply) = try WireFromCoordinator(payload: message.payload).kind,
                    reply.number == number
                {
                    return reply
                }
            }
        }
        throw FixtureError(description: "the coordinator does not answer; \(faults)")
    }

    package func submit(_ song: String, _ specification: String) throws {
        var submit = WireSubmit()
        (submit.song, submit.specification, submit.format) = (song, specification, "wav")
        let reply = try ask(.submit(submit))
        guard reply.error.isEmpty else { throw FixtureError(description: reply.error) }
    }

    /// Waits until the song has ended.
    ///
    /// - Returns: its codes, [level][sample][token].
    /// - Throws: `FixtureError` when it ended otherwise than finished, or has not within the time.
    package func codes(of song: String, within limit: Duration, poll: () -> Void = {}) throws -> [[[Int]]] {
        let deadline = ContinuousClock.now + limit
        var query = WireStatusQuery()
        query.song = song
        while ContinuousClock.now < deadline {
            guard let status = try ask(.status(query)).status.songs.first else { continue }
            if status.state == "finished" {
                return try CodesFile.read(folder.appendingPathComponent("songs/\(song)/codes.safetensors").path)
            }
            guard !["failed", "parked", "cancelled"].contains(status.state) else {
                throw FixtureError(description: "the song is \(status.state)")
            }
            poll()
            usleep(20_000)
        }
        throw FixtureError(description: "\(song) has not ended within \(limit)\n\(report())")
    }

    /// Stops all; once.
    package func stop() {
        for worker in workers { worker.stop() }
        server.stop()
        running.wait()
    }
}

/// What ended threads, and what was logged last, from any of them.
private final class FailureList: Sendable {
    private static let lines = 200
    private let outer: @Sendable (String) -> Void
    private let state = Mutex<(texts: [String], lines: [String])>(([], []))

    init(log: @escaping @Sendable (String) -> Void) { outer = log }

    var list: [String] { state.withLock { $0.texts } }
    var lastLines: [String] { state.withLock { $0.lines } }

    var log: @Sendable (String) -> Void {
        { [self] line in
            outer(line)
            state.withLock { state in
                state.lines.append(line)
                if state.lines.count > Self.lines { state.lines.removeFirst() }
            }
        }
    }

    func add(_ text: String) {
        log(text)
        state.withLock { $0.texts.append(text) }
    }
}
