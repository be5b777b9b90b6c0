import ClusterProtocol
import CoordinatorService
import Foundation
import ModelTestSupport
import Synchronization
import Testing

/// A coordinator on a thread of its own with one model, and a client of it.
final class ServedCoordinator {
    let folder: TemporaryFolder
    private let server: CoordinatorServer
    private let network = InMemoryNetwork()
    private let client: InMemoryClient
    private let ended = DispatchSemaphore(value: 0)
    private let failure = Note()
    private var number: UInt64 = 0

    /// - Parameters:
    ///   - registry: with more models.
    ///   - log: gets each line.
    ///   - configure: changes the options.
    init(
        registry: ModelRegistry = ModelRegistry(), log: @escaping @Sendable (String) -> Void = { _ in },
        configure: (inout CoordinatorServer.Options) -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder()
        try registry.add(path: Fixture.twoLevel.folder.path)
        var options = CoordinatorServer.Options(threads: 1, log: log)
        configure(&options)
        server = try CoordinatorServer(state: folder.file("state").path, registry: registry, options: options)
        client = network.makeClient()
        let started = DispatchSemaphore(value: 0)
        let thread = Thread { [server, ended, failure, network] in
            let transport = network.makeServer()
            started.signal()
            do { try server.run(transport: transport) } catch { failure.set("\(error)") }
            transport.close()
            ended.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        started.wait()
    }

    /// Another peer, with a key of its own.
    func peer(key: String, roles: PeerRoles) -> InMemoryClient { network.makeClient(key: key, roles: roles) }

    func send(_ payload: [UInt8], from peer: InMemoryClient? = nil) throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try !(peer ?? client).send(payload, to: .coordinator) {
            try #require(ContinuousClock.now < deadline)
            usleep(500)
        }
    }

    /// The reply to one request.
    func ask(
        _ kind: WireClientRequest.OneOf_Kind?, version: UInt32 = ProtocolVersion.current, as peer: InMemoryClient? = nil
    ) throws -> WireClientReply {
        number += 1
        var request = WireClientRequest()
        (request.number, request.version, request.kind) = (number, version, kind)
        try send(WireToCoordinator(kind: .request(request)).payload(), from: peer)
        let deadline = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < deadline {
            for message in try (peer ?? client).receive(timeout: .milliseconds(200), limit: 16) {
                if case .reply(let reply) = try WireFromCoordinator(payload: message.payload).kind,
                    reply.number == number
                {
                    return reply
                }
            }
        }
        throw FixtureError(description: "no reply; the coordinator's error: \(failure.text ?? "none")")
    }

    func submit(
        _ song: String, _ specification: String, format: String = "wav", as peer: InMemoryClient? = nil
    ) throws -> WireClientReply {
        var submit = WireSubmit()
        (submit.song, submit.specification, submit.format) = (song, specification, format)
        return try ask(.submit(submit), as: peer)
    }

    func finish() {
        server.stop()
        #expect(ended.wait(timeout: .now() + 20) == .success)
        #expect(failure.text == nil)
    }
}

/// A word from another thread.
private final class Note: Sendable {
    private let note = Mutex<String?>(nil)
    var text: String? { note.withLock { $0 } }
    func set(_ text: String) { note.withLock { $0 = text } }
}
