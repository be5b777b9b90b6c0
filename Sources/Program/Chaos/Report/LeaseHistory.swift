package import SongFiles

/// What became of the windows that a worker had when it was struck.
package struct LeaseHistory: Sendable {
    private let timeline: Timeline

    package init(_ timeline: Timeline) { self.timeline = timeline }

    private struct Window: Hashable {
        var sample: Int
        var level: Int
        var segment: Int?
        var window: Int

        init(_ lease: Timeline.Entry) {
            (sample, level, segment, window) = (lease.sample, lease.level, lease.segment, lease.window)
        }
    }

    /// Seconds until the last of the windows that the workers had then was given to a worker again; nil when none was.
    /// A window that another worker had as a copy did not wait for anything.
    ///
    /// - Parameters:
    ///   - victims: names of workers.
    ///   - moment: seconds since 1970.
    package func reassigned(from victims: Set<String>, at moment: Double) -> Double? {
        let places = Set(timeline.workers.indices.filter { victims.contains(timeline.workers[$0].name) })
        let running = timeline.leases.filter { $0.start <= moment && moment < $0.end }
        let others = Set(running.filter { !places.contains($0.worker) }.map(Window.init))
        let lost = Set(running.filter { places.contains($0.worker) && $0.lost == true }.map(Window.init))
        let waits = lost.subtracting(others).compactMap { window -> Double? in
            let next = timeline.leases.filter { $0.start > moment && Window($0) == window }.map(\.start).min()
            return next.map { $0 - moment }
        }
        return waits.max()
    }

    /// Tokens that a worker handed in.
    package func tokens(of name: String) -> Int {
        timeline.leases.filter { timeline.workers[$0.worker].name == name }.reduce(0) { $0 + $1.tokens }
    }
}
