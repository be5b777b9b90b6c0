/// Translates the tensor names of Hugging Face's port (transformers' JukeboxModel) to the original's.
///
/// The port numbers priors from the top (`priors.0` is the top level), and says
/// `resnet_block.{r}.conv1d_{1|2}` where the original says `model.{r}.model.{1|3}`. An encoder block's last
/// convolution is numbered in the original and called `proj_out` in the port, so its number follows from how
/// many blocks there are before it.
struct HuggingFaceNames {
    /// Number of priors.
    let levels: Int
    /// Convolutions with a stride, by encoder block (`encoders.0.level_blocks.0`).
    private let downs: [String: Int]
    /// The file or folder, for messages.
    private let path: String

    /// - Parameters:
    ///   - names: all names of the model.
    ///   - levels: the number of priors in the configuration, nil to count those in `names`.
    init(_ names: some Sequence<String>, levels: Int? = nil, path: String) {
        var downs: [String: Int] = [:]
        var highest = -1
        for name in names {
            let words = name.split(separator: ".")
            if words.count > 6, words[0] == "vqvae", words[5] == "downsample_block",
                let index = Int(words[6]),
                (0..<1_000_000).contains(index)
            {
                let block = words[1...4].joined(separator: ".")
                downs[block] = max(downs[block] ?? 0, index / 2 + 1)
            } else if words.count > 1, words[0] == "priors", let index = Int(words[1]),
                (0..<1_000).contains(index)
            {
                highest = max(highest, index)
            }
        }
        self.downs = downs
        self.levels = levels ?? highest + 1
        self.path = path
    }

    /// The network a tensor belongs to and its name there; an unknown name is an error.
    func canonical(_ name: String) throws -> (part: ModelPart, name: String) {
        let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if words[0] == "vqvae", let translated = vqvae(Array(words.dropFirst())) {
            return (.vqvae, translated)
        }
        if words[0] == "priors", words.count > 2, let index = Int(words[1]), (0..<levels).contains(index),
            let translated = prior(Array(words.dropFirst(2)))
        {
            return (.prior(level: levels - 1 - index), translated)
        }
        throw CheckpointError(
            .unsupported, path, "tensor \(name) is not one of a Jukebox model with \(levels) levels")
    }

    // MARK: VQ-VAE

    private func vqvae(_ words: [String]) -> String? {
        switch words.first {
        case "bottleneck" where words.count == 4 && words[3] == "codebook":
            return (words.dropLast() + ["k"]).joined(separator: ".")
        case "decoders" where words.count == 4 && words[2] == "out":
            return words.joined(separator: ".")
        case "encoders" where words.count > 5:
            return encoderBlock(Array(words.dropFirst(4)), block: words[0..<4].joined(separator: "."))
        case "decoders" where words.count > 5:
            return HuggingFaceNames.decoderBlock(Array(words.dropFirst(4)), residual: "model").map { tail in
                "\(words[0..<4].joined(separator: ".")).\(tail)"
            }
        default:
            return nil
        }
    }

    /// `proj_out.weight`, `downsample_block.{2i}.weight`, or `downsample_block.{2i+1}.resnet_block…`.
    private func encoderBlock(_ words: [String], block: String) -> String? {
        if words.count == 2, words[0] == "proj_out" {
            return "\(block).model.\(downs[block] ?? 0).\(words[1])"
        }
        guard words.count > 2, words[0] == "downsample_block", let index = Int(words[1]), index >= 0 else {
            return nil
        }
        let rest = Array(words.dropFirst(2))
        if index.isMultiple(of: 2) {
            return rest.count == 1 ? "\(block).model.\(index / 2).0.\(rest[0])" : nil
        }
        return HuggingFaceNames.residual(rest, called: "model").map { "\(block).model.\(index / 2).1.\($0)" }
    }

