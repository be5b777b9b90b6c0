package import CoordinatorCore
package import SongPlan

/// A cluster in virtual time: the real coordinator core, and workers that only take their time; they come and go when
/// they are said to. What it says will happen is what the coordinator's rules make of such workers.
package struct Simulation {
    /// One lease, as it went. Times in seconds.
    package struct Lease: Sendable, Hashable {
        package var task: TaskID
        package var worker: Int
        package var start: Double
        package var end: Double
        package var tokens: Int
        /// Whether it brought its window's last token; otherwise a copy did, or took over.
        package var isDone: Bool
    }

    package struct Result: Sendable {
        /// Seconds until the last song is sampled; infinite when the last worker went before.
        package var seconds = 0.0
        /// By song, seconds from the start until it is sampled.
        package var ends: [SongID: Double] = [:]
        package var leases: [Lease] = []
        /// By worker, the share of the time in which its slots had work.
        package var busy: [Double] = []
        /// Chunks that were simulated.
        package var events = 0
        /// The same for the coordinator's own estimate, made at the time of the key in seconds.
        package var estimates: [Double: Double] = [:]
        /// Where the coordinator differed from its own records, if that was looked at.
        package var faults: [String] = []
    }

    package struct Settings: Sendable {
        /// By level, what a token costs, in tokens of the plainest level.
        package var costs: [Double]
        /// Rows of prefill in the time of one token.
        package var prefillGain: Double
        /// Chunks to simulate at most, about; they are made longer to that end.
        package var events: Int
        /// See the coordinator's settings.
        package var copyGain = CoordinatorCore.Settings().copyGain
        /// Whether the coordinator is compared with its own records after every event, which takes long.
        package var isAudited = false

        package init(costs: [Double] = [], prefillGain: Double = 8, events: Int = 10_000) {
            self.costs = costs
            self.prefillGain = prefillGain
            self.events = events
        }
    }

    private enum Event {
        case chunk(worker: Int, version: Int)
        case comes(worker: Int)
        case goes(worker: Int)
        case tick
    }

    private let settings: Settings
    private let chunk: Int
    private let tick: Duration
    private var coordinator: Coordinator
    private var workers: [VirtualWorker]
    private var audit = ReplayAudit()
    private var queue = EventQueue<Event>()
    private var now = Instant(nanoseconds: 0)
    private var result = Result()
    private var waiting: Set<SongID>
    /// Workers that are there or will come.
    private var left: Int
    private let zeros: [UInt16]
    private let model: (name: String, fingerprints: [Int: String])

    /// - Parameter songs: all are there at the start, in this order.
    package init(songs: [Submission], workers: [WorkerSpecification], settings: Settings = Settings())
        throws(GeometryError)
    {
        self.settings = settings
        var (tokens, chain) = (0, 0)
        for song in songs {
            let plan = try song.planInputs.plan()
            tokens += plan.newTokens * song.samples
            chain = max(chain, CriticalPaths(plan).longest)
        }
        // Windows of any length come in whole chunks of the protocol, more of them at once in long songs.
        chunk = max(128, (tokens / max(1, settings.events) + 127) / 128 * 128)
        let least = max(
            Double(tokens) / max(1e-9, workers.tokensPerSecond),
            Double(chain) / max(1e-9, workers.map(\.alone).max() ?? 1))
        let seconds = max(1, least / 200)
        tick = .nanoseconds(Int64(seconds * 1e9))
        coordinator = Coordinator(
            settings: CoordinatorCore.Settings(
                lease: .seconds(1_000_000_000), heartbeat: .seconds(500_000_000), chunk: chunk, machinesToPark: .max,
                stragglerCheck: tick,
                copyGain: settings.copyGain, prefillGain: settings.prefillGain),
            now: now)
        self.workers = workers.map { VirtualWorker(specification: $0) }
        waiting = Set(songs.map(\.song))
        left = workers.count
        model = (songs.first?.model ?? "", songs.first?.fingerprints ?? [:])
        zeros = Array(repeating: 0, count: chunk)
        for song in songs { take(.submit(song)) }
        for (worker, specification) in workers.enumerated() {
            if specification.comes > 0 {
                queue.add(.comes(worker: worker), at: Self.instant(specification.comes))
            } else {
                take(hello(worker))
            }
            if let goes = specification.goes { queue.add(.goes(worker: worker), at: Self.instant(goes)) }
        }
        for song in songs where song.awaitsTokens { take(.initialTokens(song.song, Self.known(song))) }
    }

    private static func known(_ song: Submission) -> [[[UInt16]]] {
        let levels = song.planInputs.known.map { [UInt16](repeating: 0, count: $0) }
        return Array(repeating: levels, count: song.samples)
    }

    /// A worker that serves every level of every song.
    private func hello(_ worker: Int) -> CoordinatorCore.Event {
        let specification = workers[worker].specification
        return .workerHello(
            peer(worker),
            WorkerDescription(
                id: name(worker), name: name(worker), model: model.name,
                fingerprints: model.fingerprints, slots: specification.slots,
                tokensPerSecond: specification.tokensPerSecond))
    }

    private func peer(_ worker: Int) -> Peer {
        Peer([UInt8(worker & 255), UInt8(worker >> 8 & 255), UInt8(worker >> 16)])
    }
    private func worker(_ peer: Peer) -> Int { Int(peer.bytes[0]) | Int(peer.bytes[1]) << 8 | Int(peer.bytes[2]) << 16 }

    private func name(_ worker: Int) -> WorkerID {
        let digits = "\(worker)"
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private var seconds: Double { Double(now.nanoseconds) / 1e9 }

    private static func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    /// Runs until all songs are sampled.
    ///
    /// - Parameter estimateAt: a time in seconds at which the coordinator is asked how long the first song will take.
    package consuming func run(estimateAt: Double? = nil) -> Result {
        queue.add(.tick, at: now + tick)
        while !waiting.isEmpty, left > 0, let (time, event) = queue.next() {
            now = time
            switch event {
            case .tick:
                take(.tick)
                queue.add(.tick, at: now + tick)
            case .chunk(let worker, let version): if workers[worker].version == version { deliver(worker) }
            case .comes(let worker): take(hello(worker))
            case .goes(let worker): lose(worker)
            }
            if let estimateAt, seconds >= estimateAt, result.estimates.isEmpty, let song = coordinator.songIDs.first {
                result.estimates[seconds] = coordinator.secondsLeft(of: song)
            }
        }
        result.seconds = waiting.isEmpty ? seconds : .infinity
        result.busy = workers.map { $0.busy / max(1e-9, seconds) }
        return result
    }

    /// A worker is lost with what it has in hand, and the coordinator knows at once.
    private mutating func lose(_ index: Int) {
        workers[index].advance(to: now)
        for job in workers[index].jobs { end(job, isDone: false) }
        (workers[index].jobs, workers[index].ahead) = ([], [])
        workers[index].version += 1
        left -= 1
        take(.peerLost(peer(index)))
    }

    /// Hands in the chunks of a worker that are complete.
    private mutating func deliver(_ index: Int) {
        workers[index].advance(to: now)
        let due = workers[index].jobs.filter { $0.left < 1e-6 }
        for job in due {
            guard let place = workers[index].jobs.firstIndex(where: { $0.epoch == job.epoch }) else { continue }
            let count = job.nextChunk(chunk)
            workers[index].jobs[place].sent += count
            let left = workers[index].jobs[place].nextChunk(chunk)
            workers[index].jobs[place].left += Double(left) * job.cost
            result.leases[job.entry].tokens += count
            if left == 0 {
                workers[index].jobs.remove(at: place)
                end(job, isDone: true)
            }
            result.events += 1
            let tokens = count == zeros.count ? zeros : Array(zeros.prefix(count))
            take(.chunk(peer(index), Chunk(task: job.task, epoch: job.epoch, start: job.sent, tokens: tokens)))
        }
        schedule(index)
    }

    private mutating func end(_ job: VirtualWorker.Job, isDone: Bool) {
        result.leases[job.entry].end = seconds
        result.leases[job.entry].isDone = isDone
    }

    private mutating func schedule(_ index: Int) {
        workers[index].version += 1
        guard let time = workers[index].nextChunk else { return }
        queue.add(.chunk(worker: index, version: workers[index].version), at: max(time, now))
    }

    // MARK: what the coordinator wants

    private mutating func take(_ event: CoordinatorCore.Event) {
        let effects = coordinator.handle(event, now: now)
        if settings.isAudited { audit(effects) }
        for effect in effects {
            switch effect {
            case .send(let peer, let message): receive(message, worker(peer))
            case .songSampled(let song):
                result.ends[song] = seconds
                waiting.remove(song)
                take(.outputsWritten(song))
            case .songEnded(let song, _): waiting.remove(song)
            case .submitRefused(let song, _): waiting.remove(song)
            case .chooseCut(let song, let sample, let seam):
                guard let position = coordinator.plan(of: song)?.cuts[seam] else { continue }
                take(.cutChosen(song, sample: sample, seam: seam, position: position))
            case .journal, .streamCompleted, .submitAccepted, .songResumed, .tokensWithdrawn, .defect: break
            }
        }
    }

    private mutating func audit(_ effects: [Effect]) {
        for case .journal(let record) in effects { audit.add(record) }
        result.faults += audit.faults(of: coordinator)
    }

    private mutating func receive(_ message: Outgoing, _ worker: Int) {
        switch message {
        case .assignment(let assignment): begin(assignment, worker)
        case .announce: break
        case .prefill(let assignment):
            workers[worker].advance(to: now)
            workers[worker].prefill(assignment.task, rows: rows(assignment))
            schedule(worker)
        case .drain: break
        case .revoke(let task, 0, _):
            workers[worker].advance(to: now)
            workers[worker].ahead.removeAll { $0.task == task }
            schedule(worker)
        case .revoke(let task, let epoch, _):
            workers[worker].advance(to: now)
            guard let place = workers[worker].jobs.firstIndex(where: { $0.task == task && $0.epoch == epoch }) else {
                return
            }
            end(workers[worker].jobs.remove(at: place), isDone: false)
            schedule(worker)
        case .welcome, .refused, .helloWanted, .acknowledged: break
        }
    }

    private mutating func begin(_ assignment: Assignment, _ worker: Int) {
        workers[worker].advance(to: now)
        let cost = cost(assignment)
        var job = VirtualWorker.Job(
            task: assignment.task, epoch: assignment.epoch, total: assignment.window.count - assignment.prime,
            sent: assignment.tokens.count - assignment.prime, left: 0, cost: cost, entry: result.leases.count)
        job.left = Double(job.nextChunk(chunk)) * cost + workers[worker].rowsLeft(job.task, of: rows(assignment))
        result.leases.append(
            Lease(task: job.task, worker: worker, start: seconds, end: seconds, tokens: 0, isDone: false))
        workers[worker].jobs.append(job)
        schedule(worker)
    }

    private func cost(_ assignment: Assignment) -> Double {
        let level = assignment.task.level
        return settings.costs.indices.contains(level) ? settings.costs[level] : 1
    }

    /// What the prefill of an assignment costs.
    private func rows(_ assignment: Assignment) -> Double {
        Double(assignment.tokens.count) / settings.prefillGain * cost(assignment)
    }
}
