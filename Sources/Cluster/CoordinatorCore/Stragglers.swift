import SongPlan

/// Backup copies: a window that a slow worker holds is given to a faster one, too. Tokens are the same wherever they
/// are sampled, so whatever chunk comes first is taken, and the copy that falls behind is ended.
extension Coordinator {
    /// Finds the streams whose worker is much slower than the fast ones, and those whose window a slot that would
    /// idle could complete sooner.
    mutating func markStragglers() {
        guard now >= nextStragglerCheck else { return }
        nextStragglerCheck = now + settings.stragglerCheck
        declinedSpeeds = [:]
        let leases = soleLeases()
        measureSpeeds()
        lookAhead(leases)
        for (lease, place, index) in leases {
            let level = lease.task.level
            guard let fast = fastSpeeds[level] else { continue }
            var isStraggling =
                lease.isProvisional || speed(of: lease, place, index, usual: fast) < fast / settings.copyGain
            let skill = songs[place].skill(level)
            if !isStraggling, pool.hasFreeSlot(skill), !hasOtherWork(skill) {
                isStraggling = pool.best(for: skill).map { isCopyWorth(lease, place, index, on: $0) } ?? false
            }
            guard isStraggling != songs[place].streams[index].isStraggling else { continue }
            songs[place].streams[index].isStraggling = isStraggling
            if isStraggling, !pool.hasFreeSlot(skill) { dropAhead(place, index) }
            refresh(place, index)
        }
    }

    /// A window moves where it would be done this many times sooner. Nobody samples it twice, as with a copy.
    private static let moveGain = 1.1
    /// Seconds that a copy must gain.
    private static let leastGain = 2.0

    /// Leases of windows that only one worker has.
    private func soleLeases() -> [(lease: Lease, place: Int, index: Int)] {
        songs.indices.filter { songs[$0].running > 0 }.flatMap { place in
            songs[place].streams.indices.compactMap { index in
                let leases = songs[place].streams[index].leases
                return leases.count == 1 ? (leases[0], place, index) : nil
            }
        }
    }

    /// By level, what slots do in a second of which nine in ten are slower, and of which nine in ten are faster.
    private mutating func measureSpeeds() {
        var speeds: [Int: [Double]] = [:]
        for worker in pool.workers.values where worker.peer != nil {
            for (level, all) in worker.throughput {
                speeds[level, default: []].append(all * worker.part(level))
            }
        }
        fastSpeeds = speeds.mapValues { $0.sorted()[$0.count * 9 / 10] }
        slowSpeeds = speeds.mapValues { $0.sorted()[$0.count / 10] }
    }

    /// Tokens a second of all slots of a worker: as measured at the level, or as its speed at another one suggests,
    /// beside that of fast workers at both; nil when it was not measured at all.
    func throughput(_ worker: Worker, _ level: Int) -> Double? {
        if let measured = worker.throughput[level] { return measured }
        guard let fast = fastSpeeds[level],
            let (other, speed) = worker.throughput.filter({ fastSpeeds[$0.key] != nil }).min(by: { $0.key < $1.key })
        else { return nil }
        return speed * fast / fastSpeeds[other]!
    }

    /// Whether a lease that another worker gets a copy of is slow for its worker's other windows alone: then it moves, which
    /// costs nobody's time twice, and leaves them more. A worker that is slow is so at every level.
    func isOnlyCrowded(_ lease: Lease, _ other: WorkerID) -> Bool {
        guard let own = pool.workers[lease.worker], let there = pool.workers[other],
            let measured = own.speedOfSlot(lease.task.level), let (place, index) = live(lease.task.stream),
            speed(of: lease, place, index, usual: measured) >= measured
        else { return false }
        return own.throughput.contains { level, speed in
            throughput(there, level).map { speed > $0 / settings.copyGain } ?? false
        }
    }

    private func hasOtherWork(_ skill: Skill) -> Bool {
        ready.groups[skill]?.values.contains { $0.contains { !$0.isCopy } } ?? false
    }

    /// Tokens a second of a lease: as measured, or less when its next chunk is overdue.
    func speed(of lease: Lease, _ place: Int, _ index: Int, usual: Double) -> Double {
        let measured = pool.workers[lease.worker]?.speedOfSlot(lease.task.level) ?? usual
        let rows =
            lease.hasSpoken ? 0 : Double(songs[place].window(index)?.range.count ?? 0) / prefillGain(lease.task.level)
        let expected = (rows + Double(2 * settings.chunk)) / measured
        let elapsed = (now - lease.heard) / .seconds(1)
        return elapsed > expected ? measured * expected / elapsed : measured
    }

    /// Whether a worker would complete a window so much sooner than the one that has it.
    func isCopyWorth(_ lease: Lease, _ place: Int, _ index: Int, on id: WorkerID) -> Bool {
        guard let window = songs[place].window(index), let worker = pool.workers[id] else { return false }
        let level = lease.task.level
        guard let own = throughput(worker, level).map({ $0 * worker.part(level, joining: 1) }) else { return false }
        let left = Double(window.new.upperBound - songs[place].end(index))
        let rows = Double(songs[place].end(index) - window.range.lowerBound)
        let there = left / speed(of: lease, place, index, usual: own)
        let here = (left + rows / prefillGain(level)) / own
        if lease.isProvisional { return there > Self.moveGain * here }
        // What a slot gets changes from second to second: that alone is no reason, least of all to lose a prefill.
        if !lease.hasSpoken, isOnlyCrowded(lease, id) { return false }
        return there > settings.copyGain * here && there - here > Self.leastGain
    }
}