    /// `proj_in.weight`, `upsample_block.{2i}.resnet_block…`, or `upsample_block.{2i+1}.weight`; also the
    /// conditioner's.
    private static func decoderBlock(_ words: [String], residual name: String) -> String? {
        if words.count == 2, words[0] == "proj_in" { return "model.0.\(words[1])" }
        guard words.count > 2, words[0] == "upsample_block", let index = Int(words[1]),
            (0..<Int.max).contains(index)
        else { return nil }
        let rest = Array(words.dropFirst(2))
        let position = index / 2 + 1
        if !index.isMultiple(of: 2) { return rest.count == 1 ? "model.\(position).1.\(rest[0])" : nil }
        return residual(rest, called: name).map { "model.\(position).0.\($0)" }
    }

    /// `resnet_block.{r}.conv1d_{1|2}.weight`.
    private static func residual(_ words: [String], called name: String) -> String? {
        guard words.count == 4, words[0] == "resnet_block" else { return nil }
        switch words[2] {
        case "conv1d_1": return "\(name).\(words[1]).model.1.\(words[3])"
        case "conv1d_2": return "\(name).\(words[1]).model.3.\(words[3])"
        default: return nil
        }
    }

    // MARK: Priors

    private func prior(_ words: [String]) -> String? {
        switch words[0] {
        case "conditioner_blocks": HuggingFaceNames.conditioner(Array(words.dropFirst()))
        case "metadata_embedding": HuggingFaceNames.labels(Array(words.dropFirst()))
        case "prior": HuggingFaceNames.transformer(Array(words.dropFirst())).map { "prior.\($0)" }
        case "encoder": HuggingFaceNames.lyricEncoder(Array(words.dropFirst()))
        default: nil
        }
    }

    private static func conditioner(_ words: [String]) -> String? {
        let prefix = "conditioner_blocks.0"
        switch words.first {
        case "embed_tokens" where words.count == 2: return "\(prefix).x_emb.\(words[1])"
        case "layer_norm" where words.count == 2: return "\(prefix).ln.\(words[1])"
        case "upsampler":
            return decoderBlock(Array(words.dropFirst()), residual: "blocks").map { "\(prefix).cond.\($0)" }
        default: return nil
        }
    }

    /// Genre and artist embeddings lost their `.emb` in the port, the timing embeddings did not.
    private static func labels(_ words: [String]) -> String? {
        switch words.first {
        case "bow_genre_emb", "artist_emb": words.count == 2 ? "y_emb.\(words[0]).emb.\(words[1])" : nil
        case "total_length_emb", "absolute_pos_emb", "relative_pos_emb":
            words.count == 3 ? "y_emb.\(words.joined(separator: "."))" : nil
        default: nil
        }
    }

    private static func lyricEncoder(_ words: [String]) -> String? {
        switch words.first {
        case "proj_in" where words.count == 2: return projection(words[1]).map { "prime_state_proj.\($0)" }
        case "final_layer_norm" where words.count == 2: return "prime_state_ln.\(words[1])"
        case "lm_head" where words.count == 2: return "prime_x_out.\(words[1])"
        default: return transformer(words).map { "prime_prior.\($0)" }
        }
    }

    private static func transformer(_ words: [String]) -> String? {
        switch words {
        case ["start_token"], ["pos_emb", "pos_emb"]: return words.joined(separator: ".")
        case ["embed_tokens", "weight"]: return "x_emb.weight"
        case ["fc_proj_out", "weight"]: return "x_out.weight"
        default: break
        }
        guard words.count >= 5, words[0] == "transformer", words[1] == "_attn_mods" else { return nil }
        let layer = "transformer._attn_mods.\(words[2])"
        switch words[3] {
        case "attn" where words.count == 6, "mlp" where words.count == 6:
            return projection(words[5]).map { "\(layer).\(words[3]).\(words[4]).\($0)" }
        case "layer_norm_0" where words.count == 5: return "\(layer).ln_0.\(words[4])"
        case "layer_norm_1" where words.count == 5: return "\(layer).ln_1.\(words[4])"
        default: return nil
        }
    }

    /// The original's Conv1D calls its parameters `w` and `b`.
    private static func projection(_ word: String) -> String? {
        switch word {
        case "weight": "w"
        case "bias": "b"
        default: nil
        }
    }
}
