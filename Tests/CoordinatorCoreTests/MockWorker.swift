import SongPlan

@testable import CoordinatorCore

/// A worker that samples `token(stream, position)` and keeps the protocol.
struct MockWorker {
    struct Held {
        var epoch: Epoch
        var stream: StreamID
        /// Positions of the window's new tokens.
        var new: Range<Int>
        /// New tokens that are sampled, acknowledged, and sent last.
        var sampled: Int
        var acknowledged: Int
        var sent: Int
    }

    var id: WorkerID
    var slots: Int
    var speed: Double = 100
    var levelSpeeds: [Int: Double] = [:]
    var fingerprints: [Int: String]
    var tasks: [TaskID: Held] = [:]
    /// Of which windows it gives other tokens than the model's.
    var lies: @Sendable (TaskID) -> Bool = { _ in false }
    var machine: MachineID?
    var takesAnnouncements = true
    /// Seconds.
    var roundTrip = 0.0

    var held: [HeldLease] {
        tasks.sorted { $0.value.epoch < $1.value.epoch }.map {
            HeldLease(task: $0.key, epoch: $0.value.epoch, acknowledged: $0.value.acknowledged)
        }
    }

    var description: WorkerDescription {
        WorkerDescription(
            id: id, name: "host \(id)", model: "small", fingerprints: fingerprints, slots: slots,
            tokensPerSecond: speed, held: held, machine: machine, takesAnnouncements: takesAnnouncements)
    }

    /// Returns true when the coordinator wants a HELLO.
    mutating func receive(_ message: Outgoing) -> Bool {
        switch message {
        case .welcome: rewind()
        case .refused: tasks = [:]
        case .helloWanted: return true
        case .assignment(let assignment):
            if let old = tasks[assignment.task], old.epoch >= assignment.epoch { break }
            let done = assignment.tokens.count - assignment.prime
            let first = assignment.window.lowerBound + assignment.prime
            tasks[assignment.task] = Held(
                epoch: assignment.epoch, stream: assignment.task.stream,
                new: first..<assignment.window.upperBound, sampled: done, acknowledged: done, sent: done)
        case .acknowledged(let task, let epoch, let count):
            guard let old = tasks[task], old.epoch == epoch else { break }
            tasks[task]?.acknowledged = max(old.acknowledged, count)
            tasks[task]?.sent = max(old.sent, count)
            if count == old.new.count { tasks[task] = nil }
        case .revoke(let task, let epoch, _):
            if let old = tasks[task], old.epoch <= epoch { tasks[task] = nil }
        case .prefill, .announce, .drain: break
        }
        return false
    }

    /// Samples at most `count` tokens of each task.
    mutating func sample(_ count: Int) {
        for (task, held) in tasks {
            tasks[task]?.sampled = min(held.sampled + count, held.new.count)
        }
    }

    /// Forgets what was sent but not acknowledged, so that it is sent again.
    mutating func rewind() {
        for (task, held) in tasks { tasks[task]?.sent = held.acknowledged }
    }

    /// Chunks of at most `size` tokens that have not been sent.
    mutating func takeChunks(size: Int) -> [Chunk] {
        var chunks: [Chunk] = []
        for (task, held) in tasks.sorted(by: { $0.value.epoch < $1.value.epoch }) {
            var sent = held.sent
            while held.sampled - sent >= size || (held.sampled == held.new.count && sent < held.sampled) {
                let end = min(sent + size, held.sampled)
                let first = held.new.lowerBound
                let truth = tokens(held.stream, first + sent..<first + end)
                chunks.append(
                    Chunk(
                        task: task, epoch: held.epoch, start: sent, tokens: lies(task) ? truth.map { $0 ^ 1 } : truth))
                sent = end
            }
            tasks[task]?.sent = sent
        }
        return chunks
    }
}

