package import CoordinatorCore
package import Journal
package import SongFiles
package import SongPlan

extension Timeline {
    /// Of tasks' events in their order.
    ///
    /// - Parameters:
    ///   - plans: by sample.
    ///   - known: by worker, its name and slots.
    ///   - now: where leases that run end, seconds since 1970.
    package init(
        submission: Submission, plans: [Plan], state: SongState, events: [TaskEvent],
        known: [WorkerID: Worker], now: Double
    ) {
        self.init(
            song: submission.song, state: "\(state)", submittedAt: submission.submittedAt,
            samples: submission.samples, planInputs: submission.planInputs)
        var places: [WorkerID: Int] = [:]
        var open: [Epoch: Int] = [:]
        var clock = ForwardClock(submission.submittedAt)
        for event in events {
            let time = clock.time(event.time)
            switch event.kind {
            case .granted(let id):
                if places[id] == nil {
                    places[id] = workers.count
                    workers.append(known[id] ?? Worker(name: String(id.prefix(8)), slots: 1))
                }
                open[event.epoch] = leases.count
                leases.append(
                    Entry(
                        sample: event.sample, level: event.level,
                        segment: submission.planInputs.segmentation == nil ? nil : event.segment,
                        window: event.window, worker: places[id] ?? 0,
                        start: time, end: time, ending: "running"))
            case .sampled(let start, let count):
                guard let place = open[event.epoch] else { continue }
                leases[place].tokens += count
                leases[place].firstTokens = leases[place].firstTokens ?? time
                let windows = plans[event.sample].levels[event.level].segments[event.segment].windows
                if start + count == windows[event.window].new.upperBound {
                    close(event, at: time, &open)
                }
            case .ended(let reason):
                guard let place = open.removeValue(forKey: event.epoch) else { continue }
                leases[place].end = time
                leases[place].ending = "\(reason)"
                if case .lost = reason { leases[place].lost = true }
            }
        }
        let end = clock.time(now)
        for place in open.values { leases[place].end = end }
        if state.isEnded { for place in open.values { leases[place].ending = "\(state)" } }
    }

    /// A window is complete: so is its lease, and a copy of it has lost.
    private mutating func close(_ event: TaskEvent, at time: Double, _ open: inout [Epoch: Int]) {
        for (epoch, place) in open {
            let lease = leases[place]
            guard lease.sample == event.sample, lease.level == event.level, lease.segment ?? 0 == event.segment,
                lease.window == event.window
            else { continue }
            leases[place].end = time
            leases[place].ending = epoch == event.epoch ? "done" : "copied"
            open[epoch] = nil
        }
    }
}

/// Times of events in their order, of a clock that may have been set back between two runs of the coordinator: from
/// there on all are later by as much.
private struct ForwardClock {
    private var last: Double
    private var shift = 0.0

    init(_ start: Double) { last = start }

    /// - Parameter time: nil is no later than the last.
    mutating func time(_ time: Double?) -> Double {
        guard let time, time.isFinite else { return last }
        if time + shift < last { shift = last - time }
        last = time + shift
        return last
    }
}
