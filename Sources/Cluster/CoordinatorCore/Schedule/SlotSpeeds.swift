import SongPlan

/// How fast slots are and leases go, as all rules reckon.
extension ClusterView {
    /// A window moves where it would be done this many times sooner. Nobody samples it twice, as with a copy.
    private static let moveGain = 1.1
    /// Seconds that a copy must gain.
    private static let leastGain = 2.0

    /// Rows of prefill in the time of one token.
    func prefillGain(_ level: Int) -> Double { settings.prefillGain ?? pool.speeds.prefillGain(level) }

    /// Tokens a second of all slots of a worker: as measured at the level, or as its speed at another one suggests,
    /// beside that of fast workers at both; nil when it was not measured at all.
    func throughput(_ worker: Worker, _ level: Int) -> Double? {
        if let measured = worker.throughput[level] { return measured }
        guard let fast = outlook.fast[level],
            let (other, speed) = worker.throughput.filter({ outlook.fast[$0.key] != nil }).min(by: { $0.key < $1.key })
        else { return nil }
        return speed * fast / outlook.fast[other]!
    }

    /// Tokens a second that one more window would get; nil when the worker was not measured at all.
    func speedOfNextSlot(_ worker: Worker, _ level: Int) -> Double? {
        throughput(worker, level).map { $0 * worker.part(level, joining: 1) }
    }

    /// Tokens a second of a lease: as measured, or less when its next chunk is overdue.
    func speed(of lease: Lease, _ stream: StreamRef, usual: Double) -> Double {
        let (level, progress) = (lease.task.level, leases[lease])
        let measured = pool[lease.worker]?.speedOfSlot(level) ?? usual
        let rows =
            progress.hasSpoken ? 0 : Double(truth[stream.song].window(stream)?.range.count ?? 0) / prefillGain(level)
        let expected = (rows + Double(2 * settings.chunk)) / measured
        let elapsed = (now - progress.heard) / .seconds(1)
        return elapsed > expected ? measured * expected / elapsed : measured
    }

    /// Whether a worker would complete a window so much sooner than the one that has it.
    func isCopyWorth(_ lease: Lease, _ stream: StreamRef, on id: WorkerID) -> Bool {
        let (song, level, progress) = (truth[stream.song], lease.task.level, leases[lease])
        guard let window = song.window(stream), let worker = pool[id], let own = speedOfNextSlot(worker, level)
        else { return false }
        let left = Double(window.new.upperBound - song.end(stream))
        let rows = Double(song.end(stream) - window.range.lowerBound)
        let there = left / speed(of: lease, stream, usual: own)
        let here = (left + rows / prefillGain(level)) / own
        if progress.isProvisional { return there > Self.moveGain * here }
        // What a slot gets changes from second to second: that alone is no reason, least of all to lose a prefill.
        if !progress.hasSpoken, isOnlyCrowded(lease, stream, beside: id) { return false }
        return there > settings.copyGain * here && there - here > Self.leastGain
    }

    /// Whether a lease that another worker gets a copy of is slow for its worker's other windows alone: then it moves,
    /// which costs nobody's time twice, and leaves them more. A worker that is slow is so at every level.
    func isOnlyCrowded(_ lease: Lease, _ stream: StreamRef, beside other: WorkerID) -> Bool {
        guard let own = pool[lease.worker], let there = pool[other],
            let measured = own.speedOfSlot(lease.task.level),
            speed(of: lease, stream, usual: measured) >= measured
        else { return false }
        return own.throughput.contains { level, speed in
            throughput(there, level).map { speed > $0 / settings.copyGain } ?? false
        }
    }
}
