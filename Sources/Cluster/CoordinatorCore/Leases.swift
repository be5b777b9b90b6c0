import SongPlan

/// Who holds what: grants, renewals, ends, and the chunks that leases bring.
extension Coordinator {
    /// Compares what a worker says it holds with what it was given.
    mutating func reconcile(_ id: WorkerID, held: [HeldLease], isHello: Bool) {
        for item in held {
            guard let lease = lease(item.task, of: id), lease.epoch == item.epoch, serves(id, item.task) else {
                send(to: id, .revoke(item.task, item.epoch, reason: "the lease has ended"))
                continue
            }
            // Of a copy that was behind, a restarted coordinator does not know how far it was.
            let known = live(item.task.stream).map { songs[$0.place].journaled($0.index) } ?? 0
            let reached = max(lease.reached, min(item.acknowledged, known))
            change(lease) { $0.reached = reached }
            if isHello || item.acknowledged != reached {
                send(to: id, .acknowledged(item.task, item.epoch, count: reached))
            }
        }
        let listed = Set(held.map(\.task).filter { serves(id, $0) })
        for task in pool.workers[id]?.tasks ?? [] where !listed.contains(task) {
            guard let lease = lease(task, of: id) else { continue }
            // An assignment may still be on its way to a worker that sends a heartbeat, not to one that
            // says hello; the revocation is for those that cross nevertheless.
            guard isHello || now - lease.granted > settings.lease else { continue }
            endLease(lease, blame: nil, reason: "the worker does not have it")
            send(to: id, .revoke(task, lease.epoch, reason: "the worker did not list it"))
        }
    }

    /// A worker may come back under its name with another model.
    private func serves(_ id: WorkerID, _ task: TaskID) -> Bool {
        guard let place = songIndex[task.song], let worker = pool.workers[id] else { return false }
        let wanted = songs[place].submission.fingerprints[task.level]
        return wanted != nil && worker.description.fingerprints[task.level] == wanted
    }

    /// Ends a lease, so that the task is ready again, or its song has failed if it was blamed too often.
    mutating func endLease(_ lease: Lease, blame: Blame?, reason: String) {
        if let blame { commit(.workerBlamed(lease.task, lease.worker, blame)) }
        commit(.leaseEnded(lease.task, lease.epoch, reason: reason))
        guard let (place, index) = live(lease.task.stream) else { return }
        if let verdict = verdict(songs[place].streams[index], lease.task) {
            end(place, .failed(reason: verdict))
        } else {
            if songs[place].streams[index].leases.isEmpty { dropAhead(place, index) }
            refresh(place, index)
        }
    }

    /// Whether one more death would fail the window's song. It may be innocent: windows that were in the same workers as
    /// the culprit look like it. So it has its last worker to itself, beside windows that nothing is held against, until
    /// it brings tokens.
    func isSuspect(_ stream: Stream) -> Bool {
        !stream.blames.isEmpty && Set(stream.blames.map(\.worker)).count >= settings.killsBeforeQuarantine - 1
    }

    /// Whether nothing is held against any window that a worker has in hand.
    func holdsNoBlamed(_ id: WorkerID) -> Bool {
        pool.workers[id]?.tasks.allSatisfy { task in
            live(task.stream).map { songs[$0.place].streams[$0.index].blames.isEmpty } ?? true
        } ?? false
    }

    private func verdict(_ stream: Stream, _ task: TaskID) -> String? {
        let workers = Set(stream.blames.map(\.worker))
        var reports: [String] = []
        for blame in stream.blames {
            switch blame.blame {
            case .vanished: break
            case .reported(let reason): reports.append(reason)
            }
        }
        let limit = settings.killsBeforeQuarantine
        guard workers.count >= limit || reports.count >= limit else { return nil }
        let last = reports.last.map { "; the last reason given: \($0)" } ?? ""
        let names = workers.sorted().joined(separator: ", ")
        return "\(task) failed \(stream.blames.count) times without any progress, on \(names)\(last)"
    }

