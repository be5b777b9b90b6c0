import SongPlan

/// Who holds what: grants, renewals, ends, and the chunks that leases bring.
extension Coordinator {
    /// Compares what a worker says it holds with what it was given.
    mutating func reconcile(_ id: WorkerID, held: [HeldLease], isHello: Bool) {
        for item in held {
            guard let lease = lease(item.task), lease.epoch == item.epoch, lease.worker == id,
                serves(id, item.task)
            else {
                send(to: id, .revoke(item.task, item.epoch, reason: "the lease has ended"))
                continue
            }
            let count = journaled(item.task)
            if isHello || item.acknowledged != count {
                send(to: id, .acknowledged(item.task, item.epoch, count: count))
            }
        }
        let listed = Set(held.map(\.task).filter { serves(id, $0) })
        for task in pool.workers[id]?.tasks ?? [] where !listed.contains(task) {
            guard let lease = lease(task) else { continue }
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
            refresh(place, index)
        }
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
        guard let lease = lease(task), lease.epoch == epoch, lease.worker == worker.description.id else {
            return
        }
        endLease(lease, blame: .reported(reason: reason), reason: "the worker failed: \(reason)")
    }

    /// New tokens of a task: journaled, then acknowledged.
    mutating func take(_ chunk: Chunk, from peer: Peer) {
        guard let worker = pool.worker(at: peer) else { return send(peer, .helloWanted) }
        pool.heard(worker.description.id, now: now)
        guard let lease = lease(chunk.task), lease.epoch == chunk.epoch,
            lease.worker == worker.description.id, let (place, index) = live(chunk.task.stream)
        else {
            return send(peer, .revoke(chunk.task, chunk.epoch, reason: "the lease has ended"))
        }
        if let fault = fault(chunk, place, index) {
            endLease(lease, blame: .reported(reason: fault), reason: fault)
            return send(peer, .revoke(chunk.task, chunk.epoch, reason: fault))
        }
        let have = journaled(chunk.task)
        // A gap is a chunk that overtook another; the worker sends both again.
        guard chunk.start <= have else { return }
        let fresh = Array(chunk.tokens.dropFirst(have - chunk.start))
        if !fresh.isEmpty {
            let origin = TokenOrigin.sampled(chunk.task, chunk.epoch, lease.worker)
            let start = songs[place].streams[index].tokens.count
            commit(.tokens(chunk.task.stream, start: start, fresh, origin))
        }
        send(peer, .acknowledged(chunk.task, chunk.epoch, count: have + fresh.count))
        if !fresh.isEmpty { grew(place, index) }
    }

    /// What a peer that keeps the protocol would never send.
    private func fault(_ chunk: Chunk, _ place: Int, _ index: Int) -> String? {
        let song = songs[place]
        let window = song.plan.levels[chunk.task.level].windows[chunk.task.window]
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
        if let wrong = chunk.tokens.first(where: { Int($0) >= values }) {
            return "a token of \(chunk.task) is \(wrong); the model samples 0 to \(values - 1)"
        }
        let stream = song.streams[index].tokens
        let place = window.new.lowerBound + chunk.start
        if place < stream.count {
            let overlap = min(stream.count - place, chunk.tokens.count)
            if stream[place..<place + overlap] != chunk.tokens[..<overlap] {
                return "a chunk of \(chunk.task) differs from what was journaled before"
            }
        }
        return nil
    }

    private mutating func grew(_ place: Int, _ index: Int) {
        announceIfComplete(place, index)
        announceIfSampled(place)
        refresh(place, index)
        if index % songs[place].levels > 0 { refresh(place, index - 1) }
    }
}
