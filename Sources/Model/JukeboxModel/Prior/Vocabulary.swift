/// What a transformer's tokens stand for: codes, and where lyrics and music share a vocabulary (`single_enc_dec`) lyric
/// characters before them.
package struct Vocabulary: Sendable, Hashable {
    package let codes: Int
    /// Lyric characters, which come first; 0 where music is alone.
    package let lyrics: Int

    package init(codes: Int, lyrics: Int) {
        self.codes = codes
        self.lyrics = lyrics
    }

    /// The transformer's token for a sampled value. See `LevelGeometry.vocabulary`: codes first, then lyric tokens.
    func token(of sampled: UInt16) -> Int32 {
        Int(sampled) < codes ? Int32(sampled) + Int32(lyrics) : Int32(sampled) - Int32(codes)
    }

    /// The sampled value of an index into the logits.
    package func sampledValue(_ index: Int) -> UInt16 {
        UInt16(index < lyrics ? codes + index : index - lyrics)
    }
}
