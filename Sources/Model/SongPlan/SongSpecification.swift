/// How a song starts.
package enum SongMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// From nothing.
    case ancestral
    /// From a recording, which is continued.
    case primed
    /// From saved top-level codes or a recording's, the lower levels sampled anew.
    case upsample
    /// From saved codes of any levels, made longer or completed.
    case `continue`
}

/// The labels that a user gives one sample: by name, or by the ids of the model's own lists.
package struct SampleSpecification: Sendable, Hashable, Codable {
    package var artist: String?
    package var genre: String?
    package var lyrics: String?
    /// Audio samples of the whole song that this is a part of; by default the sampled length.
    package var totalLength: Int?
    /// Audio samples before the start; by default 0.
    package var offset: Int?
    package var artistID: Int?
    package var genreIDs: [Int]?
    /// The sample as the random numbers count it; by default its place in the song. So a sample that is taken out of
    /// a song has the tokens that it would have had there.
    package var number: Int?

    package init(
        artist: String? = nil, genre: String? = nil, lyrics: String? = nil, totalLength: Int? = nil,
        offset: Int? = nil, artistID: Int? = nil, genreIDs: [Int]? = nil,
        number: Int? = nil
    ) {
        self.artist = artist
        self.genre = genre
        self.lyrics = lyrics
        self.totalLength = totalLength
        self.offset = offset
        self.artistID = artistID
        self.genreIDs = genreIDs
        self.number = number
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case artist, genre, lyrics
        case totalLength = "total_length"
        case offset
        case artistID = "artist_id"
        case genreIDs = "genre_ids"
        case number
    }
}

