/// Translates Hugging Face's `config.json` (transformers' JukeboxConfig) to the original's hyperparameters,
/// in the form of `hparams.json`: an object with `vqvae` and `prior_level_{l}`, level 0 at the bottom.
///
/// Only what shapes the networks or their computation is carried over (not `init_scale`, which the port sets
/// anew). The file leaves out what equals the defaults of transformers 4.40, so those defaults are here; they
/// differ from the original's.
struct HuggingFaceConfig {
    private let root: JSONValue
    private let path: String

    /// The number of priors.
    let levels: Int
    private let priors: [JSONValue]

    /// - Parameter path: the file, for messages.
    init(_ root: JSONValue, path: String) throws {
        self.root = root
        self.path = path
        let fields = HuggingFaceFields(root, "config", path)
        guard root["model_type"]?.stringValue == "jukebox" else {
            throw CheckpointError(
                .unsupported, path,
                "its model_type is \(root["model_type"]?.stringValue ?? "missing"), expected jukebox")
        }
        levels = try fields.int("nb_priors", 3)
        guard (1...16).contains(levels) else {
            throw CheckpointError(.malformed, path, "nb_priors is \(levels)")
        }
        if let list = root["prior_config_list"], !list.isNull {
            guard let listed = list.arrayValue, listed.count >= levels else {
                throw CheckpointError(.malformed, path, "prior_config_list has fewer than \(levels) entries")
            }
            priors = Array(listed.prefix(levels))
        } else {
            priors = (0..<levels).map { root["prior_\($0)"] ?? .object([:]) }
        }
    }

    /// The hyperparameters of all networks.
    func hyperparameters() throws -> JSONValue {
        var parts: [String: JSONValue] = [ModelPart.vqvae.description: try vqvae()]
        for (index, prior) in priors.enumerated() {
            let level = levels - 1 - index
            parts[ModelPart.prior(level: level).description] = try self.prior(
                prior, index: index, level: level)
        }
        return .object(parts)
    }

    private func vqvae() throws -> JSONValue {
        let fields = HuggingFaceFields(root["vqvae_config"], "vqvae_config", path)
        return .object([
            "levels": .int(try fields.int("levels", 3)),
            "downs_t": try fields.integers("res_downs_t", [3, 2, 2]),
            "strides_t": try fields.integers("res_strides_t", [2, 2, 2]),
            "hvqvae_multipliers": try fields.integers("multipliers", [2, 1, 1]),
            "emb_width": .int(try fields.int("embed_dim", 64)),
            "l_bins": .int(try fields.int("nb_discrete_codes", 2048)),
            "width": .int(try fields.int("res_conv_width", 32)),
            "depth": .int(try fields.int("res_conv_depth", 4)),
            "m_conv": try fields.number("res_convolution_multiplier", 1),
            "dilation_growth_rate": .int(try fields.int("res_dilation_growth_rate", 3)),
            "dilation_cycle": try fields.optionalInt("res_dilation_cycle"),
            "vqvae_reverse_decoder_dilation": .bool(true),
            "sr": .int(try HuggingFaceFields(root, "config", path).int("sampling_rate", 44_100)),
        ])
    }

    private func prior(_ value: JSONValue, index: Int, level: Int) throws -> JSONValue {
        let fields = HuggingFaceFields(value, "prior_\(index)", path)
        var members = try attention(fields)
        members.merge(try conditioning(fields)) { _, new in new }
        members.merge(try labels(fields, isTop: index == 0)) { _, new in new }
        members.merge(try lyrics(fields)) { _, new in new }
        members["level"] = .int(level)
        members["sr"] = .int(try fields.int("sampling_rate", 44_100))
        return .object(members)
    }

    private func attention(_ fields: HuggingFaceFields) throws -> [String: JSONValue] {
        [
            "n_ctx": .int(try fields.int("n_ctx", 6144)),
            "prior_width": .int(try fields.int("hidden_size", 2048)),
            "prior_depth": .int(try fields.int("num_layers", 72)),
            "heads": .int(try fields.int("n_heads", 2)),
            "attn_order": .int(try attentionOrder(fields)),
            "blocks": .int(try fields.int("blocks", 64)),
            "m_attn": try fields.number("attention_multiplier", 0.25),
            "m_mlp": try fields.number("mlp_multiplier", 1),
            "res_scale": .bool(try fields.bool("attn_res_scale", false)),
            "pos_init": .bool(false),
            "merged_decoder": .bool(try fields.bool("merged_decoder", true)),
        ]
    }

    /// The upsamplers' convolutions over the level above; strides are those of the VQ-VAE.
    private func conditioning(_ fields: HuggingFaceFields) throws -> [String: JSONValue] {
        [
            "cond_width": .int(try fields.int("res_conv_width", 128)),
            "cond_depth": .int(try fields.int("res_conv_depth", 3)),
            "cond_m_conv": try fields.number("res_convolution_multiplier", 1),
            "cond_dilation_growth_rate": .int(try fields.int("res_dilation_growth_rate", 1)),
            "cond_dilation_cycle": try fields.optionalInt("res_dilation_cycle"),
            "cond_res_scale": .bool(try fields.bool("conv_res_scale", false)),
        ]
    }

