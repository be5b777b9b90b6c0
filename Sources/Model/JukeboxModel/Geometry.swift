package import Foundation
package import SongPlan

/// Hyperparameters that contradict each other, or that are not supported.
package struct HyperparameterError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// All sizes of a model: its VQ-VAE's and each level's prior's (level 0 first).
package struct Hyperparameters: Sendable, Hashable {
    package var vqvae: VQVAEHyperparameters
    package var priors: [PriorHyperparameters]

    /// - Parameter json: `hparams.json`: an object with `vqvae`, `prior_level_0`, `prior_level_1`, …
    /// - Throws: `HyperparameterError` naming the field.
    package init(json: Data, source: String) throws {
        struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
        struct File: Decodable {
            var vqvae: VQVAEHyperparameters
            var priors: [PriorHyperparameters] = []
            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: Key.self)
                vqvae = try values.decode(VQVAEHyperparameters.self, forKey: Key(stringValue: "vqvae"))
                guard (1...16).contains(vqvae.levels) else {
                    throw HyperparameterError("levels is \(vqvae.levels); expected 1 to 16")
                }
                for level in 0..<vqvae.levels {
                    var prior = try values.decode(
                        PriorHyperparameters.self, forKey: Key(stringValue: "prior_level_\(level)"))
                    prior.level = level
                    priors.append(prior)
                }
            }
        }
        do {
            let file = try JSONDecoder().decode(File.self, from: json)
            vqvae = file.vqvae
            priors = file.priors
        } catch let error as DecodingError {
            throw HyperparameterError("\(source): \(Self.describe(error))")
        } catch let error as HyperparameterError {
            throw HyperparameterError("\(source): \(error)")
        }
        do { try check() } catch let error as HyperparameterError {
            throw HyperparameterError("\(source): \(error)")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
        switch error {
        case .keyNotFound(let key, let context): return "the field \(path(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context):
            return "the field \(path(context.codingPath)) is not \(words(for: type))"
        case .valueNotFound(_, let context): return "the field \(path(context.codingPath)) has no value"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "the field \(path(context.codingPath)) cannot be used: \(context.debugDescription)"
        case .dataCorrupted:
            return
                "not valid JSON, or a number with a fraction or too many digits where a whole one is expected, as n_ctx"
        @unknown default: return "\(error)"
        }
    }

    /// A type as a file's author knows it.
    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is Int.Type: "a whole number"
        case is Double.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "text"
        default: "\(type)".hasPrefix("Dictionary") ? "an object" : "\(type)".hasPrefix("Array") ? "a list" : "\(type)"
        }
    }

    /// What planning needs to know.
    package var geometry: ModelGeometry {
        let levels = priors.enumerated().map { level, prior in
            LevelGeometry(
                samplesPerToken: vqvae.samplesPerToken[level], windowLength: prior.windowLength,
                codes: vqvae.codes, vocabulary: prior.transformer(codes: vqvae.codes).vocabulary,
                tokensPerUpperToken: level == priors.count - 1 ? nil : vqvae.downsamples[level + 1])
        }
        let timing = priors.last.flatMap { top in
            top.labels
                ? TimingRange(minimumTotal: Int(top.ranges[0].low), maximumTotal: Int(top.ranges[0].high)) : nil
        }
        return ModelGeometry(sampleRate: vqvae.sampleRate, levels: levels, timing: timing)
    }

    /// Everything that later code takes for granted, before anything is computed from it.
    private func check() throws {
        func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
            guard condition else { throw HyperparameterError(text()) }
        }
        let v = vqvae
        try require(
            v.downs.count >= v.levels && v.strides.count >= v.levels,
            "vqvae.downs_t and strides_t need \(v.levels) values")
        try require(
            v.multipliers.map { $0.count == v.levels && $0.allSatisfy { (1...1000).contains($0) } } ?? true,
            "vqvae.hvqvae_multipliers needs one positive value a level")
        try require(
            v.downs.allSatisfy { (1...16).contains($0) }
                && v.strides.allSatisfy { (2...8).contains($0) && $0 % 2 == 0 },
            "vqvae.downs_t must be 1 to 16 and strides_t an even number up to 8")
        let halvings = zip(v.downs, v.strides).prefix(v.levels).reduce(0.0) { $0 + Double($1.0) * log2(Double($1.1)) }
        try require(
            halvings <= 24, "vqvae.downs_t and strides_t make one token of more than 2^24 audio samples")
        try require((1...65_000).contains(v.codes), "vqvae.l_bins is \(v.codes); expected 1 to 65000")
        for (name, value) in [
            ("width", v.width), ("depth", v.depth), ("emb_width", v.embeddingWidth), ("sr", v.sampleRate),
        ] {
            try require((1...1_000_000).contains(value), "vqvae.\(name) is \(value)")
        }
        try require(
            (1...1_000_000).contains(v.convolutionMultiplier * Double(v.width)),
            "vqvae.m_conv is \(v.convolutionMultiplier)")
        let deepest = (v.multipliers?.max() ?? 1) * v.depth
        try checkDilation(
            "vqvae.", depth: deepest, growth: v.dilationGrowth, cycle: v.dilationCycle, require: require)
        for (level, prior) in priors.enumerated() {
            try prior.check(level: level, top: priors.count - 1, vqvae: vqvae, require: require)
        }
    }
}

