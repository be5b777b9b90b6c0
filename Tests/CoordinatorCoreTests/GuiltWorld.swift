import SongPlan

@testable import CoordinatorCore

extension MockWorld {
    /// Whether anything was ever held against a window.
    var hasBlames: Bool { journal.contains { if case .workerBlamed = $0 { true } else { false } } }

    /// How often a crash was held against a window.
    func crashes(isAlone: Bool) -> Int {
        journal.count {
            if case .workerBlamed(_, _, .crashed("SIGSEGV", isAlone), _) = $0 { true } else { false }
        }
    }

    /// A worker's engine dies with what it has in hand, and its supervisor tells so.
    mutating func die(_ peer: Peer, _ ending: DeathReport.Ending = .signal(11)) throws {
        let report = try deathReport(peer, ending)
        workers[peer] = nil
        try handle(.workerDied(Self.peer("supervisor"), report))
        deliver()
    }

    func deathReport(_ peer: Peer, _ ending: DeathReport.Ending = .signal(11)) throws -> DeathReport {
        guard let worker = workers[peer] else { throw Violation("no worker at \(peer)") }
        return DeathReport(
            worker: worker.id, machine: worker.machine ?? worker.id, name: "host \(worker.id)", ending: ending,
            windows: worker.held.map { .init(task: $0.task, epoch: $0.epoch) }, wasAlone: worker.tasks.count == 1)
    }

    /// Half a second in which all workers sample, apart from `stopped` ones, and `failing` ones, which cannot do anything
    /// that they get; and songs that are sampled are written.
    mutating func live(_ count: Int = 4, stopped: Set<Peer> = [], failing: Set<Peer> = []) throws {
        now = now + .milliseconds(500)
        for peer in workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) })
        where !stopped.contains(peer) {
            if coordinator.pool.worker(at: peer) == nil, refusedPeers[peer] == nil { try hello(peer) }
            if failing.contains(peer) {
                for held in held(peer) {
                    workers[peer]?.tasks[held.task] = nil
                    try handle(.taskFailed(peer, held.task, held.epoch, reason: "bad memory"))
                }
                deliver()
            } else {
                workers[peer]?.sample(count)
                try sendChunks(peer)
            }
            if workers[peer] != nil { try heartbeat(peer) }
        }
        for song in sampled.sorted() where coordinator.state(of: song) == .decoding {
            try handle(.outputsWritten(song))
        }
        try answerCuts()
        try handle(.tick)
        deliver()
    }

    /// Lives until all songs have ended.
    mutating func liveToEnd(limit: Int = 2000) throws {
        for _ in 0..<limit where !states.values.allSatisfy(\.isEnded) { try live() }
        let workers = coordinator.pool.workers.values.map {
            "\($0.id): \($0.freeSlots) free, quiet \($0.isQuiet), aside \($0.isSetAside), has \($0.tasks)"
        }
        try require(
            states.values.allSatisfy { $0 == .finished },
            """
            after all this: \(states), leases \(leases), workers \(workers), tries \(coordinator.memory.tries), \
            ready \(coordinator.memory.ready.groups.keys), waiting \(coordinator.memory.waiting.queues.keys), \
            streams \(streams.mapValues(\.count)), cuts \(wantedCuts)
            """)
        try checkEmpty()
    }

    /// Lives for so long; engines that get a window of a song die of it, alone or not, and their supervisors tell so.
    /// Workers of the same machine come back after a second.
    mutating func live(seconds: Int, poison: SongID, killing machines: [MachineID]) throws {
        for step in 0..<2 * seconds {
            for peer in workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
                guard let worker = workers[peer], worker.tasks.keys.contains(where: { $0.song == poison }) else {
                    continue
                }
                try die(peer)
            }
            if step.isMultiple(of: 2) {
                for machine in machines where !workers.values.contains(where: { $0.machine == machine }) {
                    try join("\(machine)-\(now.nanoseconds)", machine: machine)
                }
            }
            // What has poison in hand does not come to bring tokens of anything.
            try live(8, stopped: Set(workers.filter { $0.value.tasks.keys.contains { $0.song == poison } }.keys))
        }
    }

    /// Nothing may be left when all songs have ended.
    func checkEmpty() throws {
        try require(states.values.allSatisfy(\.isEnded), "songs are left: \(states)")
        try require(leases.isEmpty && copies.isEmpty, "leases are left: \(leases.keys)")
        try require(coordinator.memory.ready.groups.isEmpty, "ready tasks are left")
        try require(coordinator.memory.waiting.queues.isEmpty, "waiting songs are left")
        try require(coordinator.workerStatuses.allSatisfy { $0.busy == 0 }, "busy workers are left")
        try require(
            coordinator.truth.songs.allSatisfy { $0.streams.isEmpty == ($0.state == .finished) },
            "tokens are left of what is finished, or lost of what is not")
    }
}
