package import CoordinatorCore
package import Foundation
package import Journal
package import SongPlan

/// Who sampled which window when: `timeline.json` of a song's folder, for people and for `orchestrion timeline`.
package struct Timeline: Sendable, Codable {
    /// One lease, as it went.
    package struct Entry: Sendable, Codable {
        package var sample: Int
        package var level: Int
        /// nil in exact mode.
        package var segment: Int?
        package var window: Int
        /// The place in `workers`.
        package var worker: Int
        /// Seconds since 1970.
        package var start: Double
        package var firstTokens: Double?
        package var end: Double
        /// Tokens that it brought.
        package var tokens: Int
        /// "done", "running", "copied" when another copy was first, or why it was taken back.
        package var ending: String
        /// Whether it was taken back because its worker went.
        package var lost: Bool?
    }

    package var song: SongID
    package var state: String
    /// Seconds since 1970.
    package var submittedAt: Double
    package var samples: Int
    package var planInputs: PlanInputs
    /// Names, and slots where they are known.
    package var workers: [Worker]
    package var leases: [Entry]

    package struct Worker: Sendable, Codable {
        package var name: String
        package var slots: Int

        package init(name: String, slots: Int) {
            self.name = name
            self.slots = slots
        }
    }

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
        song = submission.song
        self.state = "\(state)"
        submittedAt = submission.submittedAt
        samples = submission.samples
        planInputs = submission.planInputs
        workers = []
        leases = []
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
                        start: time, firstTokens: nil, end: time, tokens: 0, ending: "running"))
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

    /// When the worker of these leases was lost for the rest of the song, seconds since 1970; nil when it was not.
    package static func lost(_ leases: [Entry]) -> Double? {
        guard let last = leases.map(\.end).max(),
            leases.contains(where: { $0.end == last && $0.lost == true }),
            !leases.contains(where: { $0.ending == "running" })
        else { return nil }
        return last
    }

    package static let file = "timeline.json"

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    package init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Timeline.self, from: json)
        // Earlier releases wrote times as the wall clock had them, which may have been set back.
        for place in leases.indices {
            leases[place].end = max(leases[place].start, leases[place].end)
            leases[place].firstTokens = leases[place].firstTokens.map { max(leases[place].start, $0) }
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
