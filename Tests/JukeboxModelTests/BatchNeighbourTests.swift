import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// A sequence's bits are its own, whatever shares its steps.
@Suite struct BatchNeighbourTests {
    private static let places: [FixtureLevel] =
        [
            FixtureLevel(.lyricsSingle, 2), FixtureLevel(.lyricsEncDec, 2), FixtureLevel(.lyricsEncDec, 0),
            FixtureLevel(.noLyrics, 2), FixtureLevel(.twoLevel, 1),
        ] + Fixture.otherProfiles

    @Test(arguments: places)
    func `logits do not depend on neighbours that come and go, their order, or the threads`(_ place: FixtureLevel)
        throws
    {
        var target = try WindowCase(place)
        // Several blocks of every pattern, and short enough for many rounds.
        target.music = Array(target.music.prefix(64))
        let alone = target.logits(chunk: 1, team: ThreadTeam(threads: 1))
        let others = try neighbours(of: place)
        for count in 1...7 {
            var random = SplitMix64(seed: UInt64(count))
            let team = ThreadTeam(threads: count % 3 + 1)
            let logits = crowded(target, with: Array(others.shuffled(using: &random).prefix(count)), team, &random)
            #expect(sameBits(logits, alone), "with \(count) others")
        }
    }

    /// Windows of the same prior with other tokens, labels and slices.
    private func neighbours(of place: FixtureLevel) throws -> [WindowCase] {
        let samples = try place.fixture.scenario().metas.count
        let tokens = try place.fixture.codes("ancestral", level: place.level)[0].count
        let length = try place.fixture.prior(level: place.level, profile: place.profile).hyperparameters.windowLength
        return try (0..<7).map { index in
            var window = try WindowCase(
                place, sample: index % samples, start: min(16 * (index / samples), tokens - length) / 8 * 8)
            var random = SplitMix64(seed: UInt64(100 + index))
            for _ in 0..<length / 2 {
                let position = Int.random(in: 0..<length, using: &random)
                window.music[position] = UInt16.random(in: 0..<UInt16(window.prior.codes), using: &random)
            }
            return window
        }
    }

    /// The target's logits, row by row, in steps that others share: each time some of them, in a random place,
    /// with a random number of rows; those at their end start anew.
    private func crowded(
        _ target: WindowCase, with others: [WindowCase], _ team: ThreadTeam, _ random: inout SplitMix64
    ) -> [Float] {
        let prior = target.prior
        let vocabulary = prior.shape.vocabulary
        let workspace = prior.makeWorkspace(rows: 1 + others.count * 4, team: team, smallWork: 0)
        let sequence = target.sequence(team: team)
        var guests = others.map { $0.sequence(team: team) }
        var result: [Float] = []
        var logits = [Float](repeating: .nan, count: (1 + others.count) * vocabulary)
        while sequence.computed < target.rows {
            var runs = [PriorRun(sequence, rows: 1, logits: .last)]
            for (index, other) in others.enumerated() where Int.random(in: 0..<3, using: &random) > 0 {
                if guests[index].computed == other.rows { guests[index] = other.sequence(team: team) }
                let guest = guests[index]
                let room = min(
                    4, prior.blockLength - guest.computed % prior.blockLength, other.rows - guest.computed)
                runs.append(
                    PriorRun(
                        guest, rows: Int.random(in: 1...room, using: &random),
                        logits: Bool.random(using: &random) ? .last : .none))
            }
            runs.shuffle(using: &random)
            logits.withUnsafeMutableBufferPointer {
                prior.step(runs, workspace: workspace, logits: $0.baseAddress, team: team)
            }
            let place = runs.prefix { $0.sequence !== sequence }.count { $0.logits == .last }
            result += logits[place * vocabulary..<(place + 1) * vocabulary]
        }
        return result
    }
}
