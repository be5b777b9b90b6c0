/// One tensor that a model must have, as the published checkpoints name it.
package struct WeightSpecification: Sendable, Hashable {
    package var name: String
    package var shape: [Int]
    /// How `model init` fills it.
    package var initial: Initial
    /// Files may leave it out: it is tied to another, or sampling does not need it.
    package var optional = false

    /// The layer of a transformer that it belongs to.
    package var layer: Int? {
        guard let place = name.firstRange(of: "._attn_mods.") else { return nil }
        return Int(name[place.upperBound...].prefix { $0 != "." })
    }

    package enum Initial: Sendable, Hashable {
        case zeros
        case ones
        /// Normal with this standard deviation.
        case normal(Double)
    }
}

/// All tensors of the parts of a model, with the shapes that its hyperparameters give them.
package enum WeightTable {
    package static func vqvae(_ h: VQVAEHyperparameters) -> [WeightSpecification] {
        var table: [WeightSpecification] = []
        for level in 0..<h.levels {
            let multiplier = h.multipliers?[level] ?? 1
            let shape = ConvolutionStackShape(
                width: h.width * multiplier, depth: h.depth * multiplier, multiplier: h.convolutionMultiplier)
            for block in 0...level {
                table += shape.encoder(
                    prefix: "encoders.\(level).level_blocks.\(block).model", input: block == 0 ? 1 : h.embeddingWidth,
                    output: h.embeddingWidth, downs: h.downs[block], stride: h.strides[block])
                table += shape.decoder(
                    prefix: "decoders.\(level).level_blocks.\(block).model", input: h.embeddingWidth,
                    output: h.embeddingWidth, downs: h.downs[block], stride: h.strides[block], resnet: "model")
            }
            table += convolution("decoders.\(level).out", [1, h.embeddingWidth, 3])
            table.append(
                WeightSpecification(
                    name: "bottleneck.level_blocks.\(level).k", shape: [h.codes, h.embeddingWidth],
                    initial: .normal(1)))
        }
        return table
    }

    package static func prior(_ h: PriorHyperparameters, vqvae: VQVAEHyperparameters) -> [WeightSpecification] {
        let shape = h.transformer(codes: vqvae.codes)
        var table = transformer("prior", shape, initScale: h.initScale)
        let conditioned = h.level < vqvae.levels - 1
        if !(h.labels || h.singleSequence) {
            table.append(.init(name: "prior.start_token", shape: [1, h.width], initial: .normal(0.01 * h.initScale)))
        }
        table.append(
            .init(
                name: "prior.x_out.weight", shape: [shape.vocabulary, h.width], initial: .normal(0.02 * h.initScale),
                optional: !h.mergedDecoder))
        if h.labels, let bins = h.genreAndArtistBins {
            var tables = [("bow_genre_emb", bins[0]), ("artist_emb", bins[1])]
            if !conditioned {
                tables += ["total_length_emb", "absolute_pos_emb", "relative_pos_emb"].map { ($0, h.timeBins) }
            }
            table += tables.map {
                .init(
                    name: "y_emb.\($0.0).emb.weight", shape: [$0.1, h.width], initial: .normal(0.01 * h.initScale))
            }
        }
        if conditioned { table += conditioner(h, vqvae: vqvae) }
        if let lyrics = h.lyricTransformer {
            table += transformer("prime_prior", lyrics, initScale: h.primeInitScale)
            table += [
                .init(name: "prime_prior.start_token", shape: [1, h.primeWidth], initial: .normal(0.01)),
                .init(
                    name: "prime_state_proj.w", shape: [h.primeWidth, h.width],
                    initial: .normal(0.02 * h.primeInitScale)),
                .init(name: "prime_state_proj.b", shape: [h.width], initial: .zeros),
                .init(name: "prime_state_ln.weight", shape: [h.width], initial: .ones),
                .init(name: "prime_state_ln.bias", shape: [h.width], initial: .zeros),
                .init(
                    name: "prime_x_out.weight", shape: [h.lyricVocabulary, h.width],
                    initial: .normal(0.02 * h.initScale), optional: true),
            ]
        }
        return table
    }

    /// Those that the first layers of a prior need: no output, and a lyric encoder only where one of them reads it.
    ///
    /// - Parameter count: of the layers; nil for the whole prior.
    package static func prior(
        _ h: PriorHyperparameters, vqvae: VQVAEHyperparameters, firstLayers count: Int?
    ) -> [WeightSpecification] {
        let table = prior(h, vqvae: vqvae)
        guard let count else { return table }
        let readsLyrics = h.transformer(codes: vqvae.codes).attendsToLyricEncoder(inFirst: count)
        return table.filter { tensor in
            if tensor.optional || tensor.name == "prior.x_out.weight" { return false }
            if tensor.name.hasPrefix("prime_") { return readsLyrics }
            return tensor.layer.map { $0 < count } ?? true
        }
    }

    private static func conditioner(
        _ h: PriorHyperparameters, vqvae: VQVAEHyperparameters
    ) -> [WeightSpecification] {
        let shape = ConvolutionStackShape(
            width: h.conditionerWidth, depth: h.conditionerDepth, multiplier: h.conditionerMultiplier)
        return [
            .init(
                name: "conditioner_blocks.0.x_emb.weight", shape: [vqvae.codes, h.width],
                initial: .normal(0.02 * h.initScale))
        ]
            + shape.decoder(
                prefix: "conditioner_blocks.0.cond.model", input: h.width, output: h.width,
                downs: vqvae.downs[h.level + 1], stride: vqvae.strides[h.level + 1],
                resnet: "blocks") + [
                .init(name: "conditioner_blocks.0.ln.weight", shape: [h.width], initial: .ones),
                .init(name: "conditioner_blocks.0.ln.bias", shape: [h.width], initial: .zeros),
            ]
    }

    private static func transformer(
        _ prefix: String, _ shape: TransformerShape, initScale: Double
    ) -> [WeightSpecification] {
        var table: [WeightSpecification] = [
            .init(
                name: "\(prefix).x_emb.weight", shape: [shape.vocabulary, shape.width],
                initial: .normal(0.02 * initScale)),
            .init(
                name: "\(prefix).pos_emb.pos_emb", shape: [shape.length, shape.width],
                initial: .normal(0.01 * initScale)),
        ]
        for layer in 0..<shape.depth {
            let at = "\(prefix).transformer._attn_mods.\(layer)"
            let (n, s) = (shape.width, shape.stateWidth)
            let crossed = shape.pattern(layer: layer) == .lyricEncoder
            func linear(_ name: String, _ input: Int, _ output: Int) -> [WeightSpecification] {
                [
                    .init(name: "\(at).\(name).w", shape: [input, output], initial: .normal(0.02 * initScale)),
                    .init(name: "\(at).\(name).b", shape: [output], initial: .zeros),
                ]
            }
            func norm(_ name: String) -> [WeightSpecification] {
                [
                    .init(name: "\(at).\(name).weight", shape: [n], initial: .ones),
                    .init(name: "\(at).\(name).bias", shape: [n], initial: .zeros),
                ]
            }
            table += linear("attn.c_attn", n, crossed ? s : 3 * s)
            if crossed { table += linear("attn.c_enc_kv", n, 2 * s) }
            table += linear("attn.c_proj", s, n) + norm("ln_0")
            table += linear("mlp.c_fc", n, shape.mlpWidth) + linear("mlp.c_proj", shape.mlpWidth, n) + norm("ln_1")
        }
        return table
    }

    /// A convolution's weight [out, in, taps] and bias, with torch's usual spread.
    static func convolution(_ name: String, _ shape: [Int], transposed: Bool = false) -> [WeightSpecification] {
        let fanIn = Double(shape[1] * shape[2])
        return [
            .init(name: "\(name).weight", shape: shape, initial: .normal((1 / (3 * fanIn)).squareRoot())),
            .init(name: "\(name).bias", shape: [transposed ? shape[1] : shape[0]], initial: .zeros),
        ]
    }
}

