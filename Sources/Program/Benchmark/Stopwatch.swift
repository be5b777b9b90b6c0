package import Tensor

/// Repeats something and tells the median of its times.
package struct Stopwatch {
    /// At least this many runs, however long they take.
    package var runs = 5
    /// Seconds after which no further run begins.
    package var seconds = 3.0

    package init(runs: Int = 5, seconds: Double = 3) { (self.runs, self.seconds) = (runs, seconds) }

    /// Seconds of a run: the median over the runs after a first one that is not counted.
    package func median(_ body: () -> Void) -> Double {
        body()
        var times: [Double] = []
        repeated { times.append(time(body)) }
        return Self.middle(times)
    }

    /// The median run in seconds, and the median of how much of a limit the runs used.
    ///
    /// The limit is measured before and after each run: on a shared machine both change together.
    ///
    /// - Parameter work: bytes or operations of a run.
    package func median(
        work: Double, of limit: MachineLimits.Limit, _ limits: MachineLimits, _ body: () -> Void
    ) -> (seconds: Double, share: Double) {
        body()
        var times: [Double] = [], shares: [Double] = []
        var before = limits.now(limit)
        repeated {
            let seconds = time(body)
            let after = limits.now(limit)
            times.append(seconds)
            shares.append(work / seconds / ((before + after) / 2))
            before = after
        }
        return (Self.middle(times), Self.middle(shares))
    }

    /// The median of one thing's time over that of another, each pair of runs one after the other.
    package func ratio(_ first: () -> Void, over second: () -> Void) -> Double {
        first()
        second()
        var ratios: [Double] = []
        repeated {
            let seconds = time(first)
            ratios.append(seconds / time(second))
        }
        return Self.middle(ratios)
    }

    private func repeated(_ body: () -> Void) {
        let start = ContinuousClock.now
        var done = 0
        func elapsed() -> Double { start.duration(to: .now) / .seconds(1) }
        while done < runs || (elapsed() < seconds && done < 200) {
            body()
            done += 1
            if elapsed() > 10 * seconds { break }
        }
    }

    private func time(_ body: () -> Void) -> Double { ContinuousClock().measure(body) / .seconds(1) }

    private static func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
