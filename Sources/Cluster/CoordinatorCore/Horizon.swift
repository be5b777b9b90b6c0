import SongPlan

/// What is expected of the time to come, as of the last look: by it the windows are found that a slow worker must not
/// keep, so that the last ones do not end long after all others.
struct Horizon: Sendable {
    /// When all songs will be sampled if every slot is busy until then, or when the longest chain will be, if later.
    var end: Instant
    /// When fast workers that are busy will have a free slot, in order.
    var free: [Instant]
    /// Of these, those that windows are kept for in the current search for a task.
    var kept = 0
}

extension Coordinator {
    /// A slot of at least this part of a fast one's speed counts as fast.
    private static let fast = 0.9

    /// Looks ahead; there is no horizon while songs wait for their turn, or where all workers are about equal.
    ///
    /// - Parameter leases: those of windows that only one worker has.
    mutating func lookAhead(_ leases: [(lease: Lease, place: Int, index: Int)]) {
        let isUneven = fastSpeeds.contains { level, fast in
            pool.workers.values.contains { ($0.speedOfSlot(level) ?? fast) < Self.fast * fast }
        }
        let left = timeLeft()
        workLeft = left?.work
        horizon =
            isUneven && waiting.queues.isEmpty
            ? left.map { left in
                let end = now + .nanoseconds(Int64(max(left.work, left.chain) * 1e9))
                return Horizon(end: end, free: freeTimes(leases))
            } : nil
    }

    /// Seconds that the open songs take if every slot is busy, and that the longest chain of theirs takes.
    private func timeLeft() -> (work: Double, chain: Double)? {
        guard let usual = fastSpeeds.min(by: { $0.key < $1.key })?.value else { return nil }
        let connected = pool.workers.values.filter { $0.peer != nil }
        // Workers that were not measured at all count as the mean of those that were.
        let speeds = fastSpeeds.keys.reduce(into: [Int: Double]()) { speeds, level in
            // Sorted, so that the sum is the same every time.
            let known = connected.compactMap { throughput($0, level) }.sorted()
            speeds[level] = known.reduce(0, +) / Double(max(1, known.count)) * Double(connected.count)
        }
        guard let all = speeds.min(by: { $0.key < $1.key })?.value, all > 0 else { return nil }
        var (work, chain) = (0.0, 0.0)
        for song in songs where song.isOpen && song.state == .sampling {
            for index in song.streams.indices where !song.isComplete(index) {
                let level = song.level(at: index)
                let (segment, stream) = (song.segment(index), song.streams[index])
                let primes = segment.windows.dropFirst(stream.window).reduce(0) { $0 + $1.prime.count }
                let rows = Double(segment.range.count - stream.tokens.count) + Double(primes) / prefillGain(level)
                work += rows / (speeds[level] ?? all)
                chain = max(chain, Double(song.path(index)) / (fastSpeeds[level] ?? usual))
            }
        }
        return (work, chain)
    }

    private func freeTimes(_ leases: [(lease: Lease, place: Int, index: Int)]) -> [Instant] {
        leases.compactMap { lease, place, index in
            guard let fast = fastSpeeds[lease.task.level], let window = songs[place].window(index) else { return nil }
            let own = speed(of: lease, place, index, usual: fast)
            guard own > Self.fast * fast else { return nil }
            let rows = lease.hasSpoken ? 0 : songs[place].end(index) - window.range.lowerBound
            let left =
                Double(window.new.upperBound - songs[place].end(index)) + Double(rows) / prefillGain(lease.task.level)
            return max(now, lease.heard + .nanoseconds(Int64(left / own * 1e9)))
        }.sorted()
    }

    /// When a window's chain ends if the window goes on so fast from some time on, and what follows on fast workers.
    private func chainEnd(
        _ place: Int, _ index: Int, from start: Instant, speed: Double, fast: Double
    ) -> Instant? {
        guard let window = songs[place].window(index) else { return nil }
        let have = songs[place].end(index)
        let left = Double(window.new.upperBound - have)
        let rows = Double(have - window.range.lowerBound) / prefillGain(songs[place].level(at: index))
        let seconds = (left + rows) / speed + max(0, Double(songs[place].path(index)) - left) / fast
        return start + .nanoseconds(Int64(seconds * 1e9))
    }

    /// Whether a window's chain would end after everything else if a slow worker had the window: it goes first for fast
    /// ones, whichever song's turn it is.
    func isUrgent(_ task: ReadyTask) -> Bool {
        guard let horizon, let (place, index) = live(task.task.stream), let fast = fastSpeeds[task.task.level],
            let slow = slowSpeeds[task.task.level],
            let end = chainEnd(place, index, from: now, speed: slow, fast: fast)
        else { return false }
        return end > horizon.end
    }

    /// Whether a window had better wait for a fast worker, all of which are busy: on this one its chain would end after
    /// everything else, and sooner on the next fast one that no other window waits for.
    mutating func isKept(_ place: Int, _ index: Int, from id: WorkerID) -> Bool {
        let level = songs[place].level(at: index)
        guard let horizon, horizon.kept < horizon.free.count, let worker = pool.workers[id],
            let fast = fastSpeeds[level], let all = throughput(worker, level)
        else { return false }
        let own = all * worker.part(level, joining: 1)
        guard own < Self.fast * fast,
            let here = chainEnd(place, index, from: now, speed: own, fast: fast), here > horizon.end,
            let there = chainEnd(
                place, index, from: max(now, horizon.free[horizon.kept]), speed: fast, fast: fast), there < here
        else { return false }
        self.horizon?.kept += 1
        return true
    }
}
