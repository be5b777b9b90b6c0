import Checkpoint
import JukeboxModel
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// Whole songs, window by window.
@Suite struct ReferenceSamplerTests {
    private let team = ThreadTeam(threads: 2)

    private func sampler(
        _ fixture: Fixture, filter: Filter, seed: UInt64 = 0, stopAt: Int = 0, known: [Int]? = nil
    ) throws -> ReferenceSampler {
        let model = try fixture.model()
        let scenario = try fixture.scenario()
        let levels = model.geometry.levels.indices
        let hops = try levels.map { try GeometryCheck.hop(fraction: scenario.hop[$0], level: $0, model.geometry) }
        let plan = try Plan(
            geometry: model.geometry, sampleLength: scenario.sample_length, hops: hops,
            known: known ?? levels.map { _ in 0 }, stopAt: stopAt)
        return ReferenceSampler(
            plan: plan, seed: seed, filters: levels.map { _ in filter },
            labels: try scenario.specifications.map { song in
                try model.labellers.map { try $0.labels(song, defaultTotal: scenario.sample_length) }
            },
            labellers: model.labellers, team: team)
    }

    private func sample(_ sampler: ReferenceSampler, _ fixture: Fixture, known: [[[UInt16]]]? = nil) throws
        -> [[[UInt16]]]
    {
        let empty = sampler.plan.levels.map { _ in sampler.labels.map { _ in [UInt16]() } }
        return try sampler.sample(known: known ?? empty) { try fixture.prior(level: $0) }
    }

    @Test(arguments: Fixture.originals)
    func `greedy runs give the original's tokens on the top level`(_ fixture: Fixture) throws {
        let top = try fixture.model().geometry.top
        let sampler = try sampler(fixture, filter: Filter(temperature: 1, topK: 1), stopAt: top)
        #expect(try sample(sampler, fixture)[top] == fixture.codes("ancestral", level: top))
    }

    @Test(arguments: ["ancestral", "upsample", "primed"])
    func `greedy runs from known tokens give the original's tokens on all levels`(_ run: String) throws {
        let fixture = Fixture.twoLevel
        var known = [[[UInt16]]](repeating: [[]], count: 2)
        switch run {
        case "upsample": known[1] = try fixture.codes("encode", level: 1)
        case "primed":
            for level in 0...1 {
                let codes = try fixture.codes("primed", level: level)[0]
                known[level] = [Array(codes.prefix(codes.count / 4))]
            }
        default: break
        }
        let sampler = try sampler(
            fixture, filter: Filter(temperature: 1, topK: 1), known: known.map { $0[0].count })
        let tokens = try sample(sampler, fixture, known: known)
        for level in 0...1 { #expect(tokens[level] == (try fixture.codes(run, level: level)), "level \(level)") }
    }

    @Test func `the same seed gives the same song, another seed another one, threads do not matter`() throws {
        let fixture = Fixture.twoLevel
        let filter = Filter(temperature: 0.99)
        func tokens(_ seed: UInt64, threads: Int) throws -> [[[UInt16]]] {
            let one = try sampler(fixture, filter: filter, seed: seed, stopAt: 1)
            let other = ReferenceSampler(
                plan: one.plan, seed: seed, filters: one.filters, labels: one.labels, labellers: one.labellers,
                team: ThreadTeam(threads: threads))
            return try sample(other, fixture)
        }
        let first = try tokens(1, threads: 1)
        #expect(first[1][0].count == 128 && first[0][0].isEmpty)
        #expect(try tokens(1, threads: 3) == first)
        #expect(try tokens(2, threads: 1) != first)
    }

    @Test func `a sample's tokens do not depend on how many samples are made`() throws {
        let fixture = Fixture.noLyrics
        let both = try sampler(fixture, filter: Filter(temperature: 0.99), seed: 5, stopAt: 2)
        let one = ReferenceSampler(
            plan: both.plan, seed: both.seed, filters: both.filters, labels: Array(both.labels.prefix(1)),
            labellers: both.labellers, team: team)
        let tokens = try sample(both, fixture)[2]
        #expect(try sample(one, fixture)[2] == [tokens[0]])
        #expect(tokens[0] != tokens[1])
    }

    static let tensors = [
        "prior.x_emb.weight", "prior.transformer._attn_mods.1.attn.c_attn.b",
        "prior.transformer._attn_mods.4.ln_1.weight",
        "prior.start_token",
    ]

    @Test(arguments: tensors)
    func `NaN weights make a song fail before its first token, and name the tensor`(_ tensor: String) throws {
        let copy = try ModelCopy(.twoLevel)
        try copy.rewrite(.prior(level: 1)) { $0[tensor]!.set(3, to: .nan) }
        let model = try copy.open()
        let sampler = try sampler(.twoLevel, filter: Filter(temperature: 1), stopAt: 1)
        #expect(
            unlessError("prior_level_1.safetensors", tensor, "element 3") {
                _ = try sampler.sample(known: [[[]], [[]]]) { try model.prior(level: $0) }
            } == nil)
    }

    @Test(arguments: tensors)
    func `weights that overflow make sampling fail with level and position`(_ tensor: String) throws {
        let copy = try ModelCopy(.twoLevel)
        try copy.rewrite(.prior(level: 1)) { $0[tensor]!.overflow() }
        let model = try copy.open()
        let sampler = try sampler(.twoLevel, filter: Filter(temperature: 1), stopAt: 1)
        #expect(
            unlessError("level 1, position", "not numbers") {
                _ = try sampler.sample(known: [[[]], [[]]]) { try model.prior(level: $0) }
            } == nil)
    }
}
