import SongPlan

/// What leases bring: new tokens, and with them how fast their workers are.
extension Coordinator {
    /// New tokens of a task: journaled, then acknowledged.
    mutating func chunkArrived(_ chunk: Chunk, from peer: Peer) {
        guard let id = heard(peer) else { return }
        guard let lease = truth.lease(chunk.task, of: id), lease.epoch == chunk.epoch,
            let stream = truth.live(chunk.task.stream)
        else {
            return send(peer, .revoke(chunk.task, chunk.epoch, reason: "the lease has ended"))
        }
        let check = truth[stream].check
        if let fault = ChunkCheck.fault(chunk, truth[stream.song], stream, limit: settings.chunk) {
            return misbehaves(fault, lease, from: peer)
        }
        if let check { return claimArrived(chunk, lease, stream, check, from: peer) }
        if let place = difference(chunk, stream) { return differs(place, chunk, lease, stream, from: peer) }
        let have = truth[stream.song].journaled(stream)
        // A gap is a chunk that overtook another; the worker sends both again.
        guard chunk.start <= have else { return }
        let end = chunk.start + chunk.tokens.count
        measure(lease, stream, reached: end)
        // Ends with the window; what was seen of it is needed below.
        let reached = leases[lease].reached
        let others = truth[stream].holders.leases.filter { $0.epoch != chunk.epoch }.map { ($0, leases[$0]) }
        let fresh = have == chunk.start ? chunk.tokens : Array(chunk.tokens.dropFirst(have - chunk.start))
        if !fresh.isEmpty {
            let start = truth[stream.song].end(stream)
            commit(.tokens(chunk.task.stream, start: start, fresh, .sampled(chunk.task, chunk.epoch, id)))
        }
        if !fresh.isEmpty { noteProgress(of: id, chunk.task, stream) }
        // A copy that is behind knows only what it sampled itself.
        send(peer, .acknowledged(chunk.task, chunk.epoch, count: max(end, reached)))
        guard !fresh.isEmpty else { return }
        for (other, progress) in others {
            endIfBeaten(other, progress, by: lease, stream, journaled: have + fresh.count)
        }
        streamGrew(stream)
    }

    private mutating func misbehaves(_ fault: String, _ lease: Lease, from peer: Peer) {
        let worker = lease.worker
        endLease(lease, .misbehaved(fault), blame: .reported(reason: fault))
        machineFailed(machine(of: worker), name: pool[worker]?.description.name ?? worker, with: [lease.task], fault)
        send(peer, .revoke(lease.task, lease.epoch, reason: fault))
    }

    /// The place in the level of a chunk's first token that is another one than was journaled.
    private func difference(_ chunk: Chunk, _ stream: StreamRef) -> Int? {
        let song = truth[stream.song]
        guard let window = song.window(stream) else { return nil }
        let place = window.new.lowerBound + chunk.start
        let overlap = min(song.end(stream) - place, chunk.tokens.count)
        guard overlap > 0 else { return nil }
        return zip(song.tokens(stream, place..<place + overlap), chunk.tokens).enumerated()
            .first { $0.element.0 != $0.element.1 }.map { place + $0.offset }
    }

    /// A worker says something else than what is journaled. What a machine said itself, or two said, speaks against it; else
    /// it is one word against another.
    private mutating func differs(_ place: Int, _ chunk: Chunk, _ lease: Lease, _ stream: StreamRef, from peer: Peer) {
        let fault = "a chunk of \(chunk.task) differs from what was journaled before"
        let own = pool.machine(of: lease.worker)
        guard let source = truth[stream].source(of: place), source.machine != own, !source.isVerified else {
            return misbehaves(fault, lease, from: peer)
        }
        compareAgain(stream, from: place, [source.machine, own])
    }

    /// The worker's machine works, and nothing is held against the window any more.
    mutating func noteProgress(of worker: WorkerID, _ task: TaskID, _ stream: StreamRef) {
        if accused.remove(stream) != nil { memory.setTry(stream, nil) }
        machineBrought(worker, task)
    }

    mutating func streamGrew(_ stream: StreamRef) {
        announceIfComplete(stream)
        announceIfSampled(stream.song)
        refresh(stream)
        noteGrown(stream)
        for lower in truth[stream.song].below(stream) { refresh(lower) }
        askForCuts(stream.song)
    }

