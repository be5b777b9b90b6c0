import JukeboxModel
import SongPlan
import WorkerCore

/// What one level's model can compute, to check assignments against before they reach it: they come from outside,
/// and the model itself checks no index.
struct AssignmentCheck: Sendable {
    /// Lyric rows before the music.
    let prefix: Int
    private let windowLength: Int
    private let codes: Int
    /// Values of the level's tokens.
    private let vocabulary: Int
    /// Tokens for each token of the level above, and that level's codes; nil at the top.
    private let upper: Int?
    private let prior: PriorHyperparameters
    /// What songs may ask for; beyond it logits overflow.
    private static let temperatures: ClosedRange<Float> = 1e-4...1e4

    init(prior: PriorHyperparameters, geometry: LevelGeometry) {
        self.prior = prior
        prefix = prior.lyricPrefix
        windowLength = geometry.windowLength
        codes = geometry.codes
        vocabulary = geometry.vocabulary
        upper = geometry.tokensPerUpperToken
    }

    /// The prime of a window whose tokens are the end of those of the window before: its codes, as everywhere outside its
    /// own window.
    func prime(_ sampled: ArraySlice<UInt16>) -> [UInt16] { sampled.map { Int($0) < codes ? $0 : 0 } }

    /// Why the assignment cannot be computed; nil if it can.
    func fault(_ assignment: WindowAssignment) -> String? {
        let length = assignment.end - assignment.start
        guard (1...windowLength).contains(length) else {
            return "a window from \(assignment.start) to \(assignment.end) is not one of 1 to \(windowLength) tokens"
        }
        if assignment.isAhead {
            guard !assignment.tokens.isEmpty, assignment.tokens.count <= assignment.prime, assignment.prime < length
            else {
                return "\(assignment.tokens.count) tokens are no part of a prime of \(assignment.prime) in a window of "
                    + "\(length)"
            }
        } else if assignment.prime > assignment.tokens.count || assignment.tokens.count >= length {
            return "\(assignment.tokens.count) tokens, \(assignment.prime) of them the prime, leave nothing to sample "
                + "in a window of \(length)"
        }
        if let token = assignment.tokens.first(where: { $0 >= vocabulary }) {
            return "the token \(token) is not below the \(vocabulary) of the level"
        }
        let filter = assignment.filter
        guard (Self.temperatures).contains(filter.temperature), (0...1).contains(filter.topP) else {
            return "temperature \(filter.temperature) with top_p \(filter.topP) cannot be sampled with"
        }
        return faultAbove(assignment, length: length) ?? (prior.labels ? fault(assignment.labels) : nil)
    }

    private func faultAbove(_ assignment: WindowAssignment, length: Int) -> String? {
        guard let upper else {
            return assignment.above.isEmpty ? nil : "there is no level above this one to be conditioned on"
        }
        let wanted = (length + upper - 1) / upper
        guard assignment.start.isMultiple(of: upper), assignment.above.count == wanted else {
            return
                "a window of \(length) tokens from \(assignment.start) on needs \(wanted) tokens of the level above, "
                + "\(upper) for each; got \(assignment.above.count)"
        }
        return assignment.above.first { $0 >= codes }.map {
            "the token \($0) of the level above is not below its \(codes) codes"
        }
    }

    private func fault(_ labels: SongLabels) -> String? {
        guard labels.totalLength > 0 else { return "the labels are missing, or have no total length" }
        let bins = prior.genreAndArtistBins ?? [0, 0]
        guard labels.artist < bins[1] else {
            return "the artist id \(labels.artist) is not below the model's \(bins[1])"
        }
        guard labels.genres.count <= prior.genreSlots ?? 0, labels.genres.allSatisfy({ $0 < bins[0] }) else {
            return
                "the genre ids \(labels.genres) are not at most \(prior.genreSlots ?? 0) below the model's \(bins[0])"
        }
        guard prior.lyricLength > 0 else { return nil }
        return labels.lyrics.first { $0 >= prior.lyricVocabulary }.map {
            "the lyric token \($0) is not below the model's \(prior.lyricVocabulary)"
        }
    }
}
