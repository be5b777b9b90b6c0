import SongPlan

/// What is expected of the time to come, as of the last check.
struct Outlook: Sendable {
    /// By level, what a slot of a fast worker samples in a second, and of a slow one.
    var fast: [Int: Double] = [:]
    var slow: [Int: Double] = [:]
    /// nil while songs wait for their turn, or where all workers are about equal.
    var horizon: Horizon?
    /// Seconds that all open songs take if every slot is busy.
    var workLeft: Double?
}

/// Finds the windows that a slow worker must not keep: the last ones would end long after all others.
struct Horizon: Sendable {
    /// When all songs will be sampled if every slot is busy until then, or when the longest chain will be, if later.
    let end: Instant
    /// When fast workers that are busy will have a free slot, in order.
    let free: [Instant]

    /// A slot of at least this part of a fast one's speed counts as fast.
    static let fast = 0.9
}

extension ClusterView {
    /// Looks ahead.
    ///
    /// - Parameter leases: those of windows that only one worker has.
    func lookAhead(_ leases: [(lease: Lease, stream: StreamRef)]) -> Outlook {
        var outlook = measuredSpeeds()
        let view = expecting(outlook)
        guard let left = view.timeLeft() else { return outlook }
        outlook.workLeft = left.work
        let isUneven = outlook.fast.contains { level, fast in
            pool.workers.values.contains { ($0.speedOfSlot(level) ?? fast) < Horizon.fast * fast }
        }
        if isUneven, memory.waiting.isEmpty {
            let end = now + .estimated(max(left.work, left.chain))
            outlook.horizon = Horizon(end: end, free: view.freeTimes(leases))
        }
        return outlook
    }

    /// By level, what slots do in a second of which nine in ten are slower, and of which nine in ten are faster.
    private func measuredSpeeds() -> Outlook {
        var speeds: [Int: [Double]] = [:]
        for worker in pool.connected {
            for (level, all) in worker.throughput { speeds[level, default: []].append(all * worker.part(level)) }
        }
        var outlook = Outlook()
        outlook.fast = speeds.mapValues { $0.sorted()[$0.count * 9 / 10] }
        outlook.slow = speeds.mapValues { $0.sorted()[$0.count / 10] }
        return outlook
    }

    /// Seconds that the open songs take if every slot is busy, and that the longest chain of theirs takes.
    private func timeLeft() -> (work: Double, chain: Double)? {
        guard let usual = outlook.fast.min(by: { $0.key < $1.key })?.value else { return nil }
        let connected = pool.connected
        // Workers that were not measured at all count as the mean of those that were.
        let speeds = outlook.fast.keys.reduce(into: [Int: Double]()) { speeds, level in
            // Sorted, so that the sum is the same every time.
            let known = connected.compactMap { throughput($0, level) }.sorted()
            speeds[level] = known.reduce(0, +) / Double(max(1, known.count)) * Double(connected.count)
        }
        guard let all = speeds.min(by: { $0.key < $1.key })?.value, all > 0 else { return nil }
        var (work, chain) = (0.0, 0.0)
        for song in memory.open.sorted().map({ truth[$0] }) {
            for stream in song.streamRefs where !song.isComplete(stream) {
                let level = song.level(stream)
                let (segment, have) = (song.segment(stream), song[stream])
                let primes = segment.windows.dropFirst(have.window).reduce(0) { $0 + $1.prime.count }
                let rows = Double(segment.range.count - have.tokens.count) + Double(primes) / prefillGain(level)
                work += rows / (speeds[level] ?? all)
                chain = max(chain, Double(song.path(stream)) / (outlook.fast[level] ?? usual))
            }
        }
        return (work, chain)
    }

    private func freeTimes(_ leases: [(lease: Lease, stream: StreamRef)]) -> [Instant] {
        leases.compactMap { lease, stream in
            let (song, level, progress) = (truth[stream.song], lease.task.level, self.leases[lease])
            guard let fast = outlook.fast[level], let window = song.window(stream) else { return nil }
            let own = speed(of: lease, stream, usual: fast)
            guard own > Horizon.fast * fast else { return nil }
            let rows = progress.hasSpoken ? 0 : song.end(stream) - window.range.lowerBound
            let left = Double(window.new.upperBound - song.end(stream)) + Double(rows) / prefillGain(level)
            return max(now, progress.heard + .estimated(left / own))
        }.sorted()
    }

    /// When a window's chain ends if the window goes on so fast from some time on, and what follows on fast workers.
    func chainEnd(_ stream: StreamRef, from start: Instant, speed: Double, fast: Double) -> Instant? {
        let song = truth[stream.song]
        guard let window = song.window(stream) else { return nil }
        let have = song.end(stream)
        let left = Double(window.new.upperBound - have)
        let rows = Double(have - window.range.lowerBound) / prefillGain(song.level(stream))
        let seconds = (left + rows) / speed + max(0, Double(song.path(stream)) - left) / fast
        return start + .estimated(seconds)
    }
}
