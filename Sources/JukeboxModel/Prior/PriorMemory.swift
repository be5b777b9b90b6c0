import Checkpoint
import Tensor

extension TransformerShape {
    /// Bytes of one sequence's caches over all layers.
    var cacheBytes: Int {
        (0..<depth).reduce(0) { $0 + AttentionCache.byteCount(pattern: pattern(layer: $1), shape: self) }
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
            $0 + $1.shape.reduce(1, *) * (stored[$1.name]?.type.size ?? 4)
        }
        return (weights, shape.cacheBytes + (isTop ? 0 : 4 * h.windowLength * h.width))
    }
}