/// Dilations of a convolution stack are powers of `growth`, up to depth or cycle.
private func checkDilation(
    _ at: String, depth: Int, growth: Int, cycle: Int?, require: (Bool, @autoclosure () -> String) throws -> Void
) throws {
    try require(cycle.map { $0 > 0 } ?? true, "\(at)dilation_cycle must be positive, or null for none")
    let largest = pow(Double(growth), Double(min(depth, cycle ?? depth) - 1))
    try require(
        growth > 0 && largest < 1e9,
        "\(at)dilation_growth_rate \(growth) over \(depth) blocks makes a dilation of \(largest)")
}

extension PriorHyperparameters {
    fileprivate func check(
        level: Int, top: Int, vqvae: VQVAEHyperparameters,
        require: (Bool, @autoclosure () -> String) throws -> Void
    ) throws {
        let at = "prior_level_\(level)"
        try checkSizes(at, require: require)
        let shape = transformer(codes: vqvae.codes)
        try require(shape.vocabulary <= 65_535, "\(at): \(shape.vocabulary) codes and characters; at most 65535")
        try require(!positionInit, "\(at).pos_init is not supported (no published model uses it)")
        try require(lyricLength == 0 || lyricVocabulary > 0, "\(at).n_tokens needs n_vocab")
        try require(!singleSequence || lyricLength > 0, "\(at).single_enc_dec needs n_tokens")
        try require(
            labels || !(singleSequence || hasLyricEncoder), "\(at) reads lyrics, which come with labels; labels is off")
        for (part, shape) in [("", shape)] + (lyricTransformer.map { [("prime_", $0)] } ?? []) {
            try require(
                TransformerShape.supportedOrders.contains(shape.order),
                "\(at).\(part)attn_order is \(shape.order); supported are 0, 2, 8, 10 and 12")
            try require(
                shape.stateWidth.isMultiple(of: shape.heads),
                "\(at): \(part)heads \(shape.heads) does not divide the attention width \(shape.stateWidth)")
            try require(
                shape.order == 0 || shape.blocks != nil, "\(at).\(part)blocks is needed by attn_order \(shape.order)")
            if let blocks = shape.blocks {
                try require(
                    blocks > 0 && shape.length.isMultiple(of: blocks),
                    "\(at).\(part)blocks \(blocks) does not divide the \(shape.length) positions")
            }
            let patterns = Set((0..<shape.depth).map(shape.pattern(layer:)))
            try require(
                !patterns.contains(.lyricEncoder) || shape.encoderLength > 0,
                "\(at).\(part)attn_order \(shape.order) attends to lyrics, but use_tokens or n_tokens is off")
            try require(
                !patterns.contains(.prime) || (part.isEmpty && lyricPrefix > 0),
                "\(at).\(part)attn_order \(shape.order) needs single_enc_dec with lyrics")
        }
        if level != top {
            try require(
                windowLength.isMultiple(of: vqvae.downsamples[level + 1]),
                "\(at).n_ctx \(windowLength) is not a multiple of \(vqvae.downsamples[level + 1]), "
                    + "the tokens for one of the level above")
            try checkConditioner(at, require: require)
        }
        if labels {
            try require(
                genreAndArtistBins.map { $0.count == 2 && $0.allSatisfy { (1...10_000_000).contains($0) } } ?? false,
                "\(at).y_bins must be [genres, artists], which labels need")
            try require(
                (1...1000).contains(genreSlots ?? 0), "\(at).max_bow_genre_size must be positive, which labels need")
            if level == top { try checkTiming(at, require: require) }
        }
        if let layer = alignmentLayer, lyricLength > 0 {
            try require((0..<depth).contains(layer), "\(at).alignment_layer \(layer) is not one of the \(depth) layers")
            try require(
                (0..<heads).contains(alignmentHead ?? 0), "\(at).alignment_head is not one of the \(heads) heads")
            try require(
                !(singleSequence || hasLyricEncoder)
                    || [.lyricEncoder, .prime].contains(shape.pattern(layer: layer)),
                "\(at).alignment_layer \(layer) does not attend to lyrics alone")
        }
    }

