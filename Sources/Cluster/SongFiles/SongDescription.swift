package import Foundation
package import SongPlan
package import Stitching
import SystemErrors

/// `song.json`: what a finished song is, so that it can be made again, and what came out.
package struct SongDescription: Sendable, Hashable, Codable {
    package var specification: SongSpecification
    package var outcome: SongOutcome

    package init(specification: SongSpecification, outcome: SongOutcome) {
        self.specification = specification
        self.outcome = outcome
    }

    /// Both side by side in one object.
    package func encode(to encoder: any Encoder) throws {
        try specification.encode(to: encoder)
        try outcome.encode(to: encoder)
    }

    package init(from decoder: any Decoder) throws {
        specification = try SongSpecification(from: decoder)
        outcome = try SongOutcome(from: decoder)
    }

    /// - Parameter source: where the text comes from, for messages.
    /// - Throws: `SongError` for what is not JSON, an unknown field, or one that holds something else than it must.
    package init(json: Data, source: String) throws {
        specification = try SongSpecification(SongFile(json, source: source))
        do {
            outcome = try JSONDecoder().decode(SongOutcome.self, from: json)
        } catch let error as DecodingError {
            throw SongError("\(source): the field \(error.field ?? "of the song") is damaged: \(error.explanation)")
        }
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// What came out of a request. A field that is nil is not written.
package struct SongOutcome: Sendable, Hashable, Codable {
    /// The release that made it.
    package var orchestrion: String?
    /// Of the audio files: wav, flac or ogg.
    package var format: String?
    /// BLAKE2b of the codes, by `z0`, `z1` …
    package var digests: [String: String]?
    /// SHA-256 of the other files that were written, by their paths in the folder.
    package var files: [String: String]?
    /// How numbers were kept.
    package var numericProfile: String?
    /// What the user was told when the song was accepted.
    package var warnings: [String]?
    /// "8 segments" for a song that was not sampled exactly.
    package var approximate: String?
    /// How the segments of such a song were joined.
    package var joins: [SeamJoin]?
    /// By sample, how well the seams of such a song can be detected.
    package var seamAUC: [Double]?

    package init() {}

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case orchestrion, format, digests, files
        case numericProfile = "numeric_profile"
        case warnings, approximate, joins
        case seamAUC = "seam_auc"
    }

    /// Fields of `song.json` that are not part of a request.
    package static let fields = CodingKeys.allCases.map(\.stringValue)
}

extension DecodingError {
    /// The field of an object in which something is wrong.
    fileprivate var field: String? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.codingPath.first?.stringValue
        @unknown default: nil
        }
    }
}
