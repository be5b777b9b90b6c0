import SongPlan

/// What of checked windows is forgotten at a restart.
struct CheckMemory: Sendable {
    /// The first window of a machine at a level is always checked.
    var firsts: Set<MachineLevel> = []
    /// By stream whose window is checked, since when no machine is there that could be the other one.
    var alone: [StreamRef: Instant] = [:]
    /// Those streams.
    var streams: Set<StreamRef> = []
}

/// Windows that are sampled on two machines, and what comes of it.
extension Coordinator {
    /// Which machine a worker is, for those who ask later whose tokens are whose.
    mutating func noteMachine(of worker: WorkerID, _ song: SongRef) {
        let machine = pool.machine(of: worker)
        guard truth[song].machine(of: worker) != machine else { return }
        commit(.machine(truth[song].id, worker, machine))
    }

    /// A window is about to be granted: whether it is to be checked is decided now, and journaled.
    mutating func beginCheck(_ task: TaskID, by worker: WorkerID, _ stream: StreamRef) {
        if view().isToBeChecked(task, by: worker, stream, firsts: checks.firsts) {
            commit(.checkBegun(task))
            checks.streams.insert(stream)
        }
        guard truth[stream].check != nil else { return }
        checks.firsts.insert(MachineLevel(machine: pool.machine(of: worker), level: task.level))
        checks.alone[stream] = nil
    }

    /// New tokens of a window that is checked: a claim, journaled and acknowledged like tokens, so that nobody can tell.
    mutating func claimArrived(
        _ chunk: Chunk, _ lease: Lease, _ stream: StreamRef, _ check: WindowCheck, from peer: Peer
    ) {
        let song = truth[stream.song]
        let first = song.segment(stream).windows[chunk.task.window].new.lowerBound
        let claim = check.claim(lease.epoch)
        // What it was given, and what it has said since.
        let reached = claim.map { $0.end - first } ?? leases[lease].reached
        guard chunk.start <= reached else { return }
        if let fault = Self.contradiction(chunk, first: first, song, stream, claim) {
            return contradicts(fault, lease, stream, from: peer)
        }
        let end = max(reached, chunk.start + chunk.tokens.count)
        measure(lease, stream, reached: end)
        let fresh = Array(chunk.tokens.dropFirst(reached - chunk.start))
        if !fresh.isEmpty {
            commit(.claimed(chunk.task, lease.epoch, lease.worker, start: first + reached, fresh))
        }
        send(peer, .acknowledged(chunk.task, lease.epoch, count: end))
        settle(stream, by: lease)
        // It has done its part; its slot is for others.
        guard let check = truth[stream].check, truth[stream].holders.lease(of: lease.epoch) != nil,
            let window = truth[stream.song].window(stream), check.claim(lease.epoch)?.end == window.new.upperBound
        else { return }
        endLease(lease, .brought)
    }

    /// What a chunk says otherwise than before.
    private static func contradiction(
        _ chunk: Chunk, first: Int, _ song: Song, _ stream: StreamRef, _ claim: WindowCheck.Claim?
    ) -> String? {
        for (index, token) in chunk.tokens.enumerated() {
            let place = first + chunk.start + index
            let known =
                claim?.token(at: place)
                ?? (place < song.end(stream) ? song.tokens(stream, place..<place + 1).first : nil)
            if let known, known != token {
                return "token \(place) of \(chunk.task) is \(token), and was \(known) before"
            }
        }
        return nil
    }

    /// A machine says something else than it has said, or than what counts: its memory or its mind is not sound.
    private mutating func contradicts(_ fault: String, _ lease: Lease, _ stream: StreamRef, from peer: Peer) {
        endLease(lease, .misbehaved(fault))
        send(peer, .revoke(lease.task, lease.epoch, reason: fault))
        convict(pool.machine(of: lease.worker), fault)
    }

