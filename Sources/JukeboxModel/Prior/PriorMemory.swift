import Checkpoint
import Tensor

extension TransformerShape {
    /// Bytes of one sequence's caches over all layers.
    func cacheBytes(_ profile: NumericProfile) -> Int {
        (0..<depth).reduce(0) {
            $0 + AttentionCache.byteCount(pattern: pattern(layer: $1), shape: self, type: profile.caches)
        }
    }
}

extension Model {
    /// Bytes that a level takes in a worker's memory: its weights, and one window (caches and conditioning).
    package func memory(level: Int) -> (weights: Int, window: Int) {
        let h = hyperparameters.priors[level]
        let shape = h.transformer(codes: hyperparameters.vqvae.codes)
        let isTop = level == hyperparameters.vqvae.levels - 1
        let table = WeightTable.prior(h, vqvae: hyperparameters.vqvae)
        let stored = (try? folder.weights(of: .prior(level: level)))?.tensors ?? [:]
        let weights = table.reduce(shape.vocabulary * shape.width * 4) {
            let size = $1.name.hasSuffix(".w") ? profile.transformerWeights?.byteCount : 4
            return $0 + $1.shape.reduce(1, *) * (size ?? stored[$1.name]?.type.size ?? 4)
        }
        return (weights, shape.cacheBytes(profile) + (isTop ? 0 : 4 * h.windowLength * h.width))
    }
}
