import JukeboxModel
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// Where lyrics and music share one vocabulary, sampling may give lyric tokens: they are fed back as they are in
/// their own window, and are code 0 everywhere else.
@Suite struct SharedVocabularyTests {
    private let fixture = Fixture.lyricsSingle
    private let team = ThreadTeam(threads: 1)
    /// Hot enough that many lyric tokens are drawn.
    private let filter = Filter(temperature: 60)

    /// Tokens of a window after those that it has.
    private func sample(_ tokens: [UInt16] = [], count: Int, start: Int = 0) throws -> [UInt16] {
        let place = try WindowCase(FixtureLevel(fixture, 2))
        return try sample(
            WindowInput(
                labels: place.labels, above: nil, start: start, tokens: tokens,
                draw: TokenDraw(seed: 3, sample: 0, level: 2, filter: filter)), count: count)
    }

    private func sample(_ input: WindowInput, count: Int) throws -> [UInt16] {
        let prior = try fixture.prior(level: 2)
        let backend = CPUBackend(prior, rows: prior.blockLength, team: team)
        let window = backend.begin(input, level: 2)
        while !backend.prepare(window) {}
        var tokens: [UInt16] = []
        var outcomes: [StepOutcome] = []
        while tokens.count < count {
            let rows = min(window.pendingRows, window.rowsToBlockEnd)
            backend.step([WindowRows(window, rows: rows)], level: 2, outcomes: &outcomes)
            switch outcomes[0] {
            case .pending: break
            case .token(let token): tokens.append(token)
            case .failed(let reason): throw SamplingError(description: reason)
            }
        }
        let own = try #require(window as? CPUWindow)
        #expect(
            own.sequence.tokens.dropFirst(prior.prefix).elementsEqual(
                (input.tokens + tokens).map { $0 >= 128 ? Int32($0) - 128 : Int32($0) + 79 }))
        return tokens
    }

    @Test func `values beyond the codes are lyric tokens of the vocabulary, both ways`() throws {
        let prior = try fixture.prior(level: 2)
        #expect(prior.shape.vocabulary == 128 + 79)
        var seen: Set<UInt16> = []
        for index in 0..<prior.shape.vocabulary {
            let value = prior.vocabulary.sampledValue(index)
            #expect(index < 79 ? value == UInt16(128 + index) : value == UInt16(index - 79))
            seen.insert(value)
        }
        #expect(seen == Set(0..<UInt16(207)))
        let place = try WindowCase(FixtureLevel(fixture, 2))
        let sequence = prior.makeSequence(labels: place.labels, above: nil, team: team)
        let before = sequence.tokens
        #expect(before == place.labels.suffix(32).map(Int32.init))
        sequence.append([0, 127, 128, 206])
        #expect(sequence.tokens.dropFirst(before.count) == [79, 206, 0, 78])
    }

    @Test func `lyric tokens are fed back as they are`() throws {
        let tokens = try sample(count: 48)
        #expect(tokens.count { $0 >= 128 } > 8, "\(tokens)")
        #expect(tokens.contains { $0 < 128 })

        // Teacher-forced with the raw values, every logit row gives the next token; with code 0 in their place not.
        var place = try WindowCase(FixtureLevel(fixture, 2))
        place.music = tokens
        #expect(try redrawn(place) == tokens)
        place.music = tokens.map { $0 < 128 ? $0 : 0 }
        #expect(try redrawn(place) != tokens)
    }

    /// The tokens that the logits of a known sequence give.
    private func redrawn(_ place: WindowCase) throws -> [UInt16] {
        var logits = place.prior.logits(labels: place.labels, above: nil, music: place.music, team: team)
        let vocabulary = place.prior.shape.vocabulary
        let scratch = Buffer<UInt64>(count: 2 * vocabulary)
        let draw = TokenDraw(seed: 3, sample: 0, level: 2, filter: filter)
        return try logits.withUnsafeMutableBufferPointer { rows in
            try place.music.indices.map { position in
                place.prior.vocabulary.sampledValue(
                    try draw.draw(
                        rows.baseAddress! + (place.prior.prefix + position) * vocabulary, count: vocabulary,
                        position: position, scratch: scratch.pointer))
            }
        }
    }

    @Test func `a resumed window must be given the raw values`() throws {
        let tokens = try sample(count: 48)
        let first = Array(tokens.prefix(20))
        #expect(first.contains { $0 >= 128 })
        #expect(try sample(first, count: 28) == Array(tokens.dropFirst(20)))
        #expect(try sample(first.map { $0 < 128 ? $0 : 0 }, count: 28) != Array(tokens.dropFirst(20)))
    }

    @Test func `outside its window a lyric token is code 0: in the result and in the next window's prime`() throws {
        let model = try fixture.model()
        let scenario = try fixture.scenario()
        let geometry = model.geometry
        #expect(geometry.levels[2].code(of: 127) == 127 && geometry.levels[2].code(of: 128) == 0)
        let plan = try Plan(
            geometry: geometry, sampleLength: 112 * 128, hops: [128, 128, 48], known: [0, 0, 0], stopAt: 2)
        #expect(plan.levels[2].windows.count == 2)
        let labels = try model.labellers.map {
            try $0.labels(scenario.specifications[0], defaultTotal: scenario.sample_length)
        }
        let sampler = ReferenceSampler(
            plan: plan, seed: 3, filters: [filter, filter, filter], labels: [labels], labellers: model.labellers,
            team: team)
        let result = try sampler.sample(known: [[[]], [[]], [[]]]) { try fixture.prior(level: $0) }[2][0]
        #expect(result.count == 112 && result.allSatisfy { $0 < 128 })

        var raw: [UInt16] = []
        var codes: [UInt16] = []
        for window in plan.levels[2].windows {
            let start = window.range.lowerBound
            let new = try sample(
                WindowInput(
                    labels: model.labellers[2].vector(labels[2], start: start), above: nil, start: start,
                    tokens: Array(codes[window.prime]),
                    draw: TokenDraw(seed: 3, sample: 0, level: 2, filter: filter)), count: window.new.count)
            raw += new
            codes += new.map { $0 < 128 ? $0 : 0 }
        }
        #expect(raw.contains { $0 >= 128 })
        #expect(result == codes)
    }
}
