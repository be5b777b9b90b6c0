/// One window: a run of at most `windowLength` tokens of one level of one sample, sampled in order.
package struct Window: Sendable, Hashable {
    /// Position in its segment's list of windows.
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

/// A run of windows of one level that are sampled in order. In exact mode a level has one.
package struct SegmentPlan: Sendable, Hashable {
    /// Tokens of the level that exist when the segment is complete, known ones included.
    package var range: Range<Int>
    /// How many of them, from the start, are there before anything is sampled.
    package var known: Int
    /// In the order in which they are sampled; empty when nothing is.
    package var windows: [Window]

    /// Tokens that sampling will add.
    package var newTokens: Int { range.count - known }
}

/// The windows of one level of one sample.
package struct LevelPlan: Sendable, Hashable {
    package var level: Int
    /// Tokens of the finished level.
    package var total: Int
    /// Tokens that are there before anything is sampled (a prompt, or codes that were given).
    package var known: Int
    /// Tokens between the starts of windows.
    package var hop: Int
    /// From the song's start to its end; where there are more than one, neighbours overlap.
    package var segments: [SegmentPlan]

    /// Of all segments; empty when the level is complete or is not sampled.
    package var windows: [Window] { segments.flatMap(\.windows) }

    /// Tokens that sampling will add.
    package var newTokens: Int { segments.reduce(0) { $0 + $1.newTokens } }
}

/// All windows of a song and what each waits for. A pure function of geometry, lengths and cuts.
package struct Plan: Sendable, Hashable {
    package var geometry: ModelGeometry
    /// Audio samples of the song.
    package var sampleLength: Int
    /// The lowest level that is sampled.
    package var stopAt: Int
    /// nil in exact mode.
    package private(set) var segmentation: Segmentation?
    /// Where levels are cut, in top-level tokens, ascending: the nominal places until `move` is told better ones.
    package private(set) var cuts: [Int]
    /// By level, 0 first. Levels below `stopAt` have no windows and no tokens.
    package private(set) var levels: [LevelPlan]

    /// Lays out the windows (the original's `sample_level` and `get_starts`).
    ///
    /// - Parameters:
    ///   - sampleLength: audio samples, a multiple of the geometry's `lengthUnit`.
    ///   - hops: tokens between windows, by level.
    ///   - known: tokens that are there already, by level.
    ///   - stopAt: the lowest level to sample.
    ///   - segmentation: how the levels below the top are cut; nil is exact mode.
    /// - Throws: `GeometryError`, with the nearest value that works.
    package init(
        geometry: ModelGeometry, sampleLength: Int, hops: [Int], known: [Int], stopAt: Int = 0,
        segmentation: Segmentation? = nil
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
        self.segmentation = segmentation
        cuts = []
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
                    hop: hops[level], segments: []))
        }
        self.levels = levels
        if let segmentation { cuts = try Self.nominalCuts(segmentation, levels: levels, geometry: geometry) }
        if !levels.indices.contains(where: isCut) { (self.segmentation, cuts) = (nil, []) }
        for level in levels.indices {
            self.levels[level].segments = (0..<segments(of: level)).map { segment(level, $0) }
        }
    }

    /// Segments of a level: one at the top, where nothing is to be sampled, and in exact mode.
    package func segments(of level: Int) -> Int {
        isCut(level) ? cuts.count + 1 : 1
    }

    /// Whether a level is sampled in segments.
    package func isCut(_ level: Int) -> Bool {
        level < geometry.top && levels[level].known < levels[level].total && !cuts.isEmpty
    }

    /// Where a cut may be moved to, in top-level tokens.
    package func room(ofCut seam: Int) -> ClosedRange<Int> {
        let nominal = nominalCut(seam)
        let search = segmentation?.search ?? 0
        return nominal - search...nominal + search
    }

    /// The top-level tokens whose audio decides where a cut lies.
    package func heard(forCut seam: Int) -> Range<Int> {
        let (room, margin) = (room(ofCut: seam), (segmentation?.lead ?? 0) + (segmentation?.tail ?? 0))
        return max(0, room.lowerBound - margin)..<min(levels[geometry.top].total, room.upperBound + margin)
    }

    /// Moves a cut, and lays the windows of the segments beside it out anew.
    package mutating func move(cut seam: Int, to position: Int) {
        cuts[seam] = position
        for level in levels.indices where isCut(level) {
            for number in [seam, seam + 1] { levels[level].segments[number] = segment(level, number) }
        }
    }

    /// The tokens of a level on both sides of a cut for which there are two renditions.
    package func overlap(ofCut seam: Int, level: Int) -> Range<Int> {
        levels[level].segments[seam + 1].range.lowerBound..<levels[level].segments[seam].range.upperBound
    }

    /// What of a slice of a level lies on a segment's side of its cuts. So both renditions of an overlap are conditioned on
    /// the same tokens: up to the cut on those of the segment before it, from the cut on of the one after it.
    package func part(of slice: Range<Int>, level: Int, segment: Int) -> Range<Int> {
        guard isCut(level) else { return slice }
        let ratio = geometry.lengthUnit / geometry.levels[level].samplesPerToken
        let start = segment == 0 ? 0 : cuts[segment - 1] * ratio
        let end = segment == cuts.count ? levels[level].total : cuts[segment] * ratio
        return slice.clamped(to: start..<end)
    }

    /// Top-level tokens that some level below the top has from the start; no cut falls into them.
    private static func knownEnd(_ levels: [LevelPlan], _ geometry: ModelGeometry) -> Int {
        levels.dropLast().filter { $0.known < $0.total }.map { level in
            let samples = level.known * geometry.levels[level.level].samplesPerToken
            return (samples + geometry.lengthUnit - 1) / geometry.lengthUnit
        }.max() ?? 0
    }

    /// Top-level tokens of the song that have to be sampled at some level below the top.
    package static func lengthToCut(sampleLength: Int, known: [Int], geometry: ModelGeometry) -> Int {
        let levels = geometry.levels.enumerated().map { level, shape in
            LevelPlan(
                level: level, total: sampleLength / shape.samplesPerToken, known: known[level], hop: 0, segments: [])
        }
        return sampleLength / geometry.lengthUnit - knownEnd(levels, geometry)
    }

    private static func nominalCuts(
        _ segmentation: Segmentation, levels: [LevelPlan], geometry: ModelGeometry
    ) throws(GeometryError) -> [Int] {
        let from = knownEnd(levels, geometry)
        let length = levels[geometry.top].total - from
        let (count, overlap) = (segmentation.count, segmentation.lead + segmentation.tail)
        guard count > 1, segmentation.lead >= 0, segmentation.tail >= 0, segmentation.search >= 0,
            length / count >= max(1, overlap + 2 * segmentation.search)
        else {
            throw GeometryError(
                "\(count) segments of \(length) top-level tokens leave no room for an overlap of \(overlap) and cuts "
                    + "that move by \(segmentation.search); ask for fewer segments")
        }
        return (1..<count).map { from + length * $0 / count }
    }

    private func nominalCut(_ seam: Int) -> Int {
        let from = Self.knownEnd(levels, geometry)
        return from + (levels[geometry.top].total - from) * (seam + 1) / (cuts.count + 1)
    }

    private func segment(_ level: Int, _ number: Int) -> SegmentPlan {
        let (plan, shape) = (levels[level], geometry.levels[level])
        guard level >= stopAt else { return SegmentPlan(range: 0..<plan.total, known: plan.total, windows: []) }
        let ratio = geometry.lengthUnit / shape.samplesPerToken
        var range = 0..<plan.total
        if let segmentation, isCut(level) {
            let start = number == 0 ? 0 : (cuts[number - 1] - segmentation.lead) * ratio
            let end = number == cuts.count ? plan.total : (cuts[number] + segmentation.tail) * ratio
            range = start..<end
        }
        let known = number == 0 ? plan.known : 0
        return SegmentPlan(
            range: range, known: known,
            windows: Self.windows(shape: shape, range: range, known: known, hop: plan.hop))
    }

    /// The starts of windows over `total` tokens: 0, hop, 2·hop …, the last moved back to end at `total`.
    package static func starts(total: Int, windowLength: Int, hop: Int) -> [Int] {
        guard total > windowLength else { return [0] }
        return Array(stride(from: 0, to: total - windowLength, by: hop)) + [total - windowLength]
    }

    /// Windows over a segment; a segment begins with a window of its own, without a prime.
    private static func windows(shape: LevelGeometry, range: Range<Int>, known: Int, hop: Int) -> [Window] {
        var windows: [Window] = []
        var have = range.lowerBound + known
        for offset in starts(total: range.count, windowLength: shape.windowLength, hop: hop) {
            let start = range.lowerBound + offset
            let end = min(start + shape.windowLength, range.upperBound)
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
