import Checkpoint
import Tensor

/// What a prior takes, told from its geometry alone.
extension PriorHyperparameters {
    package func parameters(vqvae: VQVAEHyperparameters) -> Int {
        WeightTable.prior(self, vqvae: vqvae).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// Bytes of caches and conditioning that one sequence needs.
    package func bytesPerSequence(vqvae: VQVAEHyperparameters, profile: NumericProfile = .standard) -> Int {
        transformer(codes: vqvae.codes).cacheBytes(type: profile.caches)
            + (level == vqvae.levels - 1 ? 0 : 4 * windowLength * width)
    }

    /// Bytes of the weights as they are computed with.
    ///
    /// - Parameters:
    ///   - firstLayers: of so many layers alone, without the output; nil for all.
    ///   - stored: bytes of a number in the model's file, by tensor.
    package func weightBytes(
        vqvae: VQVAEHyperparameters, profile: NumericProfile = .standard, firstLayers: Int? = nil,
        stored: (String) -> Int? = { _ in nil }
    ) -> Int {
        // The output matrix may be a second, packed, form of the embedding.
        let shape = transformer(codes: vqvae.codes)
        var sum = firstLayers == nil ? shape.vocabulary * width * 4 : 0
        for tensor in WeightTable.prior(self, vqvae: vqvae, firstLayers: firstLayers) {
            sum +=
                storage(of: tensor, profile: profile)?.byteCount(of: tensor.count)
                ?? tensor.count * (stored(tensor.name) ?? 4)
        }
        return sum
    }

    /// What a tensor's numbers become; nil keeps the stored type.
    private func storage(of tensor: WeightSpecification, profile: NumericProfile) -> WeightType? {
        guard tensor.name.hasSuffix(".w") else {
            return tensor.name.contains(".cond.model.") ? profile.otherWeights : .float32
        }
        guard let layer = tensor.layer else { return profile.otherWeights }
        return profile.weights(
            layer: layer, of: tensor.name.hasPrefix("prime") ? primeDepth : depth)
    }

    /// From name and profile to what is held of a tensor, for the limits of its numbers.
    func storage(vqvae: VQVAEHyperparameters) -> (String, NumericProfile) -> WeightType? {
        let table = Dictionary(
            WeightTable.prior(self, vqvae: vqvae).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let output = mergedDecoder ? "prior.x_out.weight" : "prior.x_emb.weight"
        return { name, profile in
            if name == output { return profile.otherWeights }
            // Biases stay what they are, those of convolutions too.
            guard let tensor = table[name], !name.hasSuffix(".bias") else { return nil }
            return storage(of: tensor, profile: profile)
        }
    }

    /// Multiplications that a token costs, on average over a window.
    package func multiplicationsPerToken(vqvae: VQVAEHyperparameters) -> Double {
        let shape = transformer(codes: vqvae.codes)
        let layers = (0..<shape.depth).reduce(0.0) { sum, layer in
            let seen: Double =
                switch shape.pattern(layer: layer) {
                case .dense: Double(shape.length) / 2
                case .block: Double(shape.blockLength) / 2
                case .transposeBlock: Double(shape.blocks ?? 1) / 2
                case .previousBlock: Double(shape.blockLength)
                case .prime: Double(min(shape.primeLength, shape.length))
                case .lyricEncoder: Double(shape.encoderLength)
                }
            let matrices = 4 * shape.width * shape.stateWidth + 2 * shape.width * shape.mlpWidth
            return sum + Double(matrices) + 2 * seen * Double(shape.stateWidth)
        }
        return layers + Double(shape.width * shape.vocabulary)
    }
}

extension TransformerShape {
    /// Bytes of one sequence's caches over all layers, or the first ones.
    func cacheBytes(type: ScalarType, layers: Int? = nil) -> Int {
        (0..<(layers ?? depth)).reduce(0) {
            $0 + AttentionCache.byteCount(pattern: pattern(layer: $1), shape: self, type: type)
        }
    }
}

/// Bytes that a level takes in a worker's memory.
package struct LevelMemory: Sendable, Hashable {
    package var weights: Int
    /// Of one window: caches and conditioning.
    package var window: Int

    package init(weights: Int, window: Int) {
        self.weights = weights
        self.window = window
    }
}

extension Model {
    /// What a level takes in its profile; nothing but the headers of its file is read.
    package func memory(level: Int) -> LevelMemory {
        let (h, vqvae) = (hyperparameters.priors[level], hyperparameters.vqvae)
        let stored = (try? folder.weights(of: .prior(level: level)))?.tensors ?? [:]
        return LevelMemory(
            weights: h.weightBytes(vqvae: vqvae, profile: profile) { stored[$0]?.type.size },
            window: h.bytesPerSequence(vqvae: vqvae, profile: profile))
    }
}