    /// Sizes from which shapes are computed, which must not overflow.
    private func checkSizes(
        _ at: String, require: (Bool, @autoclosure () -> String) throws -> Void
    ) throws {
        var sizes = [
            ("n_ctx", windowLength), ("prior_width", width), ("prior_depth", depth), ("heads", heads),
            ("blocks", blocks ?? 1),
        ]
        var products = [("m_attn", attentionMultiplier, width), ("m_mlp", mlpMultiplier, width)]
        try require((0...1_000_000).contains(lyricLength), "\(at).n_tokens is \(lyricLength)")
        try require((0...65_535).contains(lyricVocabulary), "\(at).n_vocab is \(lyricVocabulary)")
        if hasLyricEncoder {
            sizes += [
                ("prime_width", primeWidth), ("prime_depth", primeDepth), ("prime_heads", primeHeads),
                ("prime_blocks", primeBlocks ?? 1),
            ]
            products += [
                ("prime_m_attn", primeAttentionMultiplier, primeWidth), ("prime_m_mlp", primeMLPMultiplier, primeWidth),
            ]
        }
        for (name, value) in sizes {
            try require((1...1_000_000).contains(value), "\(at).\(name) is \(value)")
        }
        for (name, factor, width) in products {
            try require(
                (1...1_000_000).contains(factor * Double(width)), "\(at).\(name) is \(factor), for a width of \(width)")
        }
    }

    private func checkConditioner(
        _ at: String, require: (Bool, @autoclosure () -> String) throws -> Void
    ) throws {
        for (name, value) in [("cond_width", conditionerWidth), ("cond_depth", conditionerDepth)] {
            try require((1...1_000_000).contains(value), "\(at).\(name) is \(value)")
        }
        try require(
            (1...1_000_000).contains(conditionerMultiplier * Double(conditionerWidth)),
            "\(at).cond_m_conv is \(conditionerMultiplier)")
        try checkDilation(
            "\(at).cond_", depth: conditionerDepth, growth: conditionerDilationGrowth, cycle: conditionerDilationCycle,
            require: require)
    }

    private func checkTiming(
        _ at: String, require: (Bool, @autoclosure () -> String) throws -> Void
    ) throws {
        try require((1...1_000_000).contains(timeBins), "\(at).t_bins is \(timeBins)")
        if let timeRanges {
            try require(
                timeRanges.count == 3 && timeRanges.allSatisfy { $0.count == 2 },
                "\(at).t_ranges must be three pairs: total length, absolute and relative position")
        }
        let name = timeRanges == nil ? "min_duration and max_duration" : "t_ranges"
        try require(
            ranges.allSatisfy { $0.low < $0.high && abs($0.low) < 1e12 && abs($0.high) < 1e12 },
            "\(at).\(name) must be pairs of a lower and a higher number")
    }

    /// Ranges of total length, absolute and relative position: audio samples, audio samples, and 0 to 1.
    package var ranges: [(low: Double, high: Double)] {
        if let timeRanges, timeRanges.count == 3, timeRanges.allSatisfy({ $0.count == 2 }) {
            return timeRanges.map { ($0[0], $0[1]) }
        }
        let rate = Double(sampleRate)
        let low = (minimumDuration ?? 0) * rate
        let high = (maximumDuration ?? 600) * rate
        return [(low, high), (0, high), (0, 1)]
    }
}
