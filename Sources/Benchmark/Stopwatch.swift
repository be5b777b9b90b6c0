/// Repeats something and tells the median of its times.
struct Stopwatch {
    /// At least this many runs, however long they take.
    var runs = 5
    /// Seconds after which no further run begins.
    var seconds = 3.0

    /// Seconds of a run: the median over the runs after a first one that is not counted.
    func median(_ body: () -> Void) -> Double {
        body()
        var times: [Double] = []
        let start = ContinuousClock.now
        while times.count < runs || (start.duration(to: .now) / .seconds(1) < seconds && times.count < 200) {
            let before = ContinuousClock.now
            body()
            times.append(before.duration(to: .now) / .seconds(1))
            if start.duration(to: .now) / .seconds(1) > 10 * seconds { break }
        }
        return times.sorted()[times.count / 2]
    }
}
