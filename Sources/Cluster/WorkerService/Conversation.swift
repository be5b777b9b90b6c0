import ClusterProtocol
import SongPlan
import Synchronization
import WorkerCore

/// The worker's side of the protocol, on the thread that owns the transport.
struct Conversation {
    private let transport: any Transport
    private let desk: WorkDesk
    private let options: Worker.Options
    private let slots: Int
    private let modelName: String
    private let identity: String
    private let fingerprints: [Int: String]
    /// By level.
    private let checks: [Int: AssignmentCheck]

    private let clock = ContinuousClock()
    private var isWelcome = false
    private var heartbeat: Duration = .seconds(1)
    private var nextHello: ContinuousClock.Instant
    private var nextHeartbeat: ContinuousClock.Instant
    /// When chunks that were not acknowledged are sent again.
    private var resendAt: ContinuousClock.Instant?
    private var speed = Speedometer()

    private static let helloInterval: Duration = .seconds(1)
    private static let resendInterval: Duration = .seconds(3)

    init(
        transport: any Transport, desk: WorkDesk, options: Worker.Options, slots: Int, modelName: String,
        identity: String, fingerprints: [Int: String], checks: [Int: AssignmentCheck]
    ) {
        self.transport = transport
        self.desk = desk
        self.options = options
        self.slots = slots
        self.modelName = modelName
        self.identity = identity
        self.fingerprints = fingerprints
        self.checks = checks
        nextHello = clock.now
        nextHeartbeat = clock.now
    }

    /// Takes in what is there, and sends what is due.
    mutating func turn() throws {
        let messages = try transport.receive(timeout: .milliseconds(isWelcome ? 100 : 50), limit: 64)
        for message in messages {
            guard let decoded = try? WireFromCoordinator(payload: message.payload), let kind = decoded.kind else {
                options.log("ignored a message that is not of this protocol")
                continue
            }
            try take(kind)
        }
        try sendWhatIsDue()
    }

    /// Says goodbye, so that the tasks are given to others at once.
    func leave() { _ = try? send(.goodbye(WireGoodbye())) }

    private mutating func sendWhatIsDue() throws {
        let now = clock.now
        let (chunks, failures, sampled) = desk.state.withLock { state in
            defer {
                state.outgoing = []
                state.failures = []
            }
            return (state.outgoing, state.failures, state.sampled)
        }
        speed.update(total: sampled, now: now)
        for failure in failures {
            var message = WireTaskFailed()
            message.task = WireTask(failure.task)
            message.epoch = failure.epoch
            message.reason = String(failure.reason.prefix(1000))
            try send(.failed(message))
        }
        if isWelcome {
            try send(chunks)
            if now >= nextHeartbeat {
                nextHeartbeat = now + heartbeat
                var message = WireHeartbeat()
                message.held = held()
                message.tokensPerSecond = speed.tokensPerSecond
                message.levelSpeeds = levelSpeeds()
                try send(.heartbeat(message))
            }
            if let resendAt, now >= resendAt {
                self.resendAt = nil
                try send(desk.state.withLock { chunksOf($0.scheduler.resendAll()) })
            }
        } else if now >= nextHello {
            try sendHello()
        }
    }

    private func levelSpeeds() -> [UInt32: Double] {
        let speeds = desk.state.withLock { $0.scheduler.levelSpeeds }
        return Dictionary(uniqueKeysWithValues: speeds.map { (UInt32($0), $1) })
    }

    private func held() -> [WireLease] {
        desk.state.withLock { $0.scheduler.held }.map { held in
            var lease = WireLease()
            lease.task = WireTask(held.task)
            lease.epoch = held.epoch
            lease.acknowledged = UInt32(held.acknowledged)
            return lease
        }
    }

    private mutating func sendHello() throws {
        nextHello = clock.now + Self.helloInterval
        var hello = WireWorkerHello()
        hello.version = ProtocolVersion.current
        hello.worker = identity
        hello.name = options.name
        hello.model = modelName
        hello.fingerprints = Dictionary(uniqueKeysWithValues: fingerprints.map { (UInt32($0), $1) })
        hello.slots = UInt32(slots)
        hello.tokensPerSecond = speed.tokensPerSecond
        hello.held = held()
        try send(.hello(hello))
    }

    @discardableResult
    private func send(_ kind: WireToCoordinator.OneOf_Kind) throws -> Bool {
        try transport.send(WireToCoordinator(kind: kind).payload(), to: .coordinator)
    }

    private mutating func send(_ chunks: [Chunk]) throws {
        guard !chunks.isEmpty else { return }
        resendAt = clock.now + Self.resendInterval
        for chunk in chunks {
            var message = WireChunk()
            message.task = WireTask(chunk.task)
            message.epoch = chunk.epoch
            message.start = UInt32(chunk.start)
            message.tokens = chunk.tokens.map(UInt32.init)
            message.hash = message.expectedHash
            try send(.chunk(message))
        }
    }

    private func chunksOf(_ effects: [WorkerEffect]) -> [Chunk] {
        effects.compactMap { effect in
            switch effect {
            case .chunkReady(let chunk): chunk
            case .finished: nil
            }
        }
    }

    // MARK: what the coordinator says

