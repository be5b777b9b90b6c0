import ClusterMetrics
import ClusterProtocol
import ProgramLog
import SongPlan
import Synchronization
import WorkerCore

/// The worker's side of the protocol, on the thread that owns the transport: brings what happens to the `Session`, and
/// carries out what that decides.
struct Conversation {
    /// What a hello says of the worker.
    struct Introduction {
        var options: Worker.Options
        var slots: Int
        /// What the engine computes on, for people.
        var device: String
        var modelName: String
        var identity: String
        var fingerprints: [Int: String]
    }

    private let transport: any Transport
    /// The coordinator's address, for people.
    private let place: String
    private let batch: SharedBatch
    private let metrics: EngineMetrics
    private let own: Introduction
    /// By level.
    private let checks: [Int: AssignmentCheck]

    private let start: Duration
    private var session: Session
    private var speed = Speedometer()
    private var seals = SealBook()
    private var roundTrip = RoundTrip()
    private var isLeaving = false
    /// The coordinator gives it no windows.
    private var isDrained = false

    init(
        transport: any Transport, place: String, batch: SharedBatch, metrics: EngineMetrics,
        introduction: Introduction, checks: [Int: AssignmentCheck]
    ) {
        self.metrics = metrics
        self.transport = transport
        self.place = place
        self.batch = batch
        own = introduction
        start = introduction.options.clock()
        self.checks = checks
        isDrained = introduction.options.board?.isDrained ?? false
        session = Session(settings: introduction.options.session, now: .zero)
    }

    /// Nothing is sampled from now on, and what there is goes out. The coordinator hears of it at once, so that it gives this
    /// worker nothing more.
    mutating func beginLeaving() throws {
        guard !isLeaving else { return }
        isLeaving = true
        batch.beginLeaving()
        if session.isWelcome { try sendHeartbeat() }
    }

    /// Whether all that was sampled is journaled.
    var hasHandedIn: Bool { batch.state.withLock { $0.hasLeft } }

    /// Takes in what is there, and sends what is due.
    mutating func turn() throws {
        own.options.board?.turns &+= 1
        let messages = try transport.receive(timeout: .milliseconds(session.isWelcome ? 100 : 50), limit: 64)
        try happened(.link(Link(transport.status, at: place)))
        for message in messages {
            let isWhole = seals.accepts(message.payload, from: .coordinator)
            let kind = (try? WireFromCoordinator(payload: message.payload))?.kind
            if isWhole, let kind {
                try take(kind)
            } else if MessageSeal.state(message.payload) == .wrong || kind != nil {
                try happened(.damaged)
            } else {
                try happened(.nonsense)
            }
        }
        try bringResults()
        if let fault = batch.state.withLock({ $0.fault }) {
            leave()
            throw WorkerStopped(description: fault)
        }
        try happened(.tick)
    }

    /// Says goodbye, so that the tasks are given to others at once.
    func leave() { _ = try? send(.goodbye(WireGoodbye())) }

    /// - Throws: `WorkerStopped` when the session ends.
    private mutating func happened(_ event: Session.Event) throws {
        for action in session.handle(event, now: own.options.clock() - start) {
            switch action {
            case .sayHello:
                // Whoever answers may be a coordinator of another release.
                seals.forget(.coordinator)
                try sendHello()
            case .sendHeartbeat: try sendHeartbeat()
            case .sendChunksAgain: try send(batch.state.withLock { $0.scheduler.resendAll() })
            case .sendStalledAgain: try send(batch.state.withLock { $0.scheduler.resendStalled() })
            case .dropAhead: batch.state.withLock { $0.dropAhead() }
            case .tell(let notice): own.options.log(notice.text(at: place), notice.level, notice.fields)
            case .stop(let reason): throw WorkerStopped(description: reason)
            }
        }
    }

    // MARK: what the worker says

