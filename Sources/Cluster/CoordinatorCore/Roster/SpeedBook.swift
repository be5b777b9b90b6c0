/// What is known of speeds beyond one worker: what to expect of one that was not measured yet, and what prefill costs.
struct SpeedBook: Sendable {
    /// Tokens a second of the fastest worker so far. One that was not measured yet may be as fast: it gets work, and
    /// so is measured.
    private var fastest = 1.0
    /// The same by level.
    private var fastestAt: [Int: Double] = [:]
    /// By level, how many tokens could be sampled in the time of a row of prefill; what waits for its turn takes longer.
    private var prefillCosts: [Int: Double] = [:]

    /// Rows of prefill that are enough to measure.
    static let rowsToMeasure = 512.0
    private static let possibleCosts = 1.0 / 64...4
    private static let usualGain = 8.0
    /// What counts as faster: small steps would have everybody looked at again and again.
    private static let step = 1.1

    /// - Returns: whether workers that were not measured are expected to be faster now.
    mutating func note(_ speed: Double) -> Bool {
        guard speed > Self.step * fastest else { return false }
        fastest = speed
        return true
    }

    mutating func note(_ speed: Double, level: Int) -> Bool {
        guard speed > Self.step * (fastestAt[level] ?? 0) else { return false }
        fastestAt[level] = speed
        return true
    }

    /// A prefill took the time of `tokens` tokens for `rows` rows.
    mutating func notePrefill(level: Int, rows: Double, tokens: Double) {
        let cost = min(max(tokens / rows, Self.possibleCosts.lowerBound), Self.possibleCosts.upperBound)
        prefillCosts[level] = prefillCosts[level].map { 0.9 * $0 + 0.1 * cost } ?? cost
    }

    /// Rows of prefill in the time of one token: as measured at the level, or what is usual until then.
    func prefillGain(_ level: Int) -> Double { prefillCosts[level].map { 1 / $0 } ?? Self.usualGain }

    /// Tokens a second of a worker that may not have been measured at a level: by its speed at another one beside the
    /// fastest's there.
    func expected(_ worker: Worker, _ level: Int) -> Double {
        if let measured = worker.throughput[level] { return measured }
        let own = max(worker.description.tokensPerSecond, 1)
        guard let best = fastestAt[level] else { return worker.isMeasured ? own : fastest }
        guard let (other, speed) = worker.throughput.min(by: { $0.key < $1.key }), let there = fastestAt[other] else {
            return worker.isMeasured ? best * min(1, own / fastest) : best
        }
        return best * speed / there
    }
}
