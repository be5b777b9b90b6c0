import SongPlan

/// How large a song's plan may be: the coordinator keeps it in memory, with all of the song's tokens.
enum PlanBounds {
    /// Windows of one level of one sample, which are planned alike for all samples. An hour with the usual hops has 5000.
    static let windows = 32_768
    /// Tokens that are sampled, over all levels and samples. Ten samples of an hour fit.
    static let tokens = 1 << 28

    /// - Throws: `SongError` with the nearest that works.
    static func check(
        _ geometry: ModelGeometry, sampleLength: Int, hops: [Int], known: [Int], stopAt: Int, samples: Int
    ) throws {
        var all = 0
        for (level, shape) in geometry.levels.enumerated() where level >= stopAt {
            let total = sampleLength / shape.samplesPerToken
            all += max(0, total - known[level])
            let rest = max(0, total - max(shape.windowLength, known[level]))
            let count = rest / max(1, hops[level]) + 1
            guard count <= windows else {
                let unit = shape.tokensPerUpperToken ?? 1
                let least = (rest / (windows - 1) + unit) / unit * unit
                var fraction = Double(least) / Double(shape.windowLength)
                if Int(fraction * Double(shape.windowLength)) < least { fraction = fraction.nextUp }
                throw SongError(
                    "a hop of \(hops[level]) tokens makes \(count) windows of level \(level), and \(windows) are the most: "
                        + "the least hop_fraction that works there is \(fraction)")
            }
        }
        guard all <= tokens / max(1, samples) else {
            let most = tokens / max(1, all)
            throw SongError(
                "\(samples) \(samples == 1 ? "sample" : "samples") of this length have \(all) tokens each, and a song has "
                    + "at most \(tokens) in all: "
                    + (most > 0 ? "ask for at most \(most) samples, or make several songs" : "make it shorter"))
        }
    }
}
