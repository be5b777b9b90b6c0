/// A length, hop or prompt that cannot work, told before the first token, with the nearest that can.
package struct GeometryError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// The rules that lengths, hops and label times must keep.
package enum GeometryCheck {
    /// A song is a whole, positive number of top-level tokens.
    package static func length(_ sampleLength: Int, _ geometry: ModelGeometry) throws(GeometryError) {
        let unit = geometry.lengthUnit
        guard sampleLength > 0 else {
            throw GeometryError("a song needs at least \(unit) audio samples; got \(sampleLength)")
        }
        let hour = 3600 * geometry.sampleRate
        let limit = min(hour, geometry.timing?.maximumTotal ?? hour)
        let longest = limit / unit * unit
        guard sampleLength <= longest else {
            let what = limit == hour ? "an hour" : "what the model can express"
            throw GeometryError("sample_length \(sampleLength) is over \(what); the most is \(longest)")
        }
        guard sampleLength.isMultiple(of: unit) else {
            let below = sampleLength / unit * unit
            let choices = [below, below + unit].filter { $0 > 0 && $0 <= longest }
                .map { "\($0)" }.joined(separator: " or ")
            throw GeometryError(
                "sample_length \(sampleLength) is not a multiple of \(unit), the audio samples of one "
                    + "top-level token; the nearest that works: \(choices)")
        }
    }

    /// A hop is positive, at most a window, and keeps windows aligned with the level above.
    package static func hop(_ hop: Int, level: Int, _ geometry: ModelGeometry) throws(GeometryError) {
        let shape = geometry.levels[level]
        let unit = shape.tokensPerUpperToken ?? 1
        guard hop >= 1, hop <= shape.windowLength, hop.isMultiple(of: unit) else {
            let aligned = max(unit, min(shape.windowLength / unit * unit, (hop + unit / 2) / unit * unit))
            // The fraction is cut to whole tokens; just below a whole one it would give the hop before.
            var fraction = Double(aligned) / Double(shape.windowLength)
            if Int(fraction * Double(shape.windowLength)) < aligned { fraction = fraction.nextUp }
            throw GeometryError(
                "a hop of \(hop) tokens at level \(level) cannot work: it must be a multiple of \(unit) "
                    + "from \(unit) to \(shape.windowLength); the nearest is \(aligned), hop_fraction "
                    + "\(fraction)")
        }
    }

    /// The hop of a fraction of a window (the original's `int(hop_fraction · n_ctx)`).
    package static func hop(
        fraction: Double, level: Int, _ geometry: ModelGeometry
    ) throws(GeometryError) -> Int {
        guard fraction > 0, fraction <= 1 else {
            throw GeometryError(
                "hop_fraction \(fraction) at level \(level) is not above 0 and at most 1; "
                    + "0.5 is the usual choice")
        }
        let tokens = Int(fraction * Double(geometry.levels[level].windowLength))
        try hop(tokens, level: level, geometry)
        return tokens
    }

    /// The labels' total length and offset must lie in the range that the model was trained on.
    package static func timing(
        totalLength: Int, offset: Int, sampleLength: Int, _ geometry: ModelGeometry
    ) throws(GeometryError) {
        guard totalLength > 0, offset >= 0, max(totalLength, offset) < 1 << 32 else {
            throw GeometryError(
                "total_length \(totalLength) must be positive and offset \(offset) not negative, "
                    + "and both below 2^32 audio samples")
        }
        guard let timing = geometry.timing else { return }
        let rate = Double(geometry.sampleRate)
        guard totalLength >= timing.minimumTotal, totalLength < timing.maximumTotal else {
            let nearest = totalLength < timing.minimumTotal ? timing.minimumTotal : timing.maximumTotal - 1
            throw GeometryError(
                "total_length \(totalLength) (\(Double(totalLength) / rate) s) is outside what the model was "
                    + "trained on, \(Double(timing.minimumTotal) / rate) s to below "
                    + "\(Double(timing.maximumTotal) / rate) s; the nearest is \(nearest) audio samples")
        }
        let top = geometry.levels[geometry.top]
        let lastStart = max(0, sampleLength - top.windowLength * top.samplesPerToken)
        let lastEnd = offset + lastStart + top.windowLength * top.samplesPerToken
        guard lastEnd <= timing.maximumTotal else {
            throw GeometryError(
                "offset \(offset) puts the last window's end at \(lastEnd) audio samples, after the "
                    + "\(timing.maximumTotal) that the model can express; the largest offset that works is "
                    + "\(max(0, timing.maximumTotal - (lastEnd - offset)))")
        }
    }

    /// The whole that the labels tell of holds the part that is made; beyond its end the model never saw a label.
    package static func part(
        ofTotal totalLength: Int, offset: Int, sampleLength: Int, _ geometry: ModelGeometry
    ) throws(GeometryError) {
        guard let timing = geometry.timing else { return }
        let end = offset + sampleLength
        // The longest song is as long as the range, which totals stay below.
        guard totalLength < min(end, timing.maximumTotal - 1) else { return }
        func seconds(_ samples: Int, _ rule: FloatingPointRoundingRule) -> Double {
            (Double(samples) / Double(geometry.sampleRate) * 10_000).rounded(rule) / 10_000
        }
        let least = max(min(end, timing.maximumTotal - 1), timing.minimumTotal)
        let unit = geometry.lengthUnit
        let most = (totalLength - offset) / unit * unit
        throw GeometryError(
            "total_length \(totalLength) (\(seconds(totalLength, .down)) s) ends before the song does, at \(end) "
                + "(\(seconds(end, .up)) s, with its offset); the least that works is \(least) "
                + "(--total-seconds \(seconds(least, .up))), or leave it out"
                + (most > 0 ? "; or make at most \(most) audio samples (\(seconds(most, .down)) s)" : ""))
    }
}
