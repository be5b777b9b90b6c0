/// How two segments of a level were joined at a cut: with the codes, all that decoding again needs.
package struct SeamJoin: Sendable, Hashable, Codable {
    package var level: Int
    package var sample: Int
    /// The cut between segments `seam` and `seam + 1`.
    package var seam: Int
    /// Where the right segment's tokens begin in the codes.
    package var token: Int
    /// The middle of the crossfade, in audio samples from the song's start.
    package var position: Int
    /// Audio samples of the crossfade; 0 where one segment's audio simply follows the other's.
    package var fade: Int
    /// Audio samples by which the right segment is played early: the lag at which both agree best.
    package var shift: Int
    /// Of both renditions in the crossfade, 0 to 1: its gains keep the loudness of what is so alike.
    package var correlation: Double
    /// Tokens of the right segment before `token`, and of the left one from it on, that are kept beside the codes.
    package var margin: Int

    /// Gains of the left and right rendition; equal power for what has nothing in common, equal sum for the same.
    ///
    /// - Parameter share: of the crossfade that is over, 0 to 1.
    func gains(_ share: Double) -> (left: Float, right: Float) {
        let (sine, cosine) = (Trigonometry.sine(share), Trigonometry.cosine(share))
        let scale = 1 / (1 + correlation * 2 * sine * cosine).squareRoot()
        return (Float(cosine * scale), Float(sine * scale))
    }
}
