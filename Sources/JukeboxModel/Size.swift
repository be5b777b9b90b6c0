/// What a prior takes, told from its geometry alone.
extension PriorHyperparameters {
    package func parameters(vqvae: VQVAEHyperparameters) -> Int {
        WeightTable.prior(self, vqvae: vqvae).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// Bytes of caches and conditioning that one sequence needs.
    package func bytesPerSequence(vqvae: VQVAEHyperparameters, profile: NumericProfile) -> Int {
        transformer(codes: vqvae.codes).cacheBytes(profile) + (level == vqvae.levels - 1 ? 0 : 4 * windowLength * width)
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
