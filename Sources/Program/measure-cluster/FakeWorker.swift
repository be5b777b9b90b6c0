import ClusterProtocol
import SongPlan
import WorkerCore
import ZeroMQTransport

/// A worker that keeps the protocol over a connection of its own. All of its tokens are 0.
final class FakeWorker {
    /// A window in hand. Tokens count from the first new one.
    struct Window {
        var task: TaskID
        var epoch: Epoch
        var total: Int
        var sent: Int
        var acknowledged: Int
        /// For each chunk that is on its way, where it ends and when it was sent.
        var waiting: [(end: Int, time: ContinuousClock.Instant)] = []
        /// What was acknowledged when it was looked at last.
        var looked: Int?
    }

    /// What all workers of a fleet have in common.
    struct Kind {
        var model: String
        /// By level.
        var fingerprints: [UInt32: String]
        var chunk = 128
    }

    private let name: String
    private let kind: Kind
    private let client: ZeroMQClient
    private var session: Session
    private(set) var window: Window?
    /// Connections and windows that were begun.
    private(set) var assignments = 0
    /// Chunks that were acknowledged.
    private(set) var acknowledgements = 0
    /// Told of each chunk: how long its acknowledgement took.
    var onAcknowledgement: (Duration) -> Void = { _ in }
    /// Told of each window: how long it took to get it after the last chunk of the one before.
    var onAssignment: (Duration) -> Void = { _ in }
    private var wasDone: ContinuousClock.Instant?

    init(name: String, kind: Kind, client: ZeroMQClient, start: Duration) {
        (self.name, self.kind, self.client) = (name, kind, client)
        session = Session(now: start)
    }

    var isWelcome: Bool { session.isWelcome }
    var hasWork: Bool { window.map { $0.sent < $0.total } ?? false }

    /// Takes in what is there, and says what is due.
    ///
    /// - Returns: how many messages came.
    func turn(now: Duration) throws -> Int {
        let messages = try client.receive(timeout: .zero, limit: 64)
        try carryOut(session.handle(.link(client.status == .connected ? .up : .down(problem: nil)), now: now), now)
        for message in messages {
            guard let kind = (try? WireFromCoordinator(payload: message.payload))?.kind else { continue }
            try take(kind, now)
        }
        try carryOut(session.handle(.tick, now: now), now)
        return messages.count
    }

    /// Sends one chunk, when there is one.
    ///
    /// - Returns: whether it did.
    @discardableResult
    func sendChunk(now: Duration) throws -> Bool {
        guard isWelcome, var window, window.sent < window.total else { return false }
        let count = min(kind.chunk, window.total - window.sent)
        guard try send(window, from: window.sent, count: count) else { return false }
        window.sent += count
        window.waiting.append((window.sent, .now))
        if window.sent == window.total { wasDone = .now }
        self.window = window
        try carryOut(session.handle(.chunksSent, now: now), now)
        return true
    }

    func close() { client.close() }

    private func send(_ window: Window, from start: Int, count: Int) throws -> Bool {
        var chunk = WireChunk()
        chunk.task = WireTask(window.task)
        chunk.epoch = window.epoch
        chunk.start = UInt32(start)
        chunk.tokens = Array(repeating: 0, count: count)
        chunk.hash = chunk.expectedHash
        return try send(.chunk(chunk))
    }

    private func send(_ kind: WireToCoordinator.OneOf_Kind) throws -> Bool {
        try client.send(WireToCoordinator(kind: kind).payload(), to: .coordinator)
    }

    private func carryOut(_ actions: [Session.Action], _ now: Duration) throws {
        for action in actions {
            switch action {
            case .sayHello: try sayHello()
            case .sendHeartbeat:
                var beat = WireHeartbeat()
                beat.held = held
                beat.tokensPerSecond = 1000
                _ = try send(.heartbeat(beat))
            case .sendChunksAgain: try sendAgain()
            case .sendStalledAgain:
                let reached = window?.acknowledged
                if window != nil, window?.looked == reached { try sendAgain() }
                window?.looked = reached
            case .stop(let reason): throw FakeWorkerError(description: "worker \(name): \(reason)")
            case .dropAhead, .tell: break
            }
        }
    }

    private var held: [WireLease] {
        window.map { window in
            var lease = WireLease()
            lease.task = WireTask(window.task)
            lease.epoch = window.epoch
            lease.acknowledged = UInt32(window.acknowledged)
            return [lease]
        } ?? []
    }

    private func sayHello() throws {
        var hello = WireWorkerHello()
        hello.version = ProtocolVersion.current
        hello.worker = name
        hello.name = name
        hello.machine = name
        hello.model = kind.model
        hello.fingerprints = kind.fingerprints
        hello.slots = 1
        hello.tokensPerSecond = 1000
        hello.held = held
        _ = try send(.hello(hello))
    }

    private func sendAgain() throws {
        guard let window else { return }
        for start in stride(from: window.acknowledged, to: window.sent, by: kind.chunk) {
            _ = try send(window, from: start, count: min(kind.chunk, window.sent - start))
        }
    }

    private func take(_ message: WireFromCoordinator.OneOf_Kind, _ now: Duration) throws {
        switch message {
        case .welcome(let welcome):
            let interval = Duration.milliseconds(Int64(welcome.heartbeatMilliseconds))
            try carryOut(session.handle(.welcome(heartbeat: interval), now: now), now)
        case .refused(let refused): throw FakeWorkerError(description: "worker \(name): \(refused.reason)")
        case .helloWanted: try carryOut(session.handle(.helloWanted, now: now), now)
        case .assignment(let assignment): begin(assignment)
        case .acknowledged(let message):
            acknowledged(Int(message.acknowledged), message.task.taskID, message.epoch)
            if window == nil { try carryOut(session.handle(.allAcknowledged, now: now), now) }
        case .revoke(let revoke):
            if let window, window.task == revoke.task.taskID, window.epoch <= revoke.epoch { self.window = nil }
        case .prefill, .drain, .reply: break
        }
    }

    private func begin(_ assignment: WireAssignment) {
        let total = Int(assignment.end) - Int(assignment.start) - Int(assignment.prime)
        let have = assignment.tokens.count - Int(assignment.prime)
        assignments += 1
        if let wasDone { onAssignment(wasDone.duration(to: .now)) }
        wasDone = nil
        window = Window(
            task: assignment.task.taskID, epoch: assignment.epoch, total: total, sent: have, acknowledged: have)
    }

    private func acknowledged(_ count: Int, _ task: TaskID, _ epoch: Epoch) {
        guard var window, window.task == task, window.epoch == epoch else { return }
        let now = ContinuousClock.now
        while let first = window.waiting.first, first.end <= count {
            window.waiting.removeFirst()
            acknowledgements += 1
            onAcknowledgement(first.time.duration(to: now))
        }
        window.acknowledged = max(window.acknowledged, count)
        self.window = window.acknowledged >= window.total ? nil : window
    }
}

/// What a worker cannot go on after.
struct FakeWorkerError: Error, CustomStringConvertible {
    var description: String
}
