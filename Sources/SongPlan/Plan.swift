/// One window: a run of at most `windowLength` tokens of one level of one sample, sampled in order.
package struct Window: Sendable, Hashable {
    /// Position in the level's list of windows.
    package var index: Int
    /// Tokens of the level that the window covers.
    package var range: Range<Int>
    /// Tokens that this window appends; what lies before them in `range` is its prime.
    package var new: Range<Int>
    /// Tokens of the level above that condition it; nil at the top.
    package var above: Range<Int>?

    /// The tokens of its own level that the window starts from.
    package var prime: Range<Int> { range.lowerBound..<new.lowerBound }
}

/// The windows of one level, the same for each sample of a song.
package struct LevelPlan: Sendable, Hashable {
    package var level: Int
    /// Tokens of the finished level.
    package var total: Int
    /// Tokens that are there before anything is sampled (a prompt, or codes that were given).
    package var known: Int
    /// Tokens between the starts of windows.
    package var hop: Int
    /// In the order in which they are sampled; empty when the level is complete or is not sampled.
    package var windows: [Window]

    /// Tokens that sampling will add.
    package var newTokens: Int { windows.reduce(0) { $0 + $1.new.count } }
}

/// All windows of a song and what each waits for. A pure function of geometry and lengths.
package struct Plan: Sendable, Hashable {
    package var geometry: ModelGeometry
    /// Audio samples of the song.
    package var sampleLength: Int
    /// The lowest level that is sampled.
    package var stopAt: Int
    /// By level, 0 first. Levels below `stopAt` have no windows and no tokens.
    package var levels: [LevelPlan]

    /// Lays out the windows (the original's `sample_level` and `get_starts`).
    ///
    /// - Parameters:
    ///   - sampleLength: audio samples, a multiple of the geometry's `lengthUnit`.
    ///   - hops: tokens between windows, by level.
    ///   - known: tokens that are there already, by level.
    ///   - stopAt: the lowest level to sample.
    /// - Throws: `GeometryError`, with the nearest value that works.
    package init(
        geometry: ModelGeometry, sampleLength: Int, hops: [Int], known: [Int], stopAt: Int = 0
    ) throws(GeometryError) {
        try GeometryCheck.length(sampleLength, geometry)
        guard hops.count == geometry.levels.count, known.count == geometry.levels.count else {
            throw GeometryError(
                "a model of \(geometry.levels.count) levels needs that many hops and known lengths; "
                    + "got \(hops.count) and \(known.count)")
        }
        guard geometry.levels.indices.contains(stopAt) else {
            throw GeometryError(
                "stop_at \(stopAt) is not a level of this model; its levels are 0 to \(geometry.top)")
        }
        self.geometry = geometry
        self.sampleLength = sampleLength
        self.stopAt = stopAt
        var levels: [LevelPlan] = []
        for (level, shape) in geometry.levels.enumerated() {
            let total = sampleLength / shape.samplesPerToken
            try GeometryCheck.hop(hops[level], level: level, geometry)
            guard known[level] >= 0 else {
                throw GeometryError("level \(level) cannot have \(known[level]) known tokens; 0 is the least")
            }
            guard known[level] <= total else {
                let unit = geometry.lengthUnit
                let length = (known[level] * shape.samplesPerToken + unit - 1) / unit * unit
                throw GeometryError(
                    "level \(level) already has \(known[level]) tokens, more than the \(total) of the song; "
                        + "ask for at least \(length) audio samples")
            }
            levels.append(
                LevelPlan(
                    level: level, total: level < stopAt ? known[level] : total, known: known[level],
                    hop: hops[level],
                    windows: level < stopAt
                        ? []
                        : Self.windows(shape: shape, total: total, known: known[level], hop: hops[level])))
        }
        self.levels = levels
    }

    /// The starts of windows over `total` tokens: 0, hop, 2·hop …, the last moved back to end at `total`.
    package static func starts(total: Int, windowLength: Int, hop: Int) -> [Int] {
        guard total > windowLength else { return [0] }
        return Array(stride(from: 0, to: total - windowLength, by: hop)) + [total - windowLength]
    }

    private static func windows(shape: LevelGeometry, total: Int, known: Int, hop: Int) -> [Window] {
        var windows: [Window] = []
        var have = known
        for start in starts(total: total, windowLength: shape.windowLength, hop: hop) {
            let end = min(start + shape.windowLength, total)
            guard end > have else { continue }
            let above = shape.tokensPerUpperToken.map { start / $0..<(end + $0 - 1) / $0 }
            windows.append(
                Window(index: windows.count, range: start..<end, new: max(start, have)..<end, above: above))
            have = end
        }
        return windows
    }

    /// Tokens that sampling will add over all levels, for one sample.
    package var newTokens: Int { levels.reduce(0) { $0 + $1.newTokens } }
}
