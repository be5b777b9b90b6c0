import SongPlan

/// How leases end with their worker: it leaves, is lost, or is silent for too long.
extension Coordinator {
    /// The worker leaves of its own will.
    mutating func workerLeft(_ peer: Peer) {
        if let worker = pool.worker(at: peer) { dismiss(worker.id, .left) }
    }

    mutating func peerLost(_ peer: Peer) {
        if let worker = pool.worker(at: peer) { dismiss(worker.id, .unreachable) }
    }

    /// Leases of workers that were silent for too long end. That shows nothing about their windows.
    mutating func expireLeases() {
        let silent = pool.workers.values.filter { now - $0.lastHeard >= settings.lease }
        for worker in silent.sorted(by: { $0.id < $1.id }) {
            dismiss(worker.id, .silent)
        }
    }

    /// A worker is gone, and its leases with it.
    mutating func dismiss(_ id: WorkerID, _ loss: WorkerLoss) {
        guard let worker = pool[id] else { return }
        switch loss {
        case .unreachable, .silent:
            let hadWindows = worker.tasks.contains { truth.lease($0, of: id) != nil }
            if worker.peer != nil, hadWindows { machineLost(worker) }
        case .left, .refused, .replaced, .died: break
        }
        pool.disconnect(id)
        endPrefills(by: id)
        for task in worker.tasks {
            guard let lease = truth.lease(task, of: id) else { continue }
            endLease(lease, .lost(loss))
        }
        pool.remove(id)
    }

    /// A worker gives all its windows back.
    mutating func vacate(_ id: WorkerID, _ ending: LeaseEnding = .displaced) {
        endPrefills(by: id)
        for task in pool[id]?.tasks ?? [] {
            guard let lease = truth.lease(task, of: id) else { continue }
            endLease(lease, ending)
            send(to: id, .revoke(task, lease.epoch, reason: "\(ending)"))
        }
    }
}
