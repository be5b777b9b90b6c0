/// Sizes of the VQ-VAE, with the original's field names in `hparams.json`.
package struct VQVAEHyperparameters: Sendable, Hashable, Codable {
    package var levels: Int
    /// Halvings a level adds, and by what: strides ** downs audio samples or tokens become one token.
    package var downs: [Int]
    package var strides: [Int]
    /// Factors on width and depth of each level's own encoder and decoder.
    package var multipliers: [Int]?
    package var embeddingWidth: Int
    /// Codes in each level's codebook.
    package var codes: Int
    package var width: Int
    package var depth: Int
    package var convolutionMultiplier: Double
    package var dilationGrowth: Int
    package var dilationCycle: Int?
    package var reversesDecoderDilation: Bool
    package var sampleRate: Int

    package enum CodingKeys: String, CodingKey {
        case levels
        case downs = "downs_t"
        case strides = "strides_t"
        case multipliers = "hvqvae_multipliers"
        case embeddingWidth = "emb_width"
        case codes = "l_bins"
        case width, depth
        case convolutionMultiplier = "m_conv"
        case dilationGrowth = "dilation_growth_rate"
        case dilationCycle = "dilation_cycle"
        case reversesDecoderDilation = "vqvae_reverse_decoder_dilation"
        case sampleRate = "sr"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        levels = try values.decode(Int.self, forKey: .levels)
        downs = try values.decode([Int].self, forKey: .downs)
        strides = try values.decode([Int].self, forKey: .strides)
        multipliers = try values.decodeIfPresent([Int].self, forKey: .multipliers)
        embeddingWidth = try values.decode(Int.self, forKey: .embeddingWidth)
        codes = try values.decode(Int.self, forKey: .codes)
        width = try values.decode(Int.self, forKey: .width)
        depth = try values.decode(Int.self, forKey: .depth)
        convolutionMultiplier = try values.decodeIfPresent(Double.self, forKey: .convolutionMultiplier) ?? 1
        dilationGrowth = try values.decodeIfPresent(Int.self, forKey: .dilationGrowth) ?? 1
        dilationCycle = try values.decodeIfPresent(Int.self, forKey: .dilationCycle)
        reversesDecoderDilation = try values.decodeIfPresent(Bool.self, forKey: .reversesDecoderDilation) ?? true
        sampleRate = try values.decodeIfPresent(Int.self, forKey: .sampleRate) ?? 44_100
    }

    /// strides ** downs: how much shorter each level is than the one below it.
    package var downsamples: [Int] {
        zip(strides, downs).map { stride, down in (0..<down).reduce(1) { product, _ in product * stride } }
    }

    /// Audio samples for one token, by level (`hop_lengths`).
    package var samplesPerToken: [Int] {
        downsamples.reduce(into: []) { $0.append(($0.last ?? 1) * $1) }
    }
}

