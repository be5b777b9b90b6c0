import SongPlan

/// How workers come and stay. How they go, and their leases with them, is in `LeaseLoss`.
extension Coordinator {
    mutating func hello(_ peer: Peer, _ description: WorkerDescription) {
        if let reason = models.refusal(description) {
            if let former = pool.worker(at: peer) { dismiss(former.id, .refused) }
            return send(peer, .refused(reason: reason))
        }
        if let former = pool.worker(at: peer), former.id != description.id { dismiss(former.id, .replaced) }
        endPrefills(by: description.id)
        let isSetAside = machines.isSetAside(description.machine ?? description.id)
        pool.connect(description, at: peer, now: now, isSetAside: isSetAside)
        send(peer, .welcome(heartbeat: settings.heartbeat, lease: settings.lease))
        let isDrained = pool[description.id]?.isDrained ?? false
        if isDrained != description.isDrained { send(peer, .drain(isDrained)) }
        reconcile(description.id, held: description.held, isHello: true)
    }

    /// A model becomes known; with the first one, workers that came before it are looked at again.
    mutating func allow(name: String, fingerprints: [Int: String]) {
        guard models.add(.init(name: name, fingerprints: fingerprints)) else { return }
        for id in pool.sortedIDs {
            guard let worker = pool[id], let peer = worker.peer, let reason = models.refusal(worker.description)
            else { continue }
            dismiss(id, .refused)
            send(peer, .refused(reason: reason))
        }
    }

    mutating func heartbeat(
        _ peer: Peer, held: [HeldLease], tokensPerSecond: Double, levelSpeeds: [Int: Double], roundTrip: Double,
        isLeaving: Bool
    ) {
        guard let id = heard(peer) else { return }
        pool.setRoundTrip(roundTrip, of: id)
        if pool.setLeaving(id, isLeaving), isLeaving { endPrefills(by: id) }
        pool.setSpeed(tokensPerSecond, of: id)
        for (level, speed) in levelSpeeds.sorted(by: { $0.key < $1.key }) { pool.setSpeed(speed, of: id, level: level) }
        reconcile(id, held: held, isHello: false)
    }

    /// Workers get no windows from now on, or get them again. What they have goes on; only what is not leased to them yet, the
    /// prefill of a next window, ends.
    mutating func drain(_ workers: [WorkerID], _ isDrained: Bool) {
        for id in workers where pool.setDrained(id, isDrained) {
            if isDrained { endPrefills(by: id) }
            send(to: id, .drain(isDrained))
        }
    }

    /// A known worker speaks, which renews all its leases; an unknown one is asked for its HELLO.
    mutating func heard(_ peer: Peer) -> WorkerID? {
        guard let id = pool.worker(at: peer)?.id else {
            send(peer, .helloWanted)
            return nil
        }
        pool.hear(id, now: now)
        return id
    }
}
