import JukeboxModel
import ModelTestSupport
import SongPlan
import Tensor
import Testing

/// Rows computed many at a time have the bits of rows computed one at a time, wherever the computation is cut.
@Suite struct PrefillTests {
    private let team = ThreadTeam(threads: 1)

    @Test(
        arguments: Fixture.allLevels + Fixture.otherProfiles
    )
    func `prefill in chunks of any size equals decoding row by row`(_ place: FixtureLevel) throws {
        let window = try WindowCase(place)
        let sizes = Array(2...window.prior.blockLength)
        expectEqualChunks(window, sizes: place.profile == .f32 ? sizes : sizes.filter { $0 % 5 == 0 })
    }

    @Test(arguments: CustomPrior.allCases)
    func `other attention orders: dense, and a lyric encoder every tenth layer`(_ custom: CustomPrior) throws {
        let window = try custom.window(in: TemporaryFolder())
        #expect(window.prior.shape.order == custom.rawValue)
        let sizes = [2, 3, 5, 7, 8, 15, 16, 17, 31, 48, 64].filter { $0 <= window.prior.blockLength }
        expectEqualChunks(window, sizes: sizes)
    }

    private func expectEqualChunks(_ window: WindowCase, sizes: [Int]) {
        let single = window.logits(chunk: 1, team: team)
        #expect(single.allSatisfy { $0.isFinite })
        // Rows that were all alike would pass any comparison.
        #expect(Set(single.map(\.bitPattern)).count > single.count / 4)
        for size in sizes {
            #expect(sameBits(window.logits(chunk: size, team: team), single), "chunks of \(size) rows")
        }
    }

    @Test(arguments: Fixture.allLevels)
    func `a window resumed at any 16th token goes on with the same bits`(_ place: FixtureLevel) throws {
        let window = try WindowCase(place)
        let all = window.logits(chunk: window.prior.blockLength, team: team)
        let workspace = window.prior.makeWorkspace(rows: window.prior.blockLength, team: team)
        for known in stride(from: 0, to: window.music.count, by: 16) {
            let sequence = window.sequence(tokens: known, team: team)
            let first = window.prior.prefix + known
            // The lyric prefix and what is known at once, then token by token as they are drawn.
            _ = window.steps(
                sequence, from: 0, to: first, chunk: window.prior.blockLength, workspace: workspace, team: team)
            var rest: [Float] = []
            for token in window.music[known...] {
                rest += window.steps(
                    sequence, from: sequence.computed, to: sequence.computed + 1, chunk: 1, workspace: workspace,
                    team: team)
                sequence.append(CollectionOfOne(token))
            }
            #expect(sameBits(rest, all[(first * window.prior.shape.vocabulary)...]), "from token \(known) on")
        }
    }

    @Test(arguments: Fixture.allLevels)
    func `a shorter window has the bits of the longer one's beginning`(_ place: FixtureLevel) throws {
        let window = try WindowCase(place)
        let all = window.logits(chunk: window.prior.blockLength, team: team)
        var short = window
        short.music = Array(window.music.prefix(window.music.count / 2 + 1))
        let logits = short.logits(chunk: window.prior.blockLength, team: team)
        #expect(sameBits(logits, all.prefix(logits.count)))
    }

    @Test(arguments: Fixture.allLevels)
    func `a token changes the rows after it and none before`(_ place: FixtureLevel) throws {
        var window = try WindowCase(place)
        let before = window.logits(chunk: window.prior.blockLength, team: team)
        let changed = window.music.count / 2
        window.music[changed] = window.music[changed] == 0 ? 1 : 0
        let after = window.logits(chunk: window.prior.blockLength, team: team)
        let first = (window.prior.prefix + changed + 1) * window.prior.shape.vocabulary
        #expect(sameBits(before[..<first], after[..<first]))
        #expect(
            !sameBits(
                before[first...].prefix(window.prior.shape.vocabulary),
                after[first...].prefix(window.prior.shape.vocabulary)))
    }

    @Test(arguments: Fixture.allLevels + Fixture.otherProfiles)
    func `one to four threads give the same bits`(_ place: FixtureLevel) throws {
        var window = try WindowCase(place)
        window.music = Array(window.music.prefix(40))
        let single = window.logits(chunk: window.prior.blockLength, team: team)
        for threads in 2...4 {
            for chunk in [1, 3, window.prior.blockLength] {
                let many = window.logits(chunk: chunk, team: ThreadTeam(threads: threads))
                #expect(sameBits(many, single), "\(threads) threads, \(chunk) rows")
            }
        }
    }

    @Test(arguments: Fixture.otherProfiles)
    func `other profiles are near float32`(_ place: FixtureLevel) throws {
        let window = try WindowCase(place)
        let wanted = try WindowCase(FixtureLevel(place.fixture, place.level)).logits(chunk: 8, team: team)
        let ours = window.logits(chunk: 8, team: team)
        #expect(!sameBits(ours, wanted))
        // A constant added to a row of logits changes no probability.
        func centred(_ logits: [Float]) -> [Double] {
            stride(from: 0, to: logits.count, by: window.prior.shape.vocabulary).flatMap { start in
                let row = logits[start..<start + window.prior.shape.vocabulary].map(Double.init)
                let mean = row.reduce(0, +) / Double(row.count)
                return row.map { $0 - mean }
            }
        }
        let spread = centred(wanted).reduce(0) { $0 + $1 * $1 }
        let error = centred(zip(ours, wanted).map(-)).reduce(0) { $0 + $1 * $1 }
        let allowed =
            switch place.profile {
            case .f32: 0.0
            case .f16: 0.002
            case .int8: 0.04
            }
        #expect((error / spread).squareRoot() < allowed)
    }

    @Test(arguments: Fixture.allLevels)
    func `logits agree with the original's`(_ place: FixtureLevel) throws {
        let window = try WindowCase(place)
        let wanted = try place.fixture.floats("forward.level_\(place.level).start_0.logits")
        let ours = window.logits(chunk: window.prior.blockLength, team: team)
        #expect(ours.count == wanted.count)
        #expect(zip(ours, wanted).allSatisfy { abs($0 - $1) < 5e-3 })
    }
}
