/// The labels of one sample as one level's prior sees them: ids and lyric tokens of the whole song.
/// A window's own label vector (the original's `y`) follows from this and the window's start.
package struct SongLabels: Sendable, Hashable, Codable {
    /// Audio samples of the song that the sample is said to be a part of.
    package var totalLength: Int
    /// Audio samples before the sample's start.
    package var offset: Int
    package var artist: Int
    /// Ids of genres, at most the model's `max_bow_genre_size`.
    package var genres: [Int]
    /// The lyrics of the whole song (`full_tokens`); empty for a prior without lyrics.
    package var lyrics: [Int]

    package init(totalLength: Int, offset: Int, artist: Int, genres: [Int], lyrics: [Int]) {
        self.totalLength = totalLength
        self.offset = offset
        self.artist = artist
        self.genres = genres
        self.lyrics = lyrics
    }
}

/// How a token is drawn from the logits of one level.
package struct Filter: Sendable, Hashable, Codable {
    /// Logits are divided by this.
    package var temperature: Float
    /// Keep the k most likely codes; 0 keeps all.
    package var topK: Int
    /// Keep the most likely codes up to this probability (nucleus); 0 keeps all.
    package var topP: Float

    package init(temperature: Float, topK: Int = 0, topP: Float = 0) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
    }
}
