/// What a branch does with the song that it comes from.
package enum BranchOperation: String, Sendable, Hashable, Codable, CaseIterable {
    /// Made longer.
    case goOn = "go-on"
    /// As long as it was, with other tokens or labels from some place on.
    case vary
    /// A part of it, with nothing new.
    case cut
    /// Its top level, with the lower ones sampled.
    case upsample
}

/// What a song keeps of another one, its parent.
package struct BranchOrigin: Sendable, Hashable, Codable {
    package var operation: BranchOperation
    /// The parent's id where the branch was made; for people.
    package var song: String?
    /// Of the parent, by their places. One is kept for all samples of the branch, or one for each.
    package var samples: [Int]
    /// The part that is kept, in top-level tokens.
    package var from: Int
    package var to: Int
    /// The lowest level of which tokens are kept.
    package var lowestLevel: Int
    /// What the kept codes must be: by kept sample and level (`z0`, `z1` …), BLAKE2b of 16-bit little-endian codes.
    package var digests: [[String: String]]

    package init(
        operation: BranchOperation, song: String? = nil, samples: [Int], from: Int, to: Int, lowestLevel: Int,
        digests: [[String: String]]
    ) {
        (self.operation, self.song, self.samples) = (operation, song, samples)
        (self.from, self.to, self.lowestLevel) = (from, to, lowestLevel)
        self.digests = digests
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case operation, song, samples, from, to
        case lowestLevel = "lowest_level"
        case digests
    }
}

/// What a user calls a song, and keeps beside it. It changes nothing of the song.
package struct SongNote: Sendable, Hashable, Codable {
    package var name: String
    package var note: String
    package var isStarred: Bool
    package var isHidden: Bool

    /// Bytes.
    package static let (longestName, longestNote) = (200, 4000)

    package init(name: String = "", note: String = "", isStarred: Bool = false, isHidden: Bool = false) {
        (self.name, self.note, self.isStarred, self.isHidden) = (name, note, isStarred, isHidden)
    }

    package enum CodingKeys: String, CodingKey {
        case name, note
        case isStarred = "starred"
        case isHidden = "hidden"
    }
}