/// Sizes of one level's prior (the top level, or an upsampler), with the original's field names.
package struct PriorHyperparameters: Sendable, Hashable, Codable {
    package var level: Int
    /// Music tokens in a window.
    package var windowLength: Int
    package var width: Int
    package var depth: Int
    package var heads: Int
    package var attentionOrder: Int
    package var blocks: Int?
    package var initScale: Double
    package var attentionMultiplier: Double
    package var mlpMultiplier: Double
    package var scalesResiduals: Bool
    package var positionInit: Bool

    package var conditionerWidth: Int
    package var conditionerDepth: Int
    package var conditionerMultiplier: Double
    package var conditionerScalesResiduals: Bool
    package var conditionerDilationGrowth: Int
    package var conditionerDilationCycle: Int?

    package var labels: Bool
    package var labelsV3: Bool
    /// Sizes of the lists of genres and artists.
    package var genreAndArtistBins: [Int]?
    package var timeBins: Int
    /// Genre slots in the label vector (`max_bow_genre_size`).
    package var genreSlots: Int?
    /// Seconds.
    package var minimumDuration: Double?
    package var maximumDuration: Double?
    package var sampleRate: Int
    /// Total length, absolute and relative position, in audio samples, where given instead of durations.
    package var timeRanges: [[Double]]?

    package var usesLyrics: Bool
    package var lyricLength: Int
    package var lyricVocabulary: Int
    /// Lyrics and music in one sequence (`single_enc_dec`).
    package var singleSequence: Bool
    /// Conditioning only before the transformer, untied output (`merged_decoder`).
    package var mergedDecoder: Bool
    package var primeWidth: Int
    package var primeDepth: Int
    package var primeHeads: Int
    package var primeAttentionOrder: Int
    package var primeBlocks: Int?
    package var primeInitScale: Double
    package var primeScalesResiduals: Bool
    package var primeAttentionMultiplier: Double
    package var primeMLPMultiplier: Double

    package var alignmentLayer: Int?
    package var alignmentHead: Int?
    /// The original's training file had half-precision `Conv1D.w` (`fp16_params`); used by `model init`.
    package var halfPrecision: Bool

    package enum CodingKeys: String, CodingKey {
        case level
        case windowLength = "n_ctx"
        case width = "prior_width"
        case depth = "prior_depth"
        case heads
        case attentionOrder = "attn_order"
        case blocks
        case initScale = "init_scale"
        case attentionMultiplier = "m_attn"
        case mlpMultiplier = "m_mlp"
        case scalesResiduals = "res_scale"
        case positionInit = "pos_init"
        case conditionerWidth = "cond_width"
        case conditionerDepth = "cond_depth"
        case conditionerMultiplier = "cond_m_conv"
        case conditionerScalesResiduals = "cond_res_scale"
        case conditionerDilationGrowth = "cond_dilation_growth_rate"
        case conditionerDilationCycle = "cond_dilation_cycle"
        case labels
        case labelsV3 = "labels_v3"
        case genreAndArtistBins = "y_bins"
        case timeBins = "t_bins"
        case genreSlots = "max_bow_genre_size"
        case minimumDuration = "min_duration"
        case maximumDuration = "max_duration"
        case sampleRate = "sr"
        case timeRanges = "t_ranges"
        case usesLyrics = "use_tokens"
        case lyricLength = "n_tokens"
        case lyricVocabulary = "n_vocab"
        case singleSequence = "single_enc_dec"
        case mergedDecoder = "merged_decoder"
        case primeWidth = "prime_width"
        case primeDepth = "prime_depth"
        case primeHeads = "prime_heads"
        case primeAttentionOrder = "prime_attn_order"
        case primeBlocks = "prime_blocks"
        case primeInitScale = "prime_init_scale"
        case primeScalesResiduals = "prime_res_scale"
        case primeAttentionMultiplier = "prime_m_attn"
        case primeMLPMultiplier = "prime_m_mlp"
        case alignmentLayer = "alignment_layer"
        case alignmentHead = "alignment_head"
        case halfPrecision = "fp16_params"
    }

    /// Fields that are left out take the original's defaults.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func int(_ key: CodingKeys, _ otherwise: Int) throws -> Int {
            try values.decodeIfPresent(Int.self, forKey: key) ?? otherwise
        }
        func double(_ key: CodingKeys, _ otherwise: Double) throws -> Double {
            try values.decodeIfPresent(Double.self, forKey: key) ?? otherwise
        }
        func bool(_ key: CodingKeys, _ otherwise: Bool) throws -> Bool {
            if let number = try? values.decodeIfPresent(Int.self, forKey: key) { return number != 0 }
            return try values.decodeIfPresent(Bool.self, forKey: key) ?? otherwise
        }
        level = try int(.level, 0)
        windowLength = try values.decode(Int.self, forKey: .windowLength)
        width = try values.decode(Int.self, forKey: .width)
        depth = try values.decode(Int.self, forKey: .depth)
        heads = try int(.heads, 1)
        attentionOrder = try int(.attentionOrder, 0)
        blocks = try values.decodeIfPresent(Int.self, forKey: .blocks)
        initScale = try double(.initScale, 1)
        attentionMultiplier = try double(.attentionMultiplier, 0.25)
        mlpMultiplier = try double(.mlpMultiplier, 1)
        scalesResiduals = try bool(.scalesResiduals, false)
        positionInit = try bool(.positionInit, false)
        conditionerWidth = try int(.conditionerWidth, 128)
        conditionerDepth = try int(.conditionerDepth, 3)
        conditionerMultiplier = try double(.conditionerMultiplier, 1)
        conditionerScalesResiduals = try bool(.conditionerScalesResiduals, false)
        conditionerDilationGrowth = try int(.conditionerDilationGrowth, 1)
        conditionerDilationCycle = try values.decodeIfPresent(Int.self, forKey: .conditionerDilationCycle)
        labels = try bool(.labels, true)
        labelsV3 = try bool(.labelsV3, false)
        genreAndArtistBins = try? values.decodeIfPresent([Int].self, forKey: .genreAndArtistBins)
        timeBins = try int(.timeBins, 64)
        genreSlots = try values.decodeIfPresent(Int.self, forKey: .genreSlots)
        minimumDuration = try values.decodeIfPresent(Double.self, forKey: .minimumDuration)
        maximumDuration = try values.decodeIfPresent(Double.self, forKey: .maximumDuration)
        sampleRate = try int(.sampleRate, 44_100)
        timeRanges = try values.decodeIfPresent([[Double]].self, forKey: .timeRanges)
        usesLyrics = try bool(.usesLyrics, false)
        lyricLength = try int(.lyricLength, 0)
        lyricVocabulary = try int(.lyricVocabulary, 0)
        singleSequence = try bool(.singleSequence, false)
        // The original merges only the decoder of separate encoders.
        mergedDecoder = try bool(.mergedDecoder, false) && !singleSequence
        primeWidth = try int(.primeWidth, 128)
        primeDepth = try int(.primeDepth, 3)
        primeHeads = try int(.primeHeads, 1)
        primeAttentionOrder = try int(.primeAttentionOrder, 0)
        primeBlocks = try values.decodeIfPresent(Int.self, forKey: .primeBlocks)
        primeInitScale = try double(.primeInitScale, 1)
        primeScalesResiduals = try bool(.primeScalesResiduals, false)
        primeAttentionMultiplier = try double(.primeAttentionMultiplier, 0.25)
        primeMLPMultiplier = try double(.primeMLPMultiplier, 1)
        alignmentLayer = try values.decodeIfPresent(Int.self, forKey: .alignmentLayer)
        alignmentHead = try values.decodeIfPresent(Int.self, forKey: .alignmentHead)
        halfPrecision = try bool(.halfPrecision, false)
    }

    /// A separate encoder reads the lyrics (`sep_enc_dec`).
    package var hasLyricEncoder: Bool { usesLyrics && lyricLength > 0 && !singleSequence }

    /// Lyric rows before the music in the sequence.
    package var lyricPrefix: Int { singleSequence ? lyricLength : 0 }
}