    /// Only the top level embeds durations, so only there are they given.
    private func labels(_ fields: HuggingFaceFields, isTop: Bool) throws -> [String: JSONValue] {
        guard try fields.bool("metadata_conditioning", true) else {
            return [
                "labels": .bool(false), "labels_v3": .bool(false), "y_bins": .int(0),
                "max_bow_genre_size": .null,
            ]
        }
        // The third version's vocabulary has no `+`, so it has 79 characters where the second has 80.
        let isThirdVersion = try fields.int("lyric_vocab_size", 80) == 79
        var members: [String: JSONValue] = [
            "labels": .bool(true),
            "labels_v3": .bool(isThirdVersion),
            "y_bins": try fields.integers("metadata_dims", [604, 7898]),
            "t_bins": .int(try fields.int("timing_dims", 64)),
            "max_bow_genre_size": .int(try fields.int("max_nb_genres", 1)),
        ]
        if isTop {
            members["min_duration"] = try fields.number("min_duration", 0)
            members["max_duration"] = try fields.number("max_duration", 600)
        }
        return members
    }

    private func lyrics(_ fields: HuggingFaceFields) throws -> [String: JSONValue] {
        let tokens = try fields.int("nb_relevant_lyric_tokens", 384)
        let isSingle = try fields.bool("is_encoder_decoder", true)
        var members: [String: JSONValue] = [
            "n_tokens": .int(tokens),
            "n_vocab": .int(try fields.int("lyric_vocab_size", 80)),
            "use_tokens": .bool(tokens > 0),
            "single_enc_dec": .bool(isSingle),
            "alignment_layer": tokens > 0 ? .int(try fields.int("alignment_layer", 68)) : .null,
            "alignment_head": tokens > 0 ? .int(try fields.int("alignment_head", 2)) : .null,
        ]
        if tokens > 0, !isSingle {
            let encoder = HuggingFaceFields(
                fields.value("encoder_config"), "\(fields.place).encoder_config", path)
            members["prime_width"] = .int(try encoder.int("hidden_size", 2048))
            members["prime_depth"] = .int(try encoder.int("num_layers", 72))
            members["prime_heads"] = .int(try encoder.int("n_heads", 2))
            members["prime_attn_order"] = .int(try attentionOrder(encoder))
            members["prime_blocks"] = .int(try encoder.int("blocks", 64))
            members["prime_m_attn"] = try encoder.number("attention_multiplier", 0.25)
            members["prime_m_mlp"] = try encoder.number("mlp_multiplier", 1)
            members["prime_res_scale"] = .bool(try encoder.bool("attn_res_scale", false))
            members["prime_pos_init"] = .bool(false)
        }
        return members
    }

    /// The original's number for a pattern of attention layers.
    private func attentionOrder(_ fields: HuggingFaceFields) throws -> Int {
        let pattern = fields.value("attention_pattern")?.stringValue ?? "enc_dec_with_lyrics"
        switch pattern {
        case "full_dense_attention", "FullDenseAttention": return 0
        case "raw_column_previous_row_attention", "RawColumnPreviousRowAttention": return 2
        case "large_separated_enc_dec_w_lyrics": return 10
        case "enc_dec_with_lyrics": return 12
        default:
            throw CheckpointError(.unsupported, path, "\(fields.place).attention_pattern is \(pattern)")
        }
    }
}

/// Typed access to one object of a configuration, with defaults for what is left out.
struct HuggingFaceFields {
    /// The object's name, for messages.
    let place: String
    private let object: JSONValue?
    private let path: String

    init(_ object: JSONValue?, _ place: String, _ path: String) {
        self.object = object
        self.place = place
        self.path = path
    }

    /// The field, or nil if it is left out or null.
    func value(_ name: String) -> JSONValue? {
        guard let value = object?[name], !value.isNull else { return nil }
        return value
    }

    func int(_ name: String, _ standard: Int) throws -> Int {
        guard let value = value(name) else { return standard }
        guard let number = value.intValue else { throw wrong(name, "a whole number") }
        return number
    }

    func optionalInt(_ name: String) throws -> JSONValue {
        value(name) == nil ? .null : .int(try int(name, 0))
    }

    func number(_ name: String, _ standard: Double) throws -> JSONValue {
        guard let value = value(name) else { return .double(standard) }
        guard value.doubleValue != nil else { throw wrong(name, "a number") }
        return value
    }

    func bool(_ name: String, _ standard: Bool) throws -> Bool {
        guard let value = value(name) else { return standard }
        guard let flag = value.boolValue else { throw wrong(name, "true or false") }
        return flag
    }

    func integers(_ name: String, _ standard: [Int]) throws -> JSONValue {
        guard let value = value(name) else { return .array(standard.map(JSONValue.int)) }
        guard let elements = value.arrayValue, elements.allSatisfy({ $0.intValue != nil }) else {
            throw wrong(name, "a list of whole numbers")
        }
        return value
    }

    private func wrong(_ name: String, _ expected: String) -> CheckpointError {
        CheckpointError(.malformed, path, "\(place).\(name) is not \(expected)")
    }
}
