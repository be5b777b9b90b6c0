import SongPlan

/// A lease's life: granted, renewed, ended. What it brings is in `ChunkEvents`, and how it ends with its worker in
/// `LeaseLoss`. A worker renews all its leases by whatever it says.
extension Coordinator {
    /// A worker gets a task, as the only one or as a copy.
    ///
    /// - Parameter moving: a holder that loses the task to the worker.
    mutating func grant(_ entry: ReadyTask, to worker: WorkerID, isProvisional: Bool, moving: Lease?) {
        let stream = entry.stream
        guard truth[stream.song].state == .sampling else { return }
        let begun = memory.ahead[stream]
        let wasBegun = begun?.task == entry.task && begun?.worker == worker
        if wasBegun { forgetPrefill(stream) }
        settleAnnouncement(stream, of: entry.task, to: worker)
        noteMachine(of: worker, stream.song)
        beginCheck(entry.task, by: worker, stream)
        commit(.leaseGranted(entry.task, truth.nextEpoch, worker))
        guard let lease = truth[stream].holders.latest, lease.worker == worker else { return }
        let progress = LeaseProgress(
            granted: now, share: pool[worker]?.share ?? 1, reached: lease.reached, isProvisional: isProvisional,
            wasBegun: wasBegun)
        open(lease, progress)
        refresh(stream)
        send(to: worker, .assignment(Assignment(lease, truth[stream.song], stream)))
        if truth[stream].holders.sole == nil { endPrefill(stream) }
        noteGrown(stream)
        guard let moving else { return }
        endLease(moving, .moved)
        send(to: moving.worker, .revoke(moving.task, moving.epoch, reason: "\(LeaseEnding.moved)"))
    }

    /// Compares what a worker says it holds with what it was given.
    mutating func reconcile(_ id: WorkerID, held: [HeldLease], isHello: Bool) {
        for item in held {
            guard let lease = truth.lease(item.task, of: id), lease.epoch == item.epoch, serves(id, item.task),
                let stream = truth.live(item.task.stream)
            else {
                send(to: id, .revoke(item.task, item.epoch, reason: "the lease has ended"))
                continue
            }
            // Of a copy that was behind, a restarted coordinator does not know how far it was.
            let known = truth[stream.song].journaled(stream, by: lease)
            // A journal that lost tokens to its disk: they cannot be sent again, so the window goes on from what there is.
            if isHello, item.acknowledged > known {
                endLease(lease, .notHeld)
                send(to: id, .revoke(item.task, item.epoch, reason: "the journal lost some of its tokens"))
                continue
            }
            let reached = max(leases[lease].reached, min(item.acknowledged, known))
            _ = leases.update(lease) { $0.setReached(reached) }
            if isHello || item.acknowledged != reached {
                send(to: id, .acknowledged(item.task, item.epoch, count: reached))
            }
        }
        let listed = Set(held.map(\.task).filter { serves(id, $0) })
        for task in pool[id]?.tasks ?? [] where !listed.contains(task) {
            guard let lease = truth.lease(task, of: id) else { continue }
            // An assignment may still be on its way to a worker that sends a heartbeat, not to one that
            // says hello; the revocation is for those that cross nevertheless.
            guard isHello || now - leases[lease].granted > settings.lease else { continue }
            endLease(lease, .notHeld)
            send(to: id, .revoke(task, lease.epoch, reason: "the worker did not list it"))
        }
    }

    /// A worker may come back under its name with another model.
    private func serves(_ id: WorkerID, _ task: TaskID) -> Bool {
        guard let wanted = truth.song(task.song)?.submission.fingerprints[task.level] else { return false }
        return pool[id]?.description.fingerprints[task.level] == wanted
    }

    mutating func taskFailed(_ peer: Peer, _ task: TaskID, _ epoch: Epoch, reason: String) {
        guard let id = heard(peer), let lease = truth.lease(task, of: id), lease.epoch == epoch else { return }
        let name = pool[id]?.description.name ?? id
        endLease(lease, .reported(reason), blame: .reported(reason: reason))
        machineFailed(machine(of: id), name: name, with: [task], reason)
    }

    /// Ends a lease, so that the task is ready again, or its song is parked if the task failed on enough machines.
    ///
    /// - Parameter machine: of the worker, where that may be gone.
    mutating func endLease(_ lease: Lease, _ ending: LeaseEnding, blame: Blame? = nil, machine: MachineID? = nil) {
        if let blame {
            let machine = machine ?? self.machine(of: lease.worker)
            commit(.workerBlamed(lease.task, lease.worker, blame, machine: machine))
        }
        switch ending {
        case .lost(.unreachable), .lost(.silent), .lost(.left), .notHeld: remember(lost: lease)
        case .lost(.refused), .lost(.replaced), .lost(.died), .moved, .beaten, .reported, .misbehaved, .crashed,
            .displaced, .brought, .disputed, .withdrawn, .other:
            break
        }
        commit(.leaseEnded(lease.task, lease.epoch, of: lease.worker, ending))
        guard let stream = truth.live(lease.task.stream) else { return }
        if blame != nil, judge(stream, lease.task) { return }
        if truth[stream].holders.isEmpty { endPrefill(stream) }
        refresh(stream)
    }
}
