/// The longest time in which no token was journaled although a song was being sampled, and when tokens came.
///
/// It reads no clock: times are arguments, in seconds of any start.
package struct PauseMeter: Sendable {
    private var tokens = 0
    private var lastProgress: Double?
    private var progress: [Double] = []
    package private(set) var longest = 0.0
    /// When the longest one ended.
    package private(set) var longestAt = 0.0

    package init() {}

    /// - Parameters:
    ///   - tokens: of the song, so far.
    ///   - isSampling: whether the song waits for tokens.
    package mutating func look(tokens: Int, isSampling: Bool, at now: Double) {
        defer { self.tokens = tokens }
        guard isSampling else { return lastProgress = nil }
        guard let last = lastProgress else { return lastProgress = now }
        if now - last > longest { (longest, longestAt) = (now - last, now) }
        guard tokens > self.tokens else { return }
        lastProgress = now
        progress.append(now)
    }

    /// Seconds from a moment to the next new token; nil when none came.
    package func recovery(from moment: Double) -> Double? {
        progress.first { $0 >= moment }.map { $0 - moment }
    }
}
