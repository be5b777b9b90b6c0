import ClusterProtocol
import JukeboxModel
import ModelTestSupport
import Sampling
import SongPlan
import Tensor

/// A song of the two-level fixture: what its windows are, and what its tokens must be.
struct SmallSong {
    let fixture: Fixture
    let model: Model
    let plan: Plan
    let filter: Filter
    let seed: UInt64
    let labels: [SongLabels]
    let fingerprints: [Int: String]
    /// [level][token], by the reference sampler.
    let tokens: [[UInt16]]

    init(
        _ fixture: Fixture = .twoLevel, length: Int = 32_768, seed: UInt64 = 9,
        filter: Filter = Filter(temperature: 0.99),
        stopAt: Int = 0
    ) throws {
        self.fixture = fixture
        self.filter = filter
        self.seed = seed
        model = try fixture.model()
        let levels = model.geometry.levels
        plan = try Plan(
            geometry: model.geometry, sampleLength: length, hops: levels.map { $0.windowLength / 2 },
            known: levels.map { _ in 0 }, stopAt: stopAt)
        labels = try model.labellers.map {
            try $0.labels(.init(lyrics: "Nothing beside remains", artistID: 8, genreIDs: [9]), defaultTotal: 4_410_000)
        }
        fingerprints = try model.fingerprints()
        tokens = try ReferenceSampler(
            plan: plan, seed: seed, filters: levels.map { _ in filter }, labels: [labels], labellers: model.labellers,
            team: ThreadTeam(threads: 1)
        ).sample(known: levels.map { _ in [[]] }) { try fixture.prior(level: $0) }.map { $0[0] }
    }

    /// What a coordinator assigns for a window of which `done` new tokens exist.
    func assignment(level: Int, window index: Int, done: Int = 0, epoch: Epoch = 1, song: String = "song")
        -> WireAssignment
    {
        let window = plan.levels[level].windows[index]
        var assignment = WireAssignment()
        assignment.task = WireTask(TaskID(stream: StreamID(song: song, sample: 0, level: level), window: index))
        assignment.epoch = epoch
        assignment.fingerprint = fingerprints[level]!
        assignment.seed = seed
        assignment.start = UInt32(window.range.lowerBound)
        assignment.end = UInt32(window.range.upperBound)
        assignment.tokens = tokens[level][window.range.lowerBound..<window.new.lowerBound + done].map(UInt32.init)
        assignment.prime = UInt32(window.prime.count)
        if let above = window.above { assignment.above = tokens[level + 1][above].map(UInt32.init) }
        if model.labellers[level].prior.labels { assignment.labels = WireLabels(labels[level]) }
        assignment.temperature = filter.temperature
        assignment.topK = UInt32(filter.topK)
        assignment.topP = filter.topP
        return assignment
    }

    /// The new tokens of a window.
    func wanted(level: Int, window index: Int) -> [UInt32] {
        tokens[level][plan.levels[level].windows[index].new].map(UInt32.init)
    }
}
