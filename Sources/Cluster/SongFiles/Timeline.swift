package import CoordinatorCore
package import Foundation
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

        package init(
            sample: Int, level: Int, segment: Int?, window: Int, worker: Int, start: Double,
            firstTokens: Double? = nil, end: Double, tokens: Int = 0, ending: String
        ) {
            self.sample = sample
            self.level = level
            self.segment = segment
            self.window = window
            self.worker = worker
            self.start = start
            self.firstTokens = firstTokens
            self.end = end
            self.tokens = tokens
            self.ending = ending
        }
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

    package init(
        song: SongID, state: String, submittedAt: Double, samples: Int, planInputs: PlanInputs,
        workers: [Worker] = [], leases: [Entry] = []
    ) {
        self.song = song
        self.state = state
        self.submittedAt = submittedAt
        self.samples = samples
        self.planInputs = planInputs
        self.workers = workers
        self.leases = leases
    }

    /// When the worker of these leases was lost for the rest of the song, seconds since 1970; nil when it was not.
    package static func lost(_ leases: [Entry]) -> Double? {
        guard let last = leases.map(\.end).max(),
            leases.contains(where: { $0.end == last && $0.lost == true }),
            !leases.contains(where: { $0.ending == "running" })
        else { return nil }
        return last
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// How earlier releases said that a lease ended with its worker.
    private static let losses = [
        "worker lost:", "worker left:", "worker silent for too long:", "refused:", "replaced:",
    ]

    package init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Timeline.self, from: json)
        // Earlier releases wrote times as the wall clock had them, which may have been set back.
        for place in leases.indices {
            leases[place].end = max(leases[place].start, leases[place].end)
            leases[place].firstTokens = leases[place].firstTokens.map { max(leases[place].start, $0) }
            if Self.losses.contains(where: leases[place].ending.hasPrefix) { leases[place].lost = true }
        }
    }
}