    mutating func taskFailed(_ peer: Peer, _ task: TaskID, _ epoch: Epoch, reason: String) {
        guard let worker = pool.worker(at: peer) else { return send(peer, .helloWanted) }
        pool.heard(worker.description.id, now: now)
        guard let lease = lease(task, of: worker.description.id), lease.epoch == epoch else { return }
        endLease(lease, blame: .reported(reason: reason), reason: "the worker failed: \(reason)")
    }

    /// New tokens of a task: journaled, then acknowledged.
    mutating func take(_ chunk: Chunk, from peer: Peer) {
        guard let worker = pool.worker(at: peer) else { return send(peer, .helloWanted) }
        pool.heard(worker.description.id, now: now)
        guard let lease = lease(chunk.task, of: worker.description.id), lease.epoch == chunk.epoch,
            let (place, index) = live(chunk.task.stream)
        else {
            return send(peer, .revoke(chunk.task, chunk.epoch, reason: "the lease has ended"))
        }
        if let fault = fault(chunk, place, index) {
            endLease(lease, blame: .reported(reason: fault), reason: fault)
            return send(peer, .revoke(chunk.task, chunk.epoch, reason: fault))
        }
        let have = songs[place].journaled(index)
        // A gap is a chunk that overtook another; the worker sends both again.
        guard chunk.start <= have else { return }
        let end = chunk.start + chunk.tokens.count
        measure(lease, reached: end)
        let others = songs[place].streams[index].leases.filter { $0.epoch != chunk.epoch }
        let fresh = have == chunk.start ? chunk.tokens : Array(chunk.tokens.dropFirst(have - chunk.start))
        if !fresh.isEmpty {
            let origin = TokenOrigin.sampled(chunk.task, chunk.epoch, lease.worker)
            let start = songs[place].end(index)
            commit(.tokens(chunk.task.stream, start: start, fresh, origin))
        }
        // A copy that is behind knows only what it sampled itself.
        send(peer, .acknowledged(chunk.task, chunk.epoch, count: max(end, lease.reached)))
        guard !fresh.isEmpty else { return }
        endBeaten(others, by: lease, journaled: have + fresh.count)
        grew(place, index)
    }

    /// Copies of a task that another worker is done with, or two chunks ahead of and will be done before; not while they
    /// may be in their prefill, which comes before they can catch up.
    private mutating func endBeaten(_ others: [Lease], by winner: Lease, journaled: Int) {
        for other in others {
            let isOpen = lease(other.task, of: other.worker) != nil
            let mayBeBehind = other.hasSpoken || other.epoch < winner.epoch
            let isBehind = mayBeBehind && journaled - other.reached >= 2 * settings.chunk
            guard !isOpen || isBehind && !overtakes(other, winner, journaled: journaled) else { continue }
            measureSilence(other)
            if isOpen {
                endLease(other, blame: nil, reason: "another worker is ahead")
            }
            send(to: other.worker, .revoke(other.task, other.epoch, reason: "another worker was faster"))
        }
    }

    /// Whether a copy that is behind will be done before the one that is ahead.
    private func overtakes(_ behind: Lease, _ ahead: Lease, journaled: Int) -> Bool {
        guard let (place, index) = live(behind.task.stream), let end = songs[place].window(index)?.new.upperBound
        else { return false }
        func left(_ lease: Lease, from reached: Int) -> Double? {
            pool.workers[lease.worker]?.speedOfSlot(lease.task.level).map { Double(end - reached) / $0 }
        }
        guard let its = left(behind, from: behind.reached), let others = left(ahead, from: journaled) else {
            return false
        }
        return its < others
    }

    /// Notes how far a worker is, and how fast it came there.
    private mutating func measure(_ lease: Lease, reached: Int) {
        let advance = max(0, reached - lease.reached)
        let elapsed = now - lease.heard
        if !lease.hasSpoken { measurePrefill(lease, reached: reached) }
        let isMeasured = lease.hasSpoken && elapsed >= Self.measurement
        if isMeasured {
            let seconds = elapsed / .seconds(1)
            let speed = Double(lease.unmeasured + advance) / seconds
            pool.measured(lease.worker, level: lease.task.level, tokensPerSecondOfSlot: speed, over: seconds)
        }
        let instant = now
        change(lease) { lease in
            lease.reached = max(lease.reached, reached)
            lease.unmeasured = isMeasured || !lease.hasSpoken ? 0 : lease.unmeasured + advance
            if isMeasured || !lease.hasSpoken { lease.heard = instant }
            lease.hasSpoken = true
        }
    }

