import Checkpoint
package import JukeboxModel
import ModelTestSupport
package import Sampling
import SongPlan

/// A window that cannot go on says so, and its neighbours do not notice.
package enum FailureCheck {
    private static let level = 2
    private static let badArtist = 5

    /// - Parameter make: a backend of a model, in its profile.
    /// - Returns: nil for a backend that does it right.
    package static func deviation(
        _ profile: NumericProfile, _ make: (Model) throws -> any WindowBackend
    ) throws -> String? {
        let copy = try ModelCopy(.noLyrics)
        // One artist's embedding is out of bounds: songs of that artist fail, others do not.
        try copy.rewrite(.prior(level: level)) {
            $0["y_emb.artist_emb.emb.weight"]!.set(badArtist * 64, to: .greatestFiniteMagnitude)
        }
        let model = try Model(path: copy.folder.path, preset: nil, profile: profile)
        let driver = try Driver(make(model), level: level, rows: 4)
        func step(_ artists: Int...) throws -> [StepOutcome] {
            try driver.step(
                artists.map { artist in
                    let labels = try model.labellers[level].labels(.init(artistID: artist), defaultTotal: 4_410_000)
                    let input = WindowInput(
                        labels: model.labellers[level].vector(labels, start: 0), above: nil, start: 0, tokens: [],
                        draw: TokenDraw(seed: 1, sample: 0, level: level, filter: Filter(temperature: 1)))
                    return WindowRows(try driver.begin(input), rows: 1)
                })
        }
        let healthy = try step(badArtist - 1)[0]
        guard case .token = healthy else { return "\(profile.name): a window alone has \(healthy)" }
        let outcomes = try step(badArtist, badArtist - 1, badArtist)
        guard outcomes[1] == healthy else { return "\(profile.name): beside failures a window has \(outcomes[1])" }
        for outcome in [outcomes[0], outcomes[2]] {
            guard case .failed(let reason) = outcome, reason.contains("level 2, position 0"),
                reason.contains("not numbers")
            else { return "\(profile.name): logits that are not numbers give \(outcome)" }
        }
        return nil
    }
}