    /// Sends what the engine brought.
    private mutating func bringResults() throws {
        let (chunks, failures, sampled) = batch.state.withLock { state in
            if state.isLeaving {
                for case .chunkReady(let chunk) in state.scheduler.handIn() { state.outgoing.append(chunk) }
            }
            defer {
                state.outgoing = []
                state.failures = []
            }
            return (state.outgoing, state.failures, state.sampled)
        }
        speed.update(total: sampled, now: own.options.clock())
        for failure in failures {
            try send(.failed(WireTaskFailed(failure.task, failure.epoch, reason: failure.reason)))
        }
        // Those of a worker that is not welcome come again when it is.
        if session.isWelcome { try send(chunks) }
    }

    private func sendHeartbeat() throws {
        let (held, speeds, resident) = batch.state.withLock {
            ($0.scheduler.held, $0.scheduler.levelSpeeds, $0.scheduler.residentLevels)
        }
        var figures = metrics.figures
        (figures.device, figures.residentLevels) = (own.device, resident)
        var message = WireHeartbeat()
        message.held = held.map(WireLease.init)
        message.tokensPerSecond = speed.tokensPerSecond
        message.roundTrip = roundTrip.seconds
        message.levelSpeeds = Dictionary(uniqueKeysWithValues: speeds.map { (UInt32($0), $1) })
        message.figures = WireWorkerFigures(figures)
        message.leaving = isLeaving
        try send(.heartbeat(message))
    }

    private func sendHello() throws {
        var hello = WireWorkerHello()
        hello.version = ProtocolVersion.current
        hello.worker = own.identity
        hello.name = own.options.name
        hello.machine = own.options.machine ?? ""
        hello.model = own.modelName
        hello.fingerprints = Dictionary(uniqueKeysWithValues: own.fingerprints.map { (UInt32($0), $1) })
        hello.slots = UInt32(own.slots)
        hello.tokensPerSecond = speed.tokensPerSecond
        hello.takesAnnouncements = true
        hello.held = batch.state.withLock { $0.scheduler.held }.map(WireLease.init)
        (hello.leaving, hello.drained) = (isLeaving, isDrained)
        try send(.hello(hello))
    }

    private mutating func send(_ effects: [WorkerEffect]) throws {
        try send(
            effects.compactMap { effect -> Chunk? in
                switch effect {
                case .chunkReady(let chunk): chunk
                case .finished: nil
                }
            })
    }

    private mutating func send(_ chunks: [Chunk]) throws {
        guard !chunks.isEmpty else { return }
        for chunk in chunks { try send(.chunk(WireChunk(chunk))) }
        if let last = chunks.last { roundTrip.sent(last, now: own.options.clock()) }
        try happened(.chunksSent)
    }

    @discardableResult
    private func send(_ kind: WireToCoordinator.OneOf_Kind) throws -> Bool {
        try transport.send(WireToCoordinator(kind: kind).payload(), to: .coordinator)
    }

    // MARK: what the coordinator says

    private mutating func take(_ kind: WireFromCoordinator.OneOf_Kind) throws {
        switch kind {
        case .welcome(let welcome): try happened(welcome.event)
        case .refused(let refused): try happened(.refused(reason: PeerText.lines(refused.reason)))
        case .helloWanted: try happened(.helloWanted)
        case .assignment(let assignment): try begin(WindowAssignment(assignment))
        case .acknowledged(let message):
            roundTrip.acknowledged(
                message.task.taskID, epoch: message.epoch, count: Int(message.acknowledged), now: own.options.clock())
            let (effects, isEmpty) = batch.state.withLock { state in
                let effects = state.scheduler.acknowledged(
                    message.task.taskID, epoch: message.epoch, count: Int(message.acknowledged))
                return (effects, state.scheduler.isEmpty)
            }
            if isEmpty { try happened(.allAcknowledged) }
            try send(effects)
            batch.signalEngine()
        case .revoke(let revoke):
            try giveUp(
                revoke.task.taskID, epoch: revoke.epoch,
                reason: PeerText.lines(revoke.reason, limit: PeerText.longestReason))
        case .prefill(let assignment) where assignment.announced: announce(WindowAssignment(assignment))
        case .prefill(let assignment): prefill(WindowAssignment(assignment))
        case .drain(let drain):
            if isDrained != drain.on {
                own.options.log(
                    drain.on
                        ? "drained by the coordinator: it gets no more windows, and goes on with those it has"
                        : "gets windows again")
            }
            isDrained = drain.on
            own.options.board?.isDrained = drain.on
        case .reply: break
        }
    }