/// A small song: 20, 80 and 160 tokens a sample in windows of 8, 16 and 16.
enum Small {
    static let geometry = ModelGeometry(
        sampleRate: 1000,
        levels: [
            LevelGeometry(samplesPerToken: 2, windowLength: 16, codes: 128, tokensPerUpperToken: 2),
            LevelGeometry(samplesPerToken: 4, windowLength: 16, codes: 128, tokensPerUpperToken: 4),
            LevelGeometry(samplesPerToken: 16, windowLength: 8, codes: 128, tokensPerUpperToken: nil),
        ], timing: nil)
    static let fingerprints = [0: "zero", 1: "one", 2: "two"]

    static func song(
        _ id: SongID, samples: Int = 1, length: Int = 320, known: [Int] = [0, 0, 0], stopAt: Int = 0,
        priority: Int = 0, fingerprints: [Int: String] = fingerprints, segmentation: Segmentation? = nil
    ) -> Submission {
        Submission(
            song: id, model: "small", fingerprints: fingerprints,
            planInputs: PlanInputs(
                geometry: geometry, sampleLength: length, hops: [8, 8, 4], known: known, stopAt: stopAt,
                segmentation: segmentation),
            seed: 7, filters: Array(repeating: Filter(temperature: 1), count: 3),
            labels: Array(repeating: [nil, nil, nil], count: samples), priority: priority,
            awaitsTokens: known != [0, 0, 0])
    }

    static func known(_ submission: Submission) -> [[[UInt16]]] {
        (0..<submission.samples).map { sample in
            submission.planInputs.known.enumerated().map { level, count in
                tokens(StreamID(song: submission.song, sample: sample, level: level), 0..<count)
            }
        }
    }
}

extension MockWorld {
    static func peer(_ id: WorkerID, _ connection: Int = 0) -> Peer {
        Peer(Array(id.utf8) + [UInt8(connection & 255), UInt8(connection >> 8)])
    }

    @discardableResult
    mutating func join(
        _ id: WorkerID, slots: Int = 2, speed: Double = 100,
        fingerprints: [Int: String] = Small.fingerprints, machine: MachineID? = nil
    ) throws -> Peer {
        let peer = Self.peer(id)
        workers[peer] = MockWorker(
            id: id, slots: slots, speed: speed, fingerprints: fingerprints, machine: machine)
        try hello(peer)
        return peer
    }

    mutating func hello(_ peer: Peer) throws {
        guard let worker = workers[peer] else { throw Violation("no worker at \(peer)") }
        try handle(.workerHello(peer, worker.description))
        deliver()
    }

    /// Hands messages to workers; those of peers without a worker are lost.
    mutating func deliver() {
        let messages = toWorkers
        toWorkers = []
        for (peer, message) in messages { _ = workers[peer]?.receive(message) }
    }

    mutating func sendChunks(_ peer: Peer) throws {
        for chunk in workers[peer]?.takeChunks(size: settings.chunk) ?? [] {
            try handle(.chunk(peer, chunk))
        }
        deliver()
    }

    /// A song rests, for whatever reason.
    mutating func rest(_ song: SongID, _ state: SongState) throws {
        switch state {
        case .cancelled: try handle(.cancel(song))
        case .failed(let reason): try handle(.outputsFailed(song, reason: reason))
        case .parked:
            guard let ref = coordinator.truth.find(song) else { throw Violation("no song \(song)") }
            coordinator.end(ref, state)
            try handle(.tick)
        case .preparing, .sampling, .decoding, .finished: throw Violation("\(state) is no rest")
        }
    }

    /// Lets all workers sample without a fault until nothing changes.
    mutating func runToEnd() throws {
        var before = -1
        while journal.count != before {
            before = journal.count
            for peer in workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
                workers[peer]?.sample(1000)
                try sendChunks(peer)
            }
            try answerCuts()
            for song in sampled.sorted() where states[song].map({ !$0.isEnded }) ?? false {
                try handle(.outputsWritten(song))
            }
            deliver()
        }
    }

    func held(_ peer: Peer) -> [HeldLease] { workers[peer]?.held ?? [] }
}