    private mutating func take(_ kind: WireFromCoordinator.OneOf_Kind) throws {
        switch kind {
        case .welcome(let welcome): try take(welcome)
        case .refused(let refused): throw WorkerStopped(description: refused.reason)
        case .helloWanted:
            isWelcome = false
            try sendHello()
        case .assignment(let assignment): try take(assignment)
        case .acknowledged(let message):
            let chunks = desk.state.withLock {
                chunksOf(
                    $0.scheduler.acknowledged(
                        message.task.taskID, epoch: message.epoch, count: Int(message.acknowledged)))
            }
            if desk.state.withLock({ $0.scheduler.isEmpty }) { resendAt = nil }
            try send(chunks)
            desk.signalEngine()
        case .revoke(let revoke):
            options.log("gives up \(revoke.task.taskID): \(revoke.reason)")
            let task = revoke.task.taskID
            let chunks = desk.state.withLock { state in
                state.ahead[task] = nil
                return chunksOf(state.scheduler.revoke(task, epoch: revoke.epoch))
            }
            try send(chunks)
        case .prefill(let assignment): prefill(assignment)
        case .reply: break
        }
    }

    private mutating func take(_ welcome: WireWelcome) throws {
        if let reason = ProtocolVersion.refusal(of: welcome.version) { throw WorkerStopped(description: reason) }
        if !isWelcome { options.log("is welcome") }
        isWelcome = true
        heartbeat = .milliseconds(Int64(min(max(welcome.heartbeatMilliseconds, 50), 60_000)))
        nextHeartbeat = clock.now + heartbeat
        // What was not acknowledged before is sent again; its duplicates are recognised.
        let chunks = desk.state.withLock { state in
            state.outgoing = []
            state.ahead = [:]
            state.scheduler.dropAhead()
            return chunksOf(state.scheduler.resendAll())
        }
        try send(chunks)
    }

    /// Begins a window, or goes on with it, ahead of its lease. It is a favour: what cannot be done is left alone, and comes
    /// again with the lease.
    private func prefill(_ assignment: WireAssignment) {
        let task = assignment.task.taskID
        guard assignment.isAhead, fingerprints[task.level] == assignment.fingerprint, let check = checks[task.level],
            check.fault(assignment) == nil
        else { return options.log("leaves \(task) alone until its lease: it is not what this worker can prefill") }
        desk.state.withLock { state in
            state.leave(ahead: task, unlessIn: assignment)
            let new = Int(assignment.end) - Int(assignment.start) - Int(assignment.prime)
            let work = WorkerTask(
                task: task, epoch: 0, prefillRows: check.prefix + assignment.tokens.count, newTokens: new,
                path: Int(assignment.path))
            guard let job = try? state.scheduler.add(work) else { return }
            state.assignments[job] = assignment
            state.ahead[task] = assignment
        }
        desk.signalEngine()
    }

    private mutating func take(_ assignment: WireAssignment) throws {
        let task = assignment.task.taskID
        let reason: String? = desk.state.withLock { state in
            guard fingerprints[task.level] == assignment.fingerprint, let check = checks[task.level] else {
                return "the song's level \(task.level) needs the model \(assignment.fingerprint); this worker has "
                    + (fingerprints[task.level] ?? "no such level")
            }
            if assignment.isAhead { return "\(task): an assignment needs an epoch; 0 is for what is prefilled ahead" }
            if let fault = check.fault(assignment) { return "\(task): \(fault)" }
            let new = Int(assignment.end) - Int(assignment.start) - Int(assignment.prime)
            let done = assignment.tokens.count - Int(assignment.prime)
            state.leave(ahead: task, unlessIn: assignment)
            state.ahead[task] = nil
            do {
                let work = WorkerTask(
                    task: task, epoch: assignment.epoch,
                    prefillRows: check.prefix + assignment.tokens.count + 1,
                    newTokens: new, done: done, path: Int(assignment.path))
                if let job = try state.scheduler.add(work) { state.assignments[job] = assignment }
                return nil
            } catch {
                return "\(error)"
            }
        }
        if let reason {
            var failed = WireTaskFailed()
            failed.task = assignment.task
            failed.epoch = assignment.epoch
            failed.reason = reason
            try send(.failed(failed))
        } else {
            desk.signalEngine()
        }
    }
}

extension WireAssignment {
    /// Whether it asks for the rows of a part of the prime alone.
    var isAhead: Bool { epoch == 0 }

    /// Whether the rows of `other`'s tokens are rows of this window, too.
    fileprivate func goesOn(_ other: WireAssignment) -> Bool {
        var own = self
        (own.epoch, own.path, own.tokens) = (other.epoch, other.path, other.tokens)
        return own == other && tokens.starts(with: other.tokens)
    }
}

extension WorkDesk.State {
    /// Drops what was prefilled of a task, unless the assignment goes on from there.
    fileprivate mutating func leave(ahead task: TaskID, unlessIn assignment: WireAssignment) {
        guard let known = ahead[task], !assignment.goesOn(known) else { return }
        ahead[task] = nil
        scheduler.dropAhead(task)
    }
}

/// Tokens a second over the last few seconds.
private struct Speedometer {
    private var marks: [(time: ContinuousClock.Instant, total: Int)] = []

    mutating func update(total: Int, now: ContinuousClock.Instant) {
        if let last = marks.last, last.time.duration(to: now) < .milliseconds(500) { return }
        marks.append((now, total))
        marks.removeAll { $0.time.duration(to: now) > .seconds(10) }
    }

    var tokensPerSecond: Double {
        guard let first = marks.first, let last = marks.last, first.time < last.time else { return 0 }
        return Double(last.total - first.total) / (first.time.duration(to: last.time) / .seconds(1))
    }
}