    private mutating func giveUp(_ task: TaskID, epoch: Epoch, reason: String) throws {
        let (effects, wasHeld) = batch.state.withLock { state in
            state.ahead[task] = nil
            state.leave(after: task)
            let wasHeld = state.scheduler.held.contains { $0.task == task && $0.epoch <= epoch }
            return (state.scheduler.revoke(task, epoch: epoch), wasHeld)
        }
        // What is gone already is worth no line: the coordinator says so of every chunk that comes late.
        if wasHeld { try happened(.revoked(window: PeerText.shown("\(task)"), reason: reason)) }
        try send(effects)
    }

    /// Begins a window, or goes on with it, ahead of its lease. It is a favour: what cannot be done is left alone, and comes
    /// again with the lease.
    private func prefill(_ assignment: WindowAssignment) {
        guard !isLeaving else { return }
        let task = assignment.task
        guard assignment.isAhead, own.fingerprints[task.level] == assignment.fingerprint,
            let check = checks[task.level], check.fault(assignment) == nil
        else {
            return own.options.log(
                "leaves \(PeerText.shown("\(task)")) alone until its lease: it is not what this worker can prefill",
                .warning, LogFields(song: PeerText.shown(task.song), task: PeerText.shown("\(task)")))
        }
        if batch.state.withLock({ $0.addAhead(assignment, prefix: check.prefix) }) { batch.signalEngine() }
    }

    /// The window after one that this worker has.
    private func announce(_ assignment: WindowAssignment) {
        guard assignment.isAhead, own.fingerprints[assignment.task.level] == assignment.fingerprint,
            let check = checks[assignment.task.level]
        else { return }
        batch.state.withLock { $0.announce(assignment, check) }
        batch.signalEngine()
    }

    private mutating func begin(_ assignment: WindowAssignment) throws {
        // It crossed with the word that this worker leaves, and goes to another with the goodbye.
        guard !isLeaving else { return }
        if let reason = refusal(of: assignment) {
            try send(.failed(WireTaskFailed(assignment.task, assignment.epoch, reason: reason)))
        } else {
            batch.signalEngine()
            // Chunks of what was begun when it was announced.
            try send(batch.state.withLock { $0.scheduler.sendable() })
        }
    }

    /// Takes a window on; otherwise why not.
    private func refusal(of assignment: WindowAssignment) -> String? {
        let task = assignment.task
        guard own.fingerprints[task.level] == assignment.fingerprint, let check = checks[task.level] else {
            return
                "the song's level \(task.level) needs the model \(PeerText.shown(assignment.fingerprint)); this worker "
                + "has \(own.fingerprints[task.level] ?? "no such level")"
        }
        guard PeerText.isClean(task.song, limit: 65) else { return "\(PeerText.shown(task.song)) is no song's id" }
        if assignment.isAhead { return "\(task): an assignment needs an epoch; 0 is for what is prefilled ahead" }
        if let fault = check.fault(assignment) { return "\(task): \(fault)" }
        do {
            try batch.state.withLock { try $0.add(assignment, prefix: check.prefix) }
            return nil
        } catch {
            return "\(error)"
        }
    }
}

/// Tokens a second over the last few seconds.
private struct Speedometer {
    private var marks: [(time: Duration, total: Int)] = []

    mutating func update(total: Int, now: Duration) {
        if let last = marks.last, now - last.time < .milliseconds(500) { return }
        marks.append((now, total))
        marks.removeAll { now - $0.time > .seconds(10) }
    }

    var tokensPerSecond: Double {
        guard let first = marks.first, let last = marks.last, first.time < last.time else { return 0 }
        return Double(last.total - first.total) / ((last.time - first.time) / .seconds(1))
    }
}
