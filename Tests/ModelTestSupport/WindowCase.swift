package import JukeboxModel
import SongPlan
package import Tensor

/// One window of a prior with all that it depends on.
package struct WindowCase {
    package var prior: Prior
    package var labels: [Int]
    package var above: [UInt16]?
    package var music: [UInt16]

    package init(prior: Prior, labels: [Int], above: [UInt16]?, music: [UInt16]) {
        self.prior = prior
        self.labels = labels
        self.above = above
        self.music = music
    }

    /// The window at token `start` of what the original sampled from nothing.
    package init(_ place: FixtureLevel, sample: Int = 0, start: Int = 0) throws {
        let (fixture, level) = (place.fixture, place.level)
        let model = try fixture.model()
        let scenario = try fixture.scenario()
        prior = try fixture.prior(level: level, profile: place.profile)
        let song = try model.labellers[level].labels(
            scenario.specifications[sample], defaultTotal: scenario.sample_length)
        labels = model.labellers[level].vector(song, start: start)
        let codes = try fixture.codes("ancestral", level: level)[sample]
        let range = start..<min(start + prior.hyperparameters.windowLength, codes.count)
        music = Array(codes[range])
        if let factor = model.geometry.levels[level].tokensPerUpperToken {
            let upper = try fixture.codes("ancestral", level: level + 1)[sample]
            above = Array(upper[range.lowerBound / factor..<(range.upperBound + factor - 1) / factor])
        } else {
            above = nil
        }
    }

    /// Rows of the sequence: lyric prefix and music.
    package var rows: Int { prior.prefix + music.count }

    package func sequence(tokens: Int? = nil, team: ThreadTeam) -> PriorSequence {
        let sequence = prior.makeSequence(labels: labels, above: above, team: team)
        sequence.append(music.prefix(tokens ?? music.count))
        return sequence
    }

    /// Logits of all rows, [rows][vocabulary], computed `chunk` rows at a time, cut where a block ends.
    package func logits(chunk: Int, team: ThreadTeam) -> [Float] {
        let sequence = sequence(team: team)
        // Nothing is too small to be shared, so that small models test how threads share.
        let workspace = prior.makeWorkspace(rows: max(1, min(chunk, prior.blockLength)), team: team, smallWork: 0)
        return steps(sequence, from: 0, to: rows, chunk: chunk, workspace: workspace, team: team)
    }

    /// Runs rows until `end` and gives their logits.
    package func steps(
        _ sequence: PriorSequence, from begin: Int, to end: Int, chunk: Int, workspace: PriorWorkspace,
        team: ThreadTeam
    ) -> [Float] {
        let vocabulary = prior.shape.vocabulary
        var logits = [Float](repeating: .nan, count: (end - begin) * vocabulary)
        logits.withUnsafeMutableBufferPointer { buffer in
            while sequence.computed < end {
                let rows = min(
                    chunk, prior.blockLength - sequence.computed % prior.blockLength, end - sequence.computed)
                prior.step(
                    [PriorRun(sequence, rows: rows, logits: .all)], workspace: workspace,
                    logits: buffer.baseAddress! + (sequence.computed - begin) * vocabulary, team: team)
            }
        }
        return logits
    }
}