/// Names and shapes of the encoder's and decoder's stacks (`EncoderConvBlock`, `DecoderConvBock`).
struct ConvolutionStackShape {
    var width: Int
    var depth: Int
    var multiplier: Double

    func encoder(prefix: String, input: Int, output: Int, downs: Int, stride: Int) -> [WeightSpecification] {
        (0..<downs).flatMap { index in
            WeightTable.convolution(
                "\(prefix).\(index).0", [width, index == 0 ? input : width, 2 * stride])
                + resnet("\(prefix).\(index).1.model")
        } + WeightTable.convolution("\(prefix).\(downs)", [output, width, 3])
    }

    func decoder(
        prefix: String, input: Int, output: Int, downs: Int, stride: Int, resnet name: String
    ) -> [WeightSpecification] {
        WeightTable.convolution("\(prefix).0", [width, input, 3])
            + (1...downs).flatMap { index in
                resnet("\(prefix).\(index).0.\(name)")
                    + WeightTable.convolution(
                        "\(prefix).\(index).1", [width, index == downs ? output : width, 2 * stride], transposed: true)
            }
    }

    private func resnet(_ prefix: String) -> [WeightSpecification] {
        let state = Int(multiplier * Double(width))
        return (0..<depth).flatMap {
            WeightTable.convolution("\(prefix).\($0).model.1", [state, width, 3])
                + WeightTable.convolution("\(prefix).\($0).model.3", [width, state, 1])
        }
    }
}
