import SongPlan

/// How leases end with their worker: it leaves, is lost, or is silent for too long.
extension Coordinator {
    /// The worker leaves of its own will.
    mutating func workerLeft(_ peer: Peer) {
        if let worker = pool.worker(at: peer) { dismiss(worker.id, .left) }
    }

    mutating func peerLost(_ peer: Peer) {
        if let worker = pool.worker(at: peer) { dismiss(worker.id, .unreachable, blame: .vanished) }
    }

    /// Leases of workers that were silent for too long end. A worker that has not been heard of since a
    /// restart is not blamed: it may have been stopped together with the coordinator.
    mutating func expireLeases() {
        let silent = pool.workers.values.filter { now - $0.lastHeard >= settings.lease }
        for worker in silent.sorted(by: { $0.id < $1.id }) {
            dismiss(worker.id, .silent, blame: worker.peer == nil ? nil : .vanished)
        }
    }

    /// A worker is gone, and its leases with it.
    mutating func dismiss(_ id: WorkerID, _ loss: WorkerLoss, blame: Blame? = nil) {
        guard let worker = pool[id] else { return }
        pool.disconnect(id)
        endPrefills(by: id)
        for task in worker.tasks {
            guard let lease = truth.lease(task, of: id) else { continue }
            // While another worker holds the window, too, nobody is blamed; of two that die together, only the last.
            let isHeldElsewhere = truth.live(task.stream).map { truth[$0].holders.sole == nil } ?? false
            endLease(lease, .lost(loss), blame: isHeldElsewhere ? nil : blame)
        }
        pool.remove(id)
    }
}
