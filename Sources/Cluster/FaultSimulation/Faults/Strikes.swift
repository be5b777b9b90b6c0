import CoordinatorCore
import Journal
import SongPlan

/// How faults happen to a cluster.
extension SimulatedCluster {
    private static let mostMisses = 12
    /// Faults of which so many were planned for each that is wanted find too little to strike.
    private static let mostPlanned = 20
    /// From the last fault on, until all is well again.
    private static let rest = 1.0
    /// That a worker has to leave.
    private static let grace = 0.5

    /// Another fault, while too few have struck.
    func planFault() {
        guard schedule.entries.count < wanted * Self.mostPlanned else { return plan(.calm, after: Self.rest) }
        let entry = schedule.next()
        plan(.fault(schedule.entries.count - 1), after: entry.time - clock.seconds)
    }

    /// A fault happens; one that finds nothing to strike waits a little.
    func strike(_ number: Int) {
        let fault = schedule.entries[number].fault
        guard struck < wanted, calmSince == nil else { return }
        if number == schedule.entries.count - 1, misses[number] == nil { planFault() }
        if carryOut(fault) {
            fired[fault.kind, default: 0] += 1
            trace.log("FAULT \(fault)")
            if struck == wanted { plan(.calm, after: Self.rest) }
        } else if misses[number, default: 0] < Self.mostMisses {
            misses[number, default: 0] += 1
            plan(.fault(number), after: 0.3)
        }
    }

    /// Until `seconds` have passed, where they are given, at most until all is well again.
    private func lasts(_ seconds: Double?, _ end: @escaping () -> Void) {
        lasting.append(end)
        if let seconds { plan(.end(lasting.count - 1), after: seconds) }
    }

    /// All is well from here on.
    func beCalm() {
        guard calmSince == nil else { return }
        calmSince = clock.seconds
        client.stopSubmitting()
        for number in lasting.indices { endLasting(number) }
    }

    func endLasting(_ number: Int) {
        lasting[number]?()
        lasting[number] = nil
    }

    private func links(_ worker: Int?) -> [Int] { worker.map { [$0] } ?? Array(workers.indices) }

    /// - Returns: whether it struck anything.
    private func carryOut(_ fault: Fault) -> Bool {
        switch fault {
        case .killWorker, .leave, .stopWorker, .slowWorker: return carryOutAtWorker(fault)
        case .hangUp, .partition, .badLink: return carryOutAtLink(fault)
        case .killCoordinator, .killCoordinatorAfterEffects, .killCoordinatorAtChange, .stopCoordinator, .cutPower,
            .cutPowerAtChange:
            return carryOutAtCoordinator(fault)
        case .fullDisk(let seconds):
            disk.setFull(true)
            lasts(seconds) { [unowned self] in disk.setFull(false) }
        case .failingDisk(let count, let reads, let writes, let syncs):
            var calls: SimulatedDisk.Calls = writes ? [.writes] : []
            if reads { calls.insert(.reads) }
            if syncs { calls.insert(.syncs) }
            disk.fail(count, calls)
            lasts(nil) { [unowned self] in disk.fail(0, []) }
        case .flipBit: return flipBit()
        case .setClock(let seconds): clock.wallOffset += seconds
        case .cancelSong(let seconds): return client.cancel(self, for: seconds)
        }
        return true
    }

    private func carryOutAtWorker(_ fault: Fault) -> Bool {
        switch fault {
        case .killWorker(let index):
            guard workers[index].isRunning else { return false }
            workerDied(index, noticed: dice.between(0, 2))
        case .leave(let index):
            guard workers[index].isRunning else { return false }
            workers[index].beginLeaving()
            let number = workers[index].number
            // By then it has handed in what it had, or its time is over.
            lasts(Self.grace) { [unowned self] in
                guard workers[index].isRunning, workers[index].number == number else { return }
                workers[index].leave()
                workerDied(index, noticed: 0.1)
            }
        case .stopWorker(let index, let seconds):
            guard workers[index].isRunning, !workers[index].isStopped else { return false }
            workers[index].isStopped = true
            let number = workers[index].number
            lasts(seconds) { [unowned self] in
                guard workers[index].number == number else { return }
                workers[index].isStopped = false
                wake(index)
            }
        case .slowWorker(let index, let factor, let seconds):
            workers[index].slowness = factor
            lasts(seconds) { [unowned self] in workers[index].slowness = 1 }
        case .hangUp, .partition, .badLink, .killCoordinator, .killCoordinatorAfterEffects, .killCoordinatorAtChange,
            .stopCoordinator, .cutPower, .cutPowerAtChange, .fullDisk, .failingDisk, .flipBit, .setClock, .cancelSong:
            return false
        }
        return true
    }

