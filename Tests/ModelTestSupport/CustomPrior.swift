package import JukeboxModel
import SongPlan

/// Attention orders that no fixture has, as small models of random weights.
package enum CustomPrior: Int, CaseIterable, Sendable {
    case dense = 0
    case everyTenth = 8

    /// Writes and opens it; it is of level 2.
    package func model(in folder: TemporaryFolder) throws -> Model {
        var changes: [(String, Any?)] = [
            ("prior_level_2.n_ctx", 64), ("prior_level_2.res_scale", true), ("prior_level_2.init_scale", 1.0),
        ]
        switch self {
        case .dense: changes += [("prior_level_2.attn_order", 0), ("prior_level_2.blocks", nil)]
        case .everyTenth:
            changes += [
                ("prior_level_2.attn_order", 8), ("prior_level_2.blocks", 4), ("prior_level_2.prior_depth", 11),
                ("prior_level_2.use_tokens", true), ("prior_level_2.n_tokens", 24), ("prior_level_2.prime_width", 48),
                ("prior_level_2.prime_depth", 3), ("prior_level_2.prime_attn_order", 2),
                ("prior_level_2.prime_blocks", 4), ("prior_level_2.alignment_layer", 9),
                ("prior_level_2.alignment_head", 1),
            ]
        }
        return try randomModel(seed: 5, in: folder, changes)
    }

    package func window(in folder: TemporaryFolder) throws -> WindowCase {
        let model = try model(in: folder)
        let prior = try model.prior(level: 2)
        let labels = try model.labellers[2].labels(
            .init(lyrics: "Look on my works, ye Mighty, and despair!", artistID: 3, genreIDs: [4, 7]),
            defaultTotal: 4_410_000)
        var random = SplitMix64(seed: 9)
        let music = (0..<64).map { _ in UInt16.random(in: 0..<256, using: &random) }
        return WindowCase(
            prior: prior, labels: model.labellers[2].vector(labels, start: 0), above: nil, music: music)
    }
}