    /// Of a worker that was beaten before it was measured, what it did not bring says how fast it is at most.
    private mutating func measureSilence(_ lease: Lease) {
        let level = lease.task.level
        guard let (place, index) = live(lease.task.stream), pool.workers[lease.worker]?.throughput[level] == nil
        else { return }
        let prime = songs[place].segment(index).windows[lease.task.window].prime.count
        let rest = lease.hasSpoken ? Double(lease.unmeasured) : Double(prime) / prefillGain(level)
        let seconds = max(1e-3, (now - lease.heard) / .seconds(1))
        pool.measured(
            lease.worker, level: level, tokensPerSecondOfSlot: (Double(settings.chunk) + rest) / seconds)
    }

    /// The first tokens of a lease say how long its prefill took.
    private mutating func measurePrefill(_ lease: Lease, reached: Int) {
        let level = lease.task.level
        guard let (place, index) = live(lease.task.stream), !lease.wasBegun,
            let speed = pool.workers[lease.worker]?.speedOfSlot(level)
        else { return }
        let window = songs[place].segment(index).windows[lease.task.window]
        let rows = Double(window.prime.count + lease.reached)
        guard rows >= Self.rowsToMeasure else { return }
        let tokens = (now - lease.granted) / .seconds(1) * speed - Double(reached - lease.reached)
        let cost = min(max(tokens / rows, Self.prefillCosts.lowerBound), Self.prefillCosts.upperBound)
        prefillCosts[level] = prefillCosts[level].map { 0.9 * $0 + 0.1 * cost } ?? cost
    }

    /// Rows of prefill in the time of one token: as measured by level, or what is usual until then.
    func prefillGain(_ level: Int) -> Double { settings.prefillGain ?? prefillCosts[level].map { 1 / $0 } ?? 8 }

    private static let rowsToMeasure = 512.0
    private static let prefillCosts = 1.0 / 64...4

    /// The least time over which a speed is measured: chunks come in bursts.
    private static let measurement = Duration.milliseconds(200)

    /// What a peer that keeps the protocol would never send.
    private func fault(_ chunk: Chunk, _ place: Int, _ index: Int) -> String? {
        let song = songs[place]
        let window = song.segment(index).windows[chunk.task.window]
        if chunk.tokens.isEmpty || chunk.start < 0 { return "an empty chunk of \(chunk.task)" }
        if chunk.tokens.count > settings.chunk {
            return "a chunk of \(chunk.task) has \(chunk.tokens.count) tokens; \(settings.chunk) are the most"
        }
        guard chunk.start <= window.new.count, chunk.tokens.count <= window.new.count - chunk.start else {
            return "a chunk of \(chunk.task) from \(chunk.start) of \(chunk.tokens.count) tokens ends after "
                + "the window's \(window.new.count) new tokens"
        }
        // Lyric tokens are among them where lyrics and music share a vocabulary.
        let values = song.plan.geometry.levels[chunk.task.level].vocabulary
        if let wrong = chunk.tokens.max(), Int(wrong) >= values {
            return "a token of \(chunk.task) is \(wrong); the model samples 0 to \(values - 1)"
        }
        let place = window.new.lowerBound + chunk.start
        if place < song.end(index) {
            let overlap = min(song.end(index) - place, chunk.tokens.count)
            if song.tokens(index, place..<place + overlap) != chunk.tokens[..<overlap] {
                return "a chunk of \(chunk.task) differs from what was journaled before"
            }
        }
        return nil
    }

    private mutating func grew(_ place: Int, _ index: Int) {
        announceIfComplete(place, index)
        announceIfSampled(place)
        refresh(place, index)
        grantAhead(place, index)
        workAhead(place, index)
        for lower in songs[place].below(index) { refresh(place, lower) }
        askForCuts(place)
    }
}
