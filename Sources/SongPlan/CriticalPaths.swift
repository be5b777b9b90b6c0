/// For each window of a plan, the longest chain of windows that begins with it and of which each waits for the one
/// before, to the song's end, in new tokens: what is sampled first where the choice is.
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
                let next = place + 1 < own.count ? own[place + 1] : 0
                let first = below.place { ($0.above?.upperBound ?? 0) > window.new.lowerBound }
                let lower = first < below.count ? lengths[level.level - 1][first] : 0
                own[place] = window.new.count + max(next, lower)
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