    /// Lets count what two machines agree on, and finds who says something else.
    mutating func settle(_ stream: StreamRef, by lease: Lease) {
        guard let check = truth[stream].check else { return }
        let start = truth[stream.song].end(stream)
        let outcome = check.outcome(from: start)
        let task = truth[stream.song].task(stream)
        let holders = truth[stream].holders.leases
        if !outcome.agreed.isEmpty {
            commit(.tokens(task.stream, start: start, outcome.agreed, .sampled(task, lease.epoch, lease.worker)))
            for other in holders where other != lease && truth[stream].holders.lease(of: other.epoch) == nil {
                send(to: other.worker, .revoke(other.task, other.epoch, reason: "another worker was faster"))
            }
            if truth[stream].check == nil { checks.streams.remove(stream) }
            noteProgress(of: lease.worker, task, stream)
        }
        for (machine, place) in outcome.liars.sorted(by: { $0.key < $1.key }) {
            convict(machine, "token \(place) of \(task) is another one on two other machines")
        }
        if !outcome.disputants.isEmpty { dispute(outcome.disputants) }
        if !outcome.agreed.isEmpty { streamGrew(stream) } else { refresh(stream) }
    }

    /// Machines say different things, and nothing says which is right: they have nothing more until a third one does.
    private mutating func dispute(_ machines: Set<MachineID>) {
        pool.suspend(disputants.union(machines))
        for worker in pool.workers.values.sorted(by: { $0.id < $1.id })
        where machines.contains(pool.machine(of: worker.id)) {
            endPrefills(by: worker.id)
            for task in worker.tasks {
                guard let lease = truth.lease(task, of: worker.id) else { continue }
                endLease(lease, .disputed)
                send(to: worker.id, .revoke(lease.task, lease.epoch, reason: "\(LeaseEnding.disputed)"))
            }
        }
    }

    /// Machines that have nothing until a dispute of theirs is decided.
    var disputants: Set<MachineID> {
        checks.streams.reduce(into: []) { all, stream in
            guard truth[stream.song].state == .sampling, let check = truth[stream].check else { return }
            all.formUnion(check.outcome(from: truth[stream.song].end(stream)).disputants)
        }
    }

    /// With each tick: windows that wait for another machine longer than it is worth count as they are.
    mutating func reviewChecks() {
        guard !checks.streams.isEmpty else { return }
        for stream in checks.streams.sorted() {
            let song = truth[stream.song]
            guard !song.streams.isEmpty, let check = song[stream].check else {
                checks.streams.remove(stream)
                checks.alone[stream] = nil
                continue
            }
            guard song.state == .sampling, check.outcome(from: song.end(stream)).disputants.isEmpty,
                !pool.hasMachine(for: song.skill(stream), besides: view().excludedMachines(stream))
            else {
                checks.alone[stream] = nil
                continue
            }
            let since = checks.alone[stream] ?? now
            checks.alone[stream] = since
            if now - since >= settings.verifyPatience { endCheck(stream, check) }
        }
        pool.suspend(disputants)
    }

    /// What one machine has brought counts without a witness.
    private mutating func endCheck(_ stream: StreamRef, _ check: WindowCheck) {
        let song = truth[stream.song]
        let (task, start) = (song.task(stream), song.end(stream))
        commit(.checkEnded(task))
        checks.streams.remove(stream)
        checks.alone[stream] = nil
        if let claim = check.longest(from: start) {
            let tokens = Array(claim.tokens.dropFirst(start - claim.start))
            commit(.tokens(task.stream, start: start, tokens, .sampled(task, claim.epoch, claim.worker)))
            streamGrew(stream)
        }
        refresh(stream)
    }
}

extension Song {
    /// New tokens of the window that a stream is at which are journaled as far as a lease is concerned.
    func journaled(_ stream: StreamRef, by lease: Lease) -> Int {
        guard let check = self[stream].check, let window = window(stream) else { return journaled(stream) }
        // A claim has no gap: what others have brought beyond it is not its own, however sure that is.
        return check.claim(lease.epoch).map { $0.end - window.new.lowerBound } ?? lease.reached
    }
}