    private func carryOutAtLink(_ fault: Fault) -> Bool {
        switch fault {
        case .hangUp(let index):
            guard let connection = network.disconnect(index) else { return false }
            plan(.forget(connection), after: dice.between(0, 1))
            plan(.connect(index), after: dice.between(0.01, 1))
        case .partition(let worker, let ways, let isHolding, let seconds):
            let blocked = Set(ways.map { $0 == .toCoordinator ? Way.toCoordinator : .toWorker })
            for link in links(worker) { network.block(link, blocked, isHolding: isHolding) }
            lasts(seconds) { [unowned self] in for link in links(worker) { network.unblock(link) } }
        case .badLink(let worker, let drop, let duplicate, let delay, let flip, let seconds):
            let quality = LinkQuality(drop: drop, duplicate: duplicate, delay: delay, flip: flip)
            for link in links(worker) { network.setQuality(quality, of: link) }
            lasts(seconds) { [unowned self] in for link in links(worker) { network.setQuality(LinkQuality(), of: link) }
            }
        case .killWorker, .leave, .stopWorker, .slowWorker, .killCoordinator, .killCoordinatorAfterEffects,
            .killCoordinatorAtChange, .stopCoordinator, .cutPower, .cutPowerAtChange, .fullDisk, .failingDisk, .flipBit,
            .setClock, .cancelSong:
            return false
        }
        return true
    }

    private func carryOutAtCoordinator(_ fault: Fault) -> Bool {
        guard let coordinator else { return strikeAtStart(fault) }
        switch fault {
        case .killCoordinator: coordinatorDied()
        case .cutPower:
            willLosePower = true
            coordinatorDied()
        case .killCoordinatorAfterEffects(let count): coordinator.effectsLeft = count
        case .killCoordinatorAtChange(let count, let half): disk.die(afterChanges: count, half: half)
        case .cutPowerAtChange(let count, let half):
            willLosePower = true
            disk.die(afterChanges: count, half: half)
        case .stopCoordinator(let seconds):
            guard !isCoordinatorStopped else { return false }
            isCoordinatorStopped = true
            let number = process
            lasts(seconds) { [unowned self] in if process == number { isCoordinatorStopped = false } }
        case .killWorker, .leave, .stopWorker, .slowWorker, .hangUp, .partition, .badLink, .fullDisk, .failingDisk,
            .flipBit, .setClock, .cancelSong:
            return false
        }
        return true
    }

    /// The coordinator is about to start: it dies while it opens its journal.
    private func strikeAtStart(_ fault: Fault) -> Bool {
        switch fault {
        case .killCoordinatorAtChange(let count, let half): disk.die(afterChanges: count, half: half)
        case .cutPowerAtChange(let count, let half):
            willLosePower = true
            disk.die(afterChanges: count, half: half)
        case .killCoordinator, .killCoordinatorAfterEffects, .stopCoordinator, .cutPower, .killWorker, .leave,
            .stopWorker, .slowWorker, .hangUp, .partition, .badLink, .fullDisk, .failingDisk, .flipBit, .setClock,
            .cancelSong:
            return false
        }
        return true
    }

    /// A bit changes of tokens that are journaled, while nobody has the file open: SQLite itself cannot find it.
    private func flipBit() -> Bool {
        let rows = checks.journaledTokens
        guard coordinator != nil, !rows.isEmpty else { return false }
        let tokens = dice.pick(rows)
        let bytes = tokens.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        let file = SimulatedCoordinator.folder + "/journal.sqlite" + (dice.happens(0.7) ? "" : "-wal")
        let place = dice.number(0...bytes.count - 1)
        guard disk.flip(1 << UInt8(dice.number(0...7)), at: place, of: bytes, in: file) else { return false }
        checks.damaged()
        coordinatorDied()
        return true
    }
}

extension Error {
    /// Whether a coordinator that cannot start because of it may be able to soon.
    var isOfDiskNow: Bool { (self as? JournalError)?.passes ?? false }
}
