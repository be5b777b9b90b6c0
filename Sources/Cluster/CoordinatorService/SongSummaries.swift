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

    /// Of the song's first samples.
    mutating func labels(of submission: Submission) -> [Labels] {
        if let labels = known[submission.song] { return labels }
        let request = try? JSONDecoder().decode(Request.self, from: Data(submission.specification.utf8))
        let labels = (request?.specification.samples ?? []).prefix(Self.most).map {
            Labels(artist: $0.artist ?? "", genre: $0.genre ?? "")
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
