import ClusterMetrics
import ClusterProtocol
import MetricSnapshots
import SongPlan
import WorkerCore

// Where the messages of the wire stop: what lies behind sees values of the worker's own.

extension WindowAssignment {
    /// What is beyond 16 bits becomes the largest value, which no model has either.
    init(_ wire: WireAssignment) {
        let task = wire.task.taskID
        self.init(
            task: task, epoch: wire.epoch, fingerprint: wire.fingerprint, seed: wire.seed,
            number: wire.hasNumber ? Int(wire.number) : task.sample, start: Int(wire.start), end: Int(wire.end),
            tokens: wire.tokens.map { UInt16(clamping: $0) }, prime: Int(wire.prime),
            above: wire.above.map { UInt16(clamping: $0) }, labels: wire.labels.songLabels,
            filter: Filter(temperature: wire.temperature, topK: Int(wire.topK), topP: wire.topP),
            path: Int(wire.path))
    }
}

extension WireLease {
    init(_ held: HeldLease) {
        self.init()
        task = WireTask(held.task)
        epoch = held.epoch
        acknowledged = UInt32(held.acknowledged)
    }
}

extension WireChunk {
    init(_ chunk: Chunk) {
        self.init()
        task = WireTask(chunk.task)
        epoch = chunk.epoch
        start = UInt32(chunk.start)
        tokens = chunk.tokens.map(UInt32.init)
        hash = expectedHash
    }
}

extension WireWorkerFigures {
    init(_ figures: WorkerFigures) {
        self.init()
        (run, seconds, memoryBytes) = (figures.run, figures.seconds, figures.memory)
        device = figures.device
        residentLevels = figures.residentLevels.map(UInt32.init)
        levels = figures.levels.sorted { $0.key < $1.key }.map { number, level in
            var wire = WireLevelFigures()
            wire.level = UInt32(number)
            wire.step = WireRangeCounts(level.step)
            wire.prefill = WireRangeCounts(level.prefill)
            wire.rows = WireRangeCounts(level.rows)
            wire.tokens = level.tokens
            return wire
        }
    }
}

extension WireRangeCounts {
    fileprivate init(_ histogram: HistogramValue) {
        self.init()
        (counts, sum) = (histogram.counts, histogram.sum)
    }
}

extension WireTaskFailed {
    private static let longestReason = 1000

    init(_ task: TaskID, _ epoch: Epoch, reason: String) {
        self.init()
        self.task = WireTask(task)
        self.epoch = epoch
        self.reason = PeerText.lines(reason, limit: Self.longestReason)
    }
}

extension WireWelcome {
    /// What it means to the session: one of another version cannot be served.
    var event: Session.Event {
        if let reason = ProtocolVersion.refusal(of: version) { return .refused(reason: reason) }
        // Neither all the time nor hardly ever, whatever the coordinator says.
        return .welcome(heartbeat: .milliseconds(min(max(Int64(heartbeatMilliseconds), 20), 600_000)))
    }
}

extension Link {
    /// - Parameter place: the coordinator's address, for people.
    init(_ status: ConnectionStatus, at place: String) {
        guard status != .connected else {
            self = .up
            return
        }
        self = .down(
            problem: status.problem(at: place).map { Problem(text: $0.description, isCertain: $0.isCertain) })
    }
}
