import Checkpoint
import JukeboxModel
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// Tokens of a window are the same whoever shares its batch, however it was prefilled and wherever it was resumed.
@Suite struct BatchTests {
    private static let places: [FixtureLevel] = [
        FixtureLevel(.lyricsSingle, 2), FixtureLevel(.lyricsEncDec, 2), FixtureLevel(.noLyrics, 1),
        FixtureLevel(.twoLevel, 0), FixtureLevel(.twoLevel, 1),
    ]

    /// A window of a fixture that is sampled from `prime` tokens on.
    private struct Job {
        var window: WindowCase
        var sample: Int
        var start: Int
        var prime: Int
        var filter = Filter(temperature: 1)

        func active(level: Int, done: [UInt16] = [], team: ThreadTeam) -> ActiveWindow {
            ActiveWindow(
                prior: window.prior, labels: window.labels, above: window.above, start: start,
                tokens: window.music.prefix(prime) + done,
                draw: TokenDraw(seed: 77, sample: sample, level: level, filter: filter), team: team)
        }
    }

    private func jobs(_ place: FixtureLevel) throws -> [Job] {
        let songs = try place.fixture.scenario().metas.count
        return try (0..<8).map { index in
            Job(
                window: try WindowCase(place, sample: index % songs), sample: index, start: 8 * index,
                prime: [20, 0, 7, 16, 1, 31, 32, 9][index],
                filter: [
                    Filter(temperature: 1), Filter(temperature: 0.7, topK: 9), Filter(temperature: 1.3, topP: 0.9),
                ][index % 3])
        }
    }

    private let wanted = 24

    private func alone(_ job: Job, level: Int) throws -> [UInt16] {
        let team = ThreadTeam(threads: 1)
        let engine = SamplingEngine(prior: job.window.prior, rows: job.window.prior.blockLength, team: team)
        let window = job.active(level: level, team: team)
        var tokens: [UInt16] = []
        while tokens.count < wanted {
            switch engine.step([(window, min(window.pendingRows, window.rowsToBlockEnd))])[0] {
            case .pending: break
            case .token(let token): tokens.append(token)
            case .failed(let reason): throw SamplingError(description: reason)
            }
        }
        return tokens
    }

    @Test("Any neighbours, in any order, joining and leaving, on any number of threads", arguments: places)
    func neighbours(_ place: FixtureLevel) throws {
        let jobs = try jobs(place)
        let alone = try jobs.map { try self.alone($0, level: place.level) }
        #expect(Set(alone).count > 1)
        for count in [2, 3, 5, 8] {
            for round in 0..<2 {
                var random = SplitMix64(seed: UInt64(10 * count + round))
                let chosen = Array(jobs.indices.shuffled(using: &random).prefix(count))
                let tokens = try crowd(
                    chosen.map { jobs[$0] }, level: place.level, threads: (count + round) % 3 + 1, &random)
                #expect(tokens == chosen.map { alone[$0] }, "\(chosen)")
            }
        }
    }

    /// Samples all jobs, each step for some of them in a random order.
    private func crowd(
        _ jobs: [Job], level: Int, threads: Int, _ random: inout SplitMix64
    ) throws -> [[UInt16]] {
        let team = ThreadTeam(threads: threads)
        let prior = jobs[0].window.prior
        let engine = SamplingEngine(prior: prior, rows: jobs.count * 4, team: team)
        var windows = jobs.map { $0.active(level: level, team: team) }
        var tokens = [[UInt16]](repeating: [], count: jobs.count)
        while tokens.contains(where: { $0.count < wanted }) {
            let members = jobs.indices.filter { tokens[$0].count < wanted && Int.random(in: 0..<4, using: &random) > 0 }
                .shuffled(using: &random)
            guard !members.isEmpty else { continue }
            // Now and then a window is lost, and goes on elsewhere from what it had.
            for member in members where Int.random(in: 0..<16, using: &random) == 0 {
                windows[member] = jobs[member].active(level: level, done: tokens[member], team: team)
            }
            let outcomes = engine.step(
                members.map {
                    let most = min(4, windows[$0].pendingRows, windows[$0].rowsToBlockEnd)
                    return (windows[$0], Int.random(in: 1...most, using: &random))
                })
            for (member, outcome) in zip(members, outcomes) {
                switch outcome {
                case .pending: break
                case .token(let token): tokens[member].append(token)
                case .failed(let reason): throw SamplingError(description: reason)
                }
            }
        }
        return tokens
    }

    @Test("A window that is lost after any 16th token goes on with the same tokens", arguments: places)
    func resume(_ place: FixtureLevel) throws {
        let job = try jobs(place)[1]
        let team = ThreadTeam(threads: 2)
        let length = min(96, job.window.prior.hyperparameters.windowLength)
        func sample(after done: [UInt16]) throws -> [UInt16] {
            let engine = SamplingEngine(prior: job.window.prior, rows: job.window.prior.blockLength, team: team)
            let window = job.active(level: place.level, done: done, team: team)
            var tokens = done
            while tokens.count < length {
                switch engine.step([(window, min(window.pendingRows, window.rowsToBlockEnd))])[0] {
                case .pending: break
                case .token(let token): tokens.append(token)
                case .failed(let reason): throw SamplingError(description: reason)
                }
            }
            return tokens
        }
        let whole = try sample(after: [])
        for done in stride(from: 16, to: length, by: 16) {
            #expect(try sample(after: Array(whole.prefix(done))) == whole, "after \(done)")
        }
    }

    @Test("A window whose logits overflow does not concern its neighbours")
    func failureIsAlone() throws {
        let copy = try ModelCopy(.noLyrics)
        // One artist's embedding is out of bounds: songs of that artist fail, others do not.
        try copy.rewrite(.prior(level: 2)) {
            $0["y_emb.artist_emb.emb.weight"]!.set(5 * 64, to: .greatestFiniteMagnitude)
        }
        let model = try copy.open()
        let prior = try model.prior(level: 2)
        let team = ThreadTeam(threads: 1)
        let engine = SamplingEngine(prior: prior, rows: 4, team: team)
        func window(artist: Int) throws -> ActiveWindow {
            let labels = try model.labellers[2].labels(.init(artistID: artist), defaultTotal: 4_410_000)
            return ActiveWindow(
                prior: prior, labels: model.labellers[2].vector(labels, start: 0), above: nil, start: 0, tokens: [],
                draw: TokenDraw(seed: 1, sample: 0, level: 2, filter: Filter(temperature: 1)), team: team)
        }
        let healthy = engine.step([(try window(artist: 4), 1)])[0]
        let outcomes = engine.step([(try window(artist: 5), 1), (try window(artist: 4), 1), (try window(artist: 5), 1)])
        #expect(outcomes[1] == healthy)
        if case .token = healthy {} else { Issue.record("\(healthy)") }
        for outcome in [outcomes[0], outcomes[2]] {
            guard case .failed(let reason) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(reason.contains("level 2, position 0") && reason.contains("not numbers"))
        }
    }
}
