import SongPlan

/// Why a worker's leases ended all at once, as the journal says it.
package enum WorkerLoss: String, CaseIterable {
    case lost = "worker lost"
    case left = "worker left"
    case silent = "worker silent for too long"
    case refused
    /// Its connection names itself as another worker.
    case replaced

    /// Whether a lease ended because its worker went.
    ///
    /// - Parameter ending: the reason that is journaled.
    package static func explains(_ ending: String) -> Bool {
        allCases.contains { ending.hasPrefix($0.rawValue + ":") }
    }
}

/// How workers come, stay and go.
extension Coordinator {
    mutating func hello(_ peer: Peer, _ description: WorkerDescription) {
        if let reason = refusal(description) {
            if let former = pool.worker(at: peer) { dismiss(former.description.id, blame: nil, .refused) }
            return send(peer, .refused(reason: reason))
        }
        if let former = pool.worker(at: peer), former.description.id != description.id {
            dismiss(former.description.id, blame: nil, .replaced)
        }
        dropAhead(of: description.id)
        pool.connect(description, at: peer, now: now)
        send(peer, .welcome(heartbeat: settings.heartbeat, lease: settings.lease))
        reconcile(description.id, held: description.held, isHello: true)
    }

    /// Why a worker cannot be used, if so.
    private func refusal(_ description: WorkerDescription) -> String? {
        if description.slots < 1 {
            return "worker \(description.name) offers \(description.slots) slots; one is the least"
        }
        if description.fingerprints.isEmpty { return "worker \(description.name) serves no level" }
        guard let model = models.first(where: { $0.name == description.model }) ?? models.first else {
            return nil
        }
        // All of its levels, of one model: a worker that is half right has other weights than its user thinks.
        let isServed = models.contains { model in
            description.fingerprints.allSatisfy { model.fingerprints[$0.key] == $0.value }
        }
        if isServed { return nil }
        if let reason = profileRefusal(description, model.fingerprints) { return reason }
        let levels = description.fingerprints.sorted { $0.key < $1.key }
        let (right, wrong) = (
            levels.filter { model.fingerprints[$0.key] == $0.value },
            levels.filter { model.fingerprints[$0.key] != $0.value }
        )
        let differences = wrong.map { level, fingerprint in
            "level \(level): the worker's fingerprint is \(fingerprint), that of model \(model.name) is "
                + (model.fingerprints[level] ?? "none, it has no such level")
        }
        let same = right.map { "\($0.key)" }.joined(separator: ",")
        let advice =
            right.isEmpty
            ? "give it the same model" : "copy the model again, or serve what is the same: --levels \(same)"
        let others = wrong.map { "\($0.key)" }.joined(separator: ", ")
        return "worker \(description.name) has other weights than the model \(model.name) that is served here, at "
            + "\(wrong.count == 1 ? "level" : "levels") \(others): \(advice) (\(differences.joined(separator: "; ")))"
    }

    /// Why a worker that keeps numbers in another way cannot be used: a fingerprint begins with how, as `f16/1:`.
    private func profileRefusal(_ description: WorkerDescription, _ wanted: [Int: String]) -> String? {
        func profiles(_ fingerprints: [Int: String]) -> Set<Substring> {
            Set(fingerprints.values.compactMap { $0.firstIndex(of: ":").map($0.prefix(upTo:)) })
        }
        let (own, here) = (profiles(description.fingerprints), profiles(wanted))
        guard let theirs = own.first, let ours = here.first, own.count == 1, here.count == 1, theirs != ours else {
            return nil
        }
        let names = [theirs, ours].map { $0.prefix { $0 != "/" } }
        if names[0] == names[1] {
            return "worker \(description.name) is of another release: it computes \(theirs), and the coordinator "
                + "\(ours); use the same release everywhere"
        }
        return "worker \(description.name) keeps numbers as \(names[0]), and the coordinator as \(names[1]): start the "
            + "worker with --profile \(names[1]), or the coordinator with --profile \(names[0])"
    }

    /// A model becomes known; with the first one, workers that came before it are looked at again.
    mutating func allow(name: String, fingerprints: [Int: String]) {
        if models.contains(where: { $0.name == name && $0.fingerprints == fingerprints }) { return }
        let isFirst = models.isEmpty
        models.append((name, fingerprints))
        guard isFirst else { return }
        for id in pool.sortedIDs {
            guard let worker = pool.workers[id], let peer = worker.peer,
                let reason = refusal(worker.description)
            else { continue }
            dismiss(id, blame: nil, .refused)
            send(peer, .refused(reason: reason))
        }
    }

    mutating func know(_ submission: Submission) {
        allow(name: submission.model, fingerprints: submission.fingerprints)
    }

    mutating func heartbeat(_ peer: Peer, held: [HeldLease], tokensPerSecond: Double, levelSpeeds: [Int: Double]) {
        guard let worker = pool.worker(at: peer) else { return send(peer, .helloWanted) }
        let id = worker.description.id
        pool.heard(id, now: now)
        pool.measured(id, tokensPerSecond: tokensPerSecond)
        for (level, speed) in levelSpeeds.sorted(by: { $0.key < $1.key }) { pool.said(id, level: level, speed) }
        reconcile(id, held: held, isHello: false)
    }

    mutating func leave(_ peer: Peer, vanished: Bool) {
        guard let worker = pool.worker(at: peer) else { return }
        dismiss(worker.description.id, blame: vanished ? .vanished : nil, vanished ? .lost : .left)
    }

    /// Leases of workers that were silent for too long end. A worker that has not been heard of since a
    /// restart is not blamed: it may have been stopped together with the coordinator.
    mutating func expire() {
        let silent = pool.workers.values.filter { now - $0.lastHeard >= settings.lease }
        for worker in silent.sorted(by: { $0.description.id < $1.description.id }) {
            dismiss(worker.description.id, blame: worker.peer == nil ? nil : .vanished, .silent)
        }
    }

    private mutating func dismiss(_ id: WorkerID, blame: Blame?, _ loss: WorkerLoss) {
        guard let worker = pool.workers[id] else { return }
        pool.disconnect(id)
        dropAhead(of: id)
        for task in worker.tasks {
            guard let lease = lease(task, of: id) else { continue }
            // A window that another worker has in hand stands still for nobody's death; two holders of copies that
            // die at once count as one.
            endLease(lease, blame: isHeldElsewhere(lease) ? nil : blame, reason: "\(loss.rawValue): \(id.prefix(8))")
        }
        pool.remove(id)
    }

    private func isHeldElsewhere(_ lease: Lease) -> Bool {
        guard let (place, index) = live(lease.task.stream) else { return false }
        return songs[place].streams[index].leases.contains { $0.epoch != lease.epoch }
    }
}
