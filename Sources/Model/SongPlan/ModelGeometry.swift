/// What planning needs to know of one level of a model.
package struct LevelGeometry: Sendable, Hashable, Codable {
    /// Audio samples that one token stands for (the original's `raw_to_tokens`: 8, 32, 128).
    package var samplesPerToken: Int
    /// Music tokens in a window (`n_ctx`).
    package var windowLength: Int
    /// Codes in the codebook (`l_bins`).
    package var codes: Int
    /// Values that sampling can give: the codes, and where lyrics and music share one vocabulary
    /// (`single_enc_dec`) the lyric tokens after them. Those count as code 0 once a window is done, but the
    /// rest of their own window is sampled from them as they are.
    package var vocabulary: Int
    /// Tokens of this level for each token of the level above (`cond_downsample`); nil at the top.
    package var tokensPerUpperToken: Int?

    package init(
        samplesPerToken: Int, windowLength: Int, codes: Int, vocabulary: Int? = nil, tokensPerUpperToken: Int?
    ) {
        self.samplesPerToken = samplesPerToken
        self.windowLength = windowLength
        self.codes = codes
        self.vocabulary = vocabulary ?? codes
        self.tokensPerUpperToken = tokensPerUpperToken
    }

    /// The code that a sampled value stands for outside its own window.
    package func code(of sampled: UInt16) -> UInt16 { Int(sampled) < codes ? sampled : 0 }

    /// The same of many: as they are where every sampled value is a code.
    package func codes(of sampled: ArraySlice<UInt16>) -> [UInt16] {
        vocabulary == codes ? Array(sampled) : sampled.map(code(of:))
    }
}

/// The timing labels that a top-level prior can express, in audio samples (`t_ranges`).
package struct TimingRange: Sendable, Hashable, Codable {
    /// Least total length of a song, inclusive.
    package var minimumTotal: Int
    /// Total lengths are below this, and no window may end after it.
    package var maximumTotal: Int

    package init(minimumTotal: Int, maximumTotal: Int) {
        self.minimumTotal = minimumTotal
        self.maximumTotal = maximumTotal
    }
}

/// What planning needs to know of a model: level 0 is the bottom (finest), the last one the top.
package struct ModelGeometry: Sendable, Hashable, Codable {
    /// Audio samples a second.
    package var sampleRate: Int
    package var levels: [LevelGeometry]
    /// nil when the model has no timing labels.
    package var timing: TimingRange?

    package init(sampleRate: Int, levels: [LevelGeometry], timing: TimingRange?) {
        self.sampleRate = sampleRate
        self.levels = levels
        self.timing = timing
    }

    /// The number of the top level.
    package var top: Int { levels.count - 1 }

    /// Lengths of songs are multiples of this many audio samples, so that every level has whole tokens.
    package var lengthUnit: Int { levels[top].samplesPerToken }
}