    /// Ends a copy of a task that another worker is done with, or two chunks ahead of and will be done before; not while
    /// it may be in its prefill, which comes before it can catch up.
    private mutating func endIfBeaten(
        _ other: Lease, _ progress: LeaseProgress, by winner: Lease, _ stream: StreamRef, journaled: Int
    ) {
        let isOpen = truth[stream].holders.lease(of: other.epoch) != nil
        let mayBeBehind = progress.hasSpoken || other.epoch < winner.epoch
        let isBehind = mayBeBehind && journaled - progress.reached >= 2 * settings.chunk
        guard !isOpen || isBehind && !overtakes(other, progress, winner, stream, journaled: journaled) else { return }
        measureSilence(other, progress, stream)
        if isOpen { endLease(other, .beaten) }
        send(to: other.worker, .revoke(other.task, other.epoch, reason: "another worker was faster"))
    }

    /// Whether a copy that is behind will be done before the one that is ahead.
    private func overtakes(
        _ behind: Lease, _ progress: LeaseProgress, _ ahead: Lease, _ stream: StreamRef, journaled: Int
    ) -> Bool {
        guard let end = truth[stream.song].window(stream)?.new.upperBound else { return false }
        func left(_ lease: Lease, from reached: Int) -> Double? {
            pool[lease.worker]?.speedOfSlot(lease.task.level).map { Double(end - reached) / $0 }
        }
        guard let its = left(behind, from: progress.reached), let others = left(ahead, from: journaled) else {
            return false
        }
        return its < others
    }

    // MARK: Measuring

    /// Notes how far a worker is, and how fast it came there.
    mutating func measure(_ lease: Lease, _ stream: StreamRef, reached: Int) {
        if !leases[lease].hasSpoken { measurePrefill(lease, stream, reached: reached) }
        let instant = now
        guard let measured = leases.update(lease, { $0.advance(to: reached, now: instant) }) ?? nil else { return }
        pool.measure(
            lease.worker, level: lease.task.level, tokensPerSecondOfSlot: Double(measured.tokens) / measured.seconds,
            over: measured.seconds)
    }

    /// Of a worker that was beaten before it was measured, what it did not bring says how fast it is at most.
    private mutating func measureSilence(_ lease: Lease, _ progress: LeaseProgress, _ stream: StreamRef) {
        let level = lease.task.level
        guard !truth[stream.song].state.isAtRest, let worker = pool[lease.worker], worker.throughput[level] == nil
        else { return }
        let prime = truth[stream.song].segment(stream).windows[lease.task.window].prime.count
        let rest = progress.hasSpoken ? Double(progress.unmeasured) : Double(prime) / view().prefillGain(level)
        let seconds = max(1e-3, (now - progress.heard) / .seconds(1))
        pool.measure(lease.worker, level: level, tokensPerSecondOfSlot: (Double(settings.chunk) + rest) / seconds)
    }

    /// The first tokens of a lease say how long its prefill took.
    private mutating func measurePrefill(_ lease: Lease, _ stream: StreamRef, reached: Int) {
        let (level, progress) = (lease.task.level, leases[lease])
        guard !progress.wasBegun, let speed = pool[lease.worker]?.speedOfSlot(level) else { return }
        let window = truth[stream.song].segment(stream).windows[lease.task.window]
        let rows = Double(window.prime.count + progress.reached)
        guard rows >= SpeedBook.rowsToMeasure else { return }
        let tokens = (now - progress.granted) / .seconds(1) * speed - Double(reached - progress.reached)
        pool.measurePrefill(level: level, rows: rows, tokens: tokens)
    }
}

/// What a peer that keeps the protocol would never send.
private enum ChunkCheck {
    /// What is wrong with a chunk of the window that a stream is at; nil when nothing is.
    ///
    /// - Parameter limit: tokens in a full chunk.
    static func fault(_ chunk: Chunk, _ song: Song, _ stream: StreamRef, limit: Int) -> String? {
        let window = song.segment(stream).windows[chunk.task.window]
        if chunk.tokens.isEmpty || chunk.start < 0 { return "an empty chunk of \(chunk.task)" }
        if chunk.tokens.count > limit {
            return "a chunk of \(chunk.task) has \(chunk.tokens.count) tokens; \(limit) are the most"
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
        return nil
    }
}
