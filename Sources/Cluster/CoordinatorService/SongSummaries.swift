import CoordinatorCore
import Foundation
import SongPlan

/// What people know a song by, from its request; read once for each song that is shown.
struct SongSummaries {
    struct Labels: Hashable {
        var artist: String
        var genre: String
    }

    private var known: [SongID: [Labels]] = [:]
    /// Of one song.
    private static let most = 8
    /// Characters of a name.
    private static let longest = 200

    /// Of the song's first samples.
    mutating func labels(of submission: Submission) -> [Labels] {
        if let labels = known[submission.song] { return labels }
        let request = try? JSONDecoder().decode(Request.self, from: Data(submission.specification.utf8))
        let labels = (request?.specification.samples ?? []).prefix(Self.most).map {
            Labels(
                artist: String(($0.artist ?? "").prefix(Self.longest)),
                genre: String(($0.genre ?? "").prefix(Self.longest)))
        }
        known[submission.song] = labels
        return labels
    }

    mutating func forget(_ song: SongID) { known[song] = nil }

    /// The part of a request that is read.
    private struct Request: Decodable {
        struct Specification: Decodable { var samples: [SampleSpecification]? }
        var specification: Specification
    }
}
