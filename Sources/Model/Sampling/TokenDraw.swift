import JukeboxModel
package import SongPlan
import Tensor

/// A token that could not be drawn: the logits are not numbers.
package struct SamplingError: Error, CustomStringConvertible {
    package var description: String
}

/// From logits to a token: temperature, filter, and the Gumbel-max with counter-based random numbers.
///
/// The only randomness there is: Philox4x32-10 with the song's seed as key and (sample, level, position, draw) as
/// counter, so that a token is the same wherever and whenever it is drawn.
package struct TokenDraw: Sendable {
    package var seed: UInt64
    package var sample: Int
    package var level: Int
    package var filter: Filter

    package init(seed: UInt64, sample: Int, level: Int, filter: Filter) {
        self.seed = seed
        self.sample = sample
        self.level = level
        self.filter = filter
    }

    /// The sampled value of a token.
    ///
    /// - Parameters:
    ///   - logits: of the whole vocabulary, overwritten.
    ///   - position: the token's place in its level of the song.
    ///   - scratch: room for two of each logit.
    func token(
        _ logits: UnsafeMutablePointer<Float>, _ vocabulary: Vocabulary, position: Int,
        scratch: UnsafeMutablePointer<UInt64>
    ) throws(SamplingError) -> UInt16 {
        vocabulary.sampledValue(
            try draw(logits, count: vocabulary.codes + vocabulary.lyrics, position: position, scratch: scratch))
    }

    /// - Parameters:
    ///   - logits: [count], overwritten.
    ///   - position: the token's place in its level of the song.
    /// - Returns: an index into the vocabulary.
    func draw(
        _ logits: UnsafeMutablePointer<Float>, count: Int, position: Int, scratch: UnsafeMutablePointer<UInt64>
    ) throws(SamplingError) -> Int {
        if filter.temperature != 1 {
            Kernels.active.scaleLogits(logits, count: count, temperature: filter.temperature)
        }
        if filter.topK > 0 { filterTopK(logits, count: count, k: filter.topK) }
        if filter.topP > 0 { filterTopP(logits, count: count, p: filter.topP, scratch: scratch) }
        let token = Kernels.active.gumbelArgmax(
            logits, count: count, seed: seed, sample: UInt32(sample), level: UInt32(level), position: UInt32(position))
        guard let token else {
            throw SamplingError(
                description:
                    "level \(level), position \(position): the logits are not numbers. All weights were when they "
                    + "were loaded, so what is computed from them is too large: --profile f32 holds the most, and "
                    + "orchestrion model inspect --check says where the largest weights are")
        }
        return token
    }
}
