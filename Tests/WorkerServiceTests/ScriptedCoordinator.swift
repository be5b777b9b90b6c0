import ClusterProtocol
import Foundation
import JukeboxModel
import SongPlan
import Synchronization
import Testing
import WorkerCore
import WorkerService

/// A worker on a thread of its own, and the coordinator's end of its connection in the hands of the test.
final class ScriptedCoordinator {
    typealias Incoming = WireToCoordinator.OneOf_Kind

    private let server: InMemoryServer
    private let worker: Worker
    private let ending = Ending()
    private var waiting: [Incoming] = []
    private var connection: ConnectionID?
    private let log = LogBook()

    /// Starts a worker; it says hello at once.
    init(
        model: Model, levels: [Int], slots: Int = 4, threads: Int = 1, memory: Int? = nil,
        session: Session.Settings = Session.Settings()
    ) throws {
        let network = InMemoryNetwork()
        server = network.makeServer()
        let log = log
        worker = try Worker(
            model: model,
            options: Worker.Options(
                name: "test", levels: levels, threads: threads, slots: slots, memory: memory, session: session
            ) { log.add($0) })
        let thread = Thread { [worker, ending] in
            ending.reach(Result { try worker.run(transport: network.makeClient()) })
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// What the worker has logged.
    var logged: [String] { log.lines.withLock { $0 } }

    // MARK: what the coordinator says

    func send(_ kind: WireFromCoordinator.OneOf_Kind) throws {
        try send(payload: WireFromCoordinator(kind: kind).payload())
    }

    func send(payload: [UInt8]) throws {
        #expect(try server.send(payload, to: #require(connection)))
    }

    func welcome(heartbeat: UInt32 = 60_000, version: UInt32 = ProtocolVersion.current) throws {
        var welcome = WireWelcome()
        welcome.version = version
        welcome.heartbeatMilliseconds = heartbeat
        welcome.leaseMilliseconds = 5000
        try send(.welcome(welcome))
    }

    func acknowledge(_ chunk: WireChunk) throws {
        var message = WireChunkAcknowledged()
        message.task = chunk.task
        message.epoch = chunk.epoch
        message.acknowledged = chunk.start + UInt32(chunk.tokens.count)
        try send(.acknowledged(message))
    }

    func revoke(_ assignment: WireAssignment) throws {
        var message = WireRevoke()
        message.task = assignment.task
        message.epoch = assignment.epoch
        message.reason = "test"
        try send(.revoke(message))
    }

    // MARK: what the worker says

    /// The next message that `choose` takes, within a time; others before it are kept for later.
    func next<Value>(
        within seconds: Double = 20, _ choose: (Incoming) -> Value?
    ) throws -> Value? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var looked = 0
        while true {
            while looked < waiting.count {
                if let value = choose(waiting[looked]) {
                    waiting.remove(at: looked)
                    return value
                }
                looked += 1
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            for message in try server.receive(timeout: left, limit: 64) {
                connection = message.connection
                if let kind = try WireToCoordinator(payload: message.payload).kind { waiting.append(kind) }
            }
        }
    }

    func hello(within seconds: Double = 20) throws -> WireWorkerHello? {
        try next(within: seconds) { if case .hello(let hello) = $0 { hello } else { nil } }
    }

    func heartbeat(within seconds: Double = 20) throws -> WireHeartbeat? {
        try next(within: seconds) { if case .heartbeat(let heartbeat) = $0 { heartbeat } else { nil } }
    }

    func chunk(within seconds: Double = 20) throws -> WireChunk? {
        let chunk: WireChunk? = try next(within: seconds) { if case .chunk(let chunk) = $0 { chunk } else { nil } }
        if let chunk { #expect(chunk.hash == chunk.expectedHash) }
        return chunk
    }

    func failure(within seconds: Double = 20) throws -> WireTaskFailed? {
        try next(within: seconds) { if case .failed(let failed) = $0 { failed } else { nil } }
    }

    func goodbye(within seconds: Double = 20) throws -> Bool {
        try next(within: seconds) { if case .goodbye = $0 { true } else { nil } } ?? false
    }

    /// Waits for hello and welcomes the worker.
    @discardableResult
    func begin(heartbeat: UInt32 = 60_000) throws -> WireWorkerHello {
        let hello = try #require(try hello())
        try welcome(heartbeat: heartbeat)
        return hello
    }

    /// All chunks of tasks, each acknowledged at once, until every task has its tokens; by task.
    func collect(_ assignments: [WireAssignment]) throws -> [TaskID: [UInt32]] {
        var tokens: [TaskID: [UInt32]] = [:]
        for assignment in assignments { tokens[assignment.task.taskID] = assignment.done }
        func isComplete() -> Bool {
            assignments.allSatisfy { tokens[$0.task.taskID]?.count == $0.newTokens }
        }
        while !isComplete() {
            let chunk = try #require(try chunk())
            let task = chunk.task.taskID
            if Int(chunk.start) == tokens[task]?.count { tokens[task]! += chunk.tokens }
            try acknowledge(chunk)
        }
        return tokens
    }

    // MARK: the end

    /// Waits until `run` has returned.
    func result(within seconds: Double = 20) -> Result<Void, any Error>? {
        ending.wait(seconds)
    }

    /// Stops the worker and expects it to end well.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        worker.stop()
        switch result() {
        case .success: break
        case .failure(let error): Issue.record("the worker threw \(error)", sourceLocation: sourceLocation)
        case nil: Issue.record("the worker does not stop", sourceLocation: sourceLocation)
        }
    }

    func leave(within grace: Duration) { worker.leave(within: grace) }

    func stop() { worker.stop() }
}

/// How a thread ended.
private final class Ending: Sendable {
    private let outcome = Mutex<Result<Void, any Error>?>(nil)
    private let reached = DispatchSemaphore(value: 0)

    func reach(_ result: Result<Void, any Error>) {
        outcome.withLock { $0 = result }
        reached.signal()
    }

    /// nil when it has not ended within the time.
    func wait(_ seconds: Double) -> Result<Void, any Error>? {
        guard reached.wait(timeout: .now() + seconds) == .success else { return nil }
        reached.signal()
        return outcome.withLock { $0 }
    }
}

/// Lines that other threads write.
private final class LogBook: Sendable {
    let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

extension WireAssignment {
    var newTokens: Int { Int(end) - Int(start) - Int(prime) }
    /// New tokens that exist.
    var done: [UInt32] { Array(tokens.dropFirst(Int(prime))) }
}
