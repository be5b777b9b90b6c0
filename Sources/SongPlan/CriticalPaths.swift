/// For each window of a plan, the longest chain of tokens that begins with it and of which each waits for the one
/// before, to the song's end: what is sampled first where there is a choice.
///
/// A window of the level below waits only for the tokens over it, not for the end of the window that brings them.
package struct CriticalPaths: Sendable, Hashable {
    /// [level][window].
    private let lengths: [[Int]]

    package init(_ plan: Plan) {
        var lengths: [[Int]] = []
        for level in plan.levels {
            let below = level.level > 0 ? plan.levels[level.level - 1].windows : []
            var own = Array(repeating: 0, count: level.windows.count)
            for place in level.windows.indices.reversed() {
                let window = level.windows[place]
                own[place] = window.new.count + (place + 1 < own.count ? own[place + 1] : 0)
                var lower = below.place { ($0.above?.upperBound ?? 0) > window.new.lowerBound }
                while lower < below.count, let end = below[lower].above?.upperBound, end <= window.new.upperBound {
                    own[place] = max(own[place], end - window.new.lowerBound + lengths[level.level - 1][lower])
                    lower += 1
                }
            }
            lengths.append(own)
        }
        self.lengths = lengths
    }

    /// Tokens of the longest chain that begins with a window, its own included.
    package func length(level: Int, window: Int) -> Int { lengths[level][window] }

    /// Tokens of the song's longest chain: with however many workers, it takes as long as these.
    package var longest: Int { lengths.compactMap(\.first).max() ?? 0 }
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
