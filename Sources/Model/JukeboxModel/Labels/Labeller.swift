package import SongPlan

/// From a user's labels to what one level's prior is conditioned on (the original's `Labeller`).
package struct Labeller: Sendable {
    package let prior: PriorHyperparameters
    /// Audio samples of one token.
    package let samplesPerToken: Int
    package let names: NameLists
    private let text: LyricText

    package init(prior: PriorHyperparameters, samplesPerToken: Int, names: NameLists) {
        self.prior = prior
        self.samplesPerToken = samplesPerToken
        self.names = names
        text = LyricText(v3: prior.labelsV3)
    }

    /// Audio samples of a window (the label `sample_length`).
    package var windowSamples: Int { prior.windowLength * samplesPerToken }

    /// - Parameter defaultTotal: the total length when the sample gives none, in audio samples.
    /// - Throws: `LabelError` for ids that the model has no embedding for, or too many genres.
    package func labels(_ sample: SampleSpecification, defaultTotal: Int) throws(LabelError) -> SongLabels {
        var labels = SongLabels(
            totalLength: sample.totalLength ?? defaultTotal, offset: sample.offset ?? 0, artist: 0, genres: [],
            lyrics: [])
        guard prior.labels, let bins = prior.genreAndArtistBins, let slots = prior.genreSlots else { return labels }
        labels.artist = sample.artistID ?? sample.artist.map(names.artist) ?? 0
        labels.genres = sample.genreIDs ?? sample.genre.map(names.genre) ?? [0]
        guard labels.genres.count <= slots else {
            throw LabelError(
                "level \(prior.level) takes at most \(slots) genres; got \(labels.genres.count)"
                    + (sample.genre.map { " in \"\($0)\"" } ?? ""))
        }
        guard (0..<bins[1]).contains(labels.artist) else {
            throw LabelError("artist id \(labels.artist) is not below the \(bins[1]) of level \(prior.level)")
        }
        if let genre = labels.genres.first(where: { !(0..<bins[0]).contains($0) }) {
            throw LabelError("genre id \(genre) is not below the \(bins[0]) of level \(prior.level)")
        }
        if prior.lyricLength > 0 { labels.lyrics = text.tokenise(sample.lyrics ?? "") }
        return labels
    }

    /// The label vector `y` of the window at token `start`:
    /// [total_length, offset, sample_length, artist, genres padded with −1 …, lyric window …].
    package func vector(_ labels: SongLabels, start: Int) -> [Int] {
        guard prior.labels else { return [] }
        let offset = labels.offset + start * samplesPerToken
        let genres = labels.genres + Array(repeating: -1, count: max(0, (prior.genreSlots ?? 0) - labels.genres.count))
        return [labels.totalLength, offset, windowSamples, labels.artist] + genres
            + lyricWindow(labels, start: start).tokens
    }

    /// The lyric tokens of a window, and where in the full lyrics each comes from (−1: padding).
    ///
    /// Fewer tokens than slots are padded with 0 on the left; otherwise the window is centred on the share of
    /// the song that the window's middle has reached (`get_relevant_lyric_tokens`; the original computes this
    /// in float32).
    package func lyricWindow(_ labels: SongLabels, start: Int) -> (tokens: [Int], indices: [Int]) {
        let slots = prior.lyricLength
        guard slots > 0 else { return ([], []) }
        let all = labels.lyrics
        guard all.count >= slots else {
            let padding = slots - all.count
            return (
                Array(repeating: 0, count: padding) + all, Array(repeating: -1, count: padding) + Array(all.indices)
            )
        }
        let offset = Float(labels.offset + start * samplesPerToken)
        let middle = Int(
            Float(all.count) * (offset + Float(windowSamples) / 2) / Float(max(1, labels.totalLength)))
        // The original works for even slots only; an odd one is filled as well.
        let first = min(max(middle - slots / 2, 0), all.count - slots)
        let range = first..<first + slots
        return (Array(all[range]), Array(range))
    }
}
