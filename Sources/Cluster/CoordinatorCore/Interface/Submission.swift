package import SongPlan

/// What a plan is a function of.
package struct PlanInputs: Sendable, Hashable, Codable {
    package var geometry: ModelGeometry
    /// Audio samples.
    package var sampleLength: Int
    /// Tokens between the starts of windows, by level.
    package var hops: [Int]
    /// Tokens of each level that are there before anything is sampled.
    package var known: [Int]
    /// The lowest level that is sampled.
    package var stopAt: Int
    /// How the levels below the top are cut; nil is exact mode, and what journals of before say.
    package var segmentation: Segmentation?

    package init(
        geometry: ModelGeometry, sampleLength: Int, hops: [Int], known: [Int], stopAt: Int = 0,
        segmentation: Segmentation? = nil
    ) {
        self.geometry = geometry
        self.sampleLength = sampleLength
        self.hops = hops
        self.known = known
        self.stopAt = stopAt
        self.segmentation = segmentation
    }

    /// Lays the windows out, with cuts at their nominal places.
    package func plan() throws(GeometryError) -> Plan {
        try Plan(
            geometry: geometry, sampleLength: sampleLength, hops: hops, known: known, stopAt: stopAt,
            segmentation: segmentation)
    }
}

/// A song as it enters the queue: names resolved to ids, lengths to tokens.
package struct Submission: Sendable, Hashable, Codable {
    package var song: SongID
    /// The model's name, for people.
    package var model: String
    /// By level: hash of weights, geometry and numeric profile. Needed for each level that is sampled.
    package var fingerprints: [Int: String]
    package var planInputs: PlanInputs
    package var seed: UInt64
    /// By level.
    package var filters: [Filter]
    /// By sample, then level; nil where the level's prior is unlabelled. Its count is the number of samples.
    package var labels: [[SongLabels?]]
    /// By sample, its number as the random numbers count it; nil when that is its place.
    package var numbers: [Int]?
    /// Higher goes first.
    package var priority: Int
    /// Seconds since 1970, for people only.
    package var submittedAt: Double
    /// The request as JSON; opaque here.
    package var specification: String
    /// A prompt must be encoded, or codes read, before sampling can start.
    package var awaitsTokens: Bool
    /// The key of whoever submitted it; nil where there are no keys, and in journals of before.
    package var owner: String?
    /// Of a branch, what it keeps of which song.
    package var parent: BranchOrigin?

    package init(
        song: SongID, model: String, fingerprints: [Int: String], planInputs: PlanInputs, seed: UInt64,
        filters: [Filter], labels: [[SongLabels?]], numbers: [Int]? = nil, priority: Int = 0, submittedAt: Double = 0,
        specification: String = "{}", awaitsTokens: Bool = false, owner: String? = nil,
        parent: BranchOrigin? = nil
    ) {
        self.song = song
        self.model = model
        self.fingerprints = fingerprints
        self.planInputs = planInputs
        self.seed = seed
        self.filters = filters
        self.labels = labels
        self.numbers = numbers
        self.priority = priority
        self.submittedAt = submittedAt
        self.specification = specification
        self.awaitsTokens = awaitsTokens
        self.owner = owner
        self.parent = parent
    }

    /// Variations of the song.
    package var samples: Int { labels.count }

    /// Whether `other` asks for the same song; when it was asked does not matter.
    package func asksTheSame(as other: Submission) -> Bool {
        var other = other
        other.submittedAt = submittedAt
        return self == other
    }

    /// What is wrong with the submission, if anything; `plan` is its plan.
    func fault(plan: Plan) -> String? {
        let levels = plan.geometry.levels
        if labels.isEmpty { return "song \(song) has no samples; ask for at least one" }
        if let sample = labels.firstIndex(where: { $0.count != levels.count }) {
            return "song \(song) sample \(sample) has labels for \(labels[sample].count) levels; "
                + "the model has \(levels.count)"
        }
        if let numbers, numbers.count != samples || Set(numbers).count != samples {
            return "song \(song) has the numbers \(numbers) for its \(samples) samples; each needs its own"
        }
        if filters.count != levels.count {
            return "song \(song) has filters for \(filters.count) levels; the model has \(levels.count)"
        }
        if !awaitsTokens, planInputs.known.contains(where: { $0 != 0 }) {
            return "song \(song) starts from known tokens but does not say that they will come"
        }
        for level in plan.levels where !level.windows.isEmpty {
            if fingerprints[level.level] == nil {
                return "song \(song) has no fingerprint for level \(level.level), which is to be sampled"
            }
            if !(1...65536).contains(levels[level.level].codes) {
                return "level \(level.level) has \(levels[level.level].codes) codes; 1 to 65536 can be kept"
            }
        }
        return nil
    }
}