/// One request: everything besides the model's weights that the song is a function of.
/// The JSON form is what `--song` reads and what `song.json` of an output folder holds.
package struct SongSpecification: Sendable, Hashable, Codable {
    /// The model of a song that names none: the one that ships with the program.
    package static let usualModel = "music-box"

    /// A model's folder or name.
    package var model: String
    package var mode: SongMode
    /// Length, as seconds (rounded down to whole top-level tokens) or as audio samples (exact).
    package var seconds: Double?
    package var sampleLength: Int?
    /// One entry for each sample.
    package var samples: [SampleSpecification]
    package var seed: UInt64
    /// One value, or one for each level (level 0 first). The same for the next three.
    package var temperature: PerLevel<Double>
    package var topK: PerLevel<Int>
    package var topP: PerLevel<Double>
    package var hopFraction: PerLevel<Double>?
    /// Recordings, one for each sample, repeated when there are fewer (`primed`, `upsample`).
    package var prompt: [String]?
    /// Seconds of the recording that are kept (`primed`); by default all of it that fits.
    package var promptSeconds: Double?
    /// A file of codes (`upsample`, `continue`).
    package var codes: String?
    /// The lowest level that is sampled.
    package var stopAt: Int
    /// Segments of each level below the top, sampled in parallel: approximate. nil is exact mode.
    package var segments: SegmentChoice?
    /// Seconds for which two segments both sample the same music around their cut; 0 is a hard cut.
    package var overlap: Double?
    /// By level, what the model's fingerprints must be; written by the program, so that a song is not made again
    /// with another model by mistake.
    package var fingerprints: [String]?
    /// SHA-256 of the recordings and codes that the song names; written by the program, so that it is not made again
    /// from another file by mistake.
    package var sources: [String: String]?
    /// Of a branch: what it keeps of the last of `ancestry`.
    package var parent: BranchOrigin?
    /// Of a branch: the songs that it comes from, each a branch of the one before. None of them has an ancestry.
    package var ancestry: [SongSpecification]?
    /// Every three samples are also written as one sound in stereo: left, middle, right.
    package var stereo: Bool?

    package init(
        model: String, mode: SongMode = .ancestral, seconds: Double? = nil, sampleLength: Int? = nil,
        samples: [SampleSpecification] = [SampleSpecification()], seed: UInt64 = 0,
        temperature: PerLevel<Double> = .all(0.99), topK: PerLevel<Int> = .all(0),
        topP: PerLevel<Double> = .all(0), hopFraction: PerLevel<Double>? = nil, prompt: [String]? = nil,
        promptSeconds: Double? = nil, codes: String? = nil, stopAt: Int = 0, segments: SegmentChoice? = nil,
        overlap: Double? = nil
    ) {
        self.model = model
        self.mode = mode
        self.seconds = seconds
        self.sampleLength = sampleLength
        self.samples = samples
        self.seed = seed
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.hopFraction = hopFraction
        self.prompt = prompt
        self.promptSeconds = promptSeconds
        self.codes = codes
        self.stopAt = stopAt
        self.segments = segments
        self.overlap = overlap
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case model, mode, seconds
        case sampleLength = "sample_length"
        case samples, seed, temperature
        case topK = "top_k"
        case topP = "top_p"
        case hopFraction = "hop_fraction"
        case prompt
        case promptSeconds = "prompt_seconds"
        case codes
        case stopAt = "stop_at"
        case segments, overlap
        case fingerprints, sources, parent, ancestry, stereo
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        model = try values.decodeIfPresent(String.self, forKey: .model) ?? Self.usualModel
        let mode = try values.decodeIfPresent(String.self, forKey: .mode) ?? SongMode.ancestral.rawValue
        guard let known = SongMode(rawValue: mode) else {
            throw DecodingError.dataCorruptedError(
                forKey: .mode, in: values,
                debugDescription: "\(mode) is none of " + SongMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.mode = known
        seconds = try values.decodeIfPresent(Double.self, forKey: .seconds)
        sampleLength = try values.decodeIfPresent(Int.self, forKey: .sampleLength)
        samples = try values.decodeIfPresent([SampleSpecification].self, forKey: .samples) ?? [SampleSpecification()]
        seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 0
        temperature = try values.decodeIfPresent(PerLevel<Double>.self, forKey: .temperature) ?? .all(0.99)
        topK = try values.decodeIfPresent(PerLevel<Int>.self, forKey: .topK) ?? .all(0)
        topP = try values.decodeIfPresent(PerLevel<Double>.self, forKey: .topP) ?? .all(0)
        hopFraction = try values.decodeIfPresent(PerLevel<Double>.self, forKey: .hopFraction)
        if let list = try? values.decodeIfPresent([String].self, forKey: .prompt) {
            prompt = list
        } else {
            prompt = try values.decodeIfPresent(String.self, forKey: .prompt).map { [$0] }
        }
        promptSeconds = try values.decodeIfPresent(Double.self, forKey: .promptSeconds)
        codes = try values.decodeIfPresent(String.self, forKey: .codes)
        stopAt = try values.decodeIfPresent(Int.self, forKey: .stopAt) ?? 0
        segments = try values.decodeIfPresent(SegmentChoice.self, forKey: .segments)
        overlap = try values.decodeIfPresent(Double.self, forKey: .overlap)
        fingerprints = try values.decodeIfPresent([String].self, forKey: .fingerprints)
        sources = try values.decodeIfPresent([String: String].self, forKey: .sources)
        parent = try values.decodeIfPresent(BranchOrigin.self, forKey: .parent)
        ancestry = try values.decodeIfPresent([SongSpecification].self, forKey: .ancestry)
        stereo = try values.decodeIfPresent(Bool.self, forKey: .stereo)
    }
}

/// A setting that is the same for all levels or given for each, level 0 first.
package enum PerLevel<Value: Codable & Sendable & Hashable>: Sendable, Hashable, Codable {
    case all(Value)
    case each([Value])

    package init(from decoder: any Decoder) throws {
        if let list = try? [Value](from: decoder) {
            self = .each(list)
        } else {
            self = .all(try Value(from: decoder))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .all(let value): try value.encode(to: encoder)
        case .each(let values): try values.encode(to: encoder)
        }
    }

    /// One value for each of `levels` levels.
    ///
    /// - Throws: `GeometryError` when the list has another length.
    package func values(levels: Int, name: String) throws(GeometryError) -> [Value] {
        switch self {
        case .all(let value): return Array(repeating: value, count: levels)
        case .each(let values):
            guard values.count == levels else {
                throw GeometryError(
                    "\(name) has \(values.count) values; give one, or one for each of the \(levels) levels "
                        + "(level 0 first)")
            }
            return values
        }
    }
}
