/// For each window of a plan, the longest chain of tokens that begins with it and of which each waits for the one
/// before, to the song's end: what is sampled first where there is a choice.
///
/// A window of the level below waits only for the tokens over it, not for the end of the window that brings them.
package struct CriticalPaths: Sendable, Hashable {
    /// [level][segment][window].
    private let lengths: [[[Int]]]

    package init(_ plan: Plan) {
        var lengths: [[[Int]]] = []
        for level in plan.levels {
            let below = level.level > 0 ? plan.levels[level.level - 1].segments : []
            lengths.append(
                level.segments.enumerated().map { number, segment in
                    // A segment waits for its own above it, and for those beside that; all of a level's wait for one
                    // that is not cut.
                    let isCut = level.segments.count == below.count
                    let waiting = isCut ? number..<number + 1 : 0..<below.count
                    var own = Self.lengths(
                        of: segment, below: waiting.map { (below[$0], lengths[level.level - 1][$0]) })
                    for beside in [number - 1, number + 1] where isCut && below.indices.contains(beside) {
                        for (lower, length) in zip(below[beside].windows, lengths[level.level - 1][beside]) {
                            let part = lower.above.map { plan.part(of: $0, level: level.level, segment: number) }
                            guard let end = part?.upperBound, part?.isEmpty == false else { continue }
                            for place in segment.windows.indices {
                                let new = segment.windows[place].new
                                if new.lowerBound < end { own[place] = max(own[place], end - new.lowerBound + length) }
                            }
                        }
                    }
                    return own
                })
        }
        self.lengths = lengths
    }

    private static func lengths(of segment: SegmentPlan, below: [(segment: SegmentPlan, lengths: [Int])]) -> [Int] {
        var own = Array(repeating: 0, count: segment.windows.count)
        for place in segment.windows.indices.reversed() {
            let window = segment.windows[place]
            own[place] = window.new.count + (place + 1 < own.count ? own[place + 1] : 0)
            for (lower, lengths) in below {
                var next = lower.windows.place { ($0.above?.upperBound ?? 0) > window.new.lowerBound }
                while next < lengths.count, let end = lower.windows[next].above?.upperBound,
                    end <= window.new.upperBound
                {
                    own[place] = max(own[place], end - window.new.lowerBound + lengths[next])
                    next += 1
                }
            }
        }
        return own
    }

    /// Tokens of the longest chain that begins with a window, its own included.
    package func length(level: Int, segment: Int = 0, window: Int) -> Int { lengths[level][segment][window] }

    /// Tokens of the song's longest chain: with however many workers, it takes as long as these.
    package var longest: Int { lengths.joined().compactMap(\.first).max() ?? 0 }
}

extension Array {
    /// In an array whose elements fail and then meet a condition, the place of the first that does.
    fileprivate func place(where condition: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
