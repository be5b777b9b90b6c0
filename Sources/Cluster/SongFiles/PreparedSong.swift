package import JukeboxModel
package import SongPlan
package import Tensor

/// A request after every check that can be made before the first token: what will be sampled, and from what.
package struct PreparedSong: Sendable {
    /// The request with its defaults filled in.
    package var specification: SongSpecification
    package var plan: Plan
    /// By level.
    package var hops: [Int]
    package var filters: [Filter]
    /// [sample][level].
    package var labels: [[SongLabels]]
    package var fingerprints: [Int: String]
    /// Names that the model's lists do not hold, and other things a user should hear of.
    package var warnings: [String]
    /// Where the known tokens come from.
    package var source: Source

    package enum Source: Sendable {
        case nothing
        /// [level][sample] tokens.
        case codes([[[UInt16]]])
        /// Audio to encode at some levels, each recording once however many samples start from it, and a whole number of
        /// top-level tokens; by sample, which one is its.
        case recordings([[Float]], bySample: [Int], levels: [Int])
    }

    /// The known tokens, [level][sample]; encodes recordings, which takes a while.
    ///
    /// - Parameter progress: share that is done.
    package func knownTokens(
        model: Model, team: ThreadTeam, progress: (Double) -> Void = { _ in }
    ) throws -> [[[UInt16]]] {
        let empty = plan.levels.map { _ in labels.map { _ in [UInt16]() } }
        switch source {
        case .nothing: return empty
        case .codes(let codes): return codes
        case .recordings(let recordings, let bySample, let levels):
            let vqvae = try model.vqvae()
            var tokens = empty
            let parts = Double(levels.count * recordings.count)
            for (index, level) in levels.enumerated() {
                let encoded = recordings.enumerated().map { place, audio in
                    let done = Double(index * recordings.count + place)
                    let total = Double(audio.count / plan.geometry.levels[level].samplesPerToken)
                    return vqvae.encode(audio, level: level, team: team) {
                        progress((done + Double($0) / total) / parts)
                    }
                }
                tokens[level] = bySample.map { encoded[$0] }
            }
            return tokens
        }
    }
}
