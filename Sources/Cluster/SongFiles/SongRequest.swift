package import Foundation
package import SongPlan

/// What a client asked for, as the journal keeps it.
package struct SongRequest: Sendable, Hashable, Codable {
    package var specification: SongSpecification
    /// Of the audio files: wav, flac or ogg.
    package var format: String
    /// What the user was told when the song was accepted; `song.json` says it again. nil where there was nothing.
    package var warnings: [String]?

    package init(specification: SongSpecification, format: String) {
        self.specification = specification
        self.format = format
    }

    /// As text; the same request gives the same text.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// - Throws: `SongError` naming the field.
    package init(json: Data, format: String) throws {
        self.init(specification: try SongSpecification(json: json, source: "the request"), format: format)
    }
}

extension SongSpecification {
    /// - Parameter source: where the text comes from, for messages.
    /// - Throws: `SongError` for what is not JSON, an unknown field, or one that holds something else than it must.
    package init(json: Data, source: String) throws {
        try self.init(SongFile(json, source: source))
    }

    /// What a song file asks for.
    package init(_ file: SongFile) throws {
        do {
            self = try JSONDecoder().decode(SongSpecification.self, from: JSONEncoder().encode(file.request))
        } catch let error as DecodingError {
            // All that is known to go wrong was told by the file.
            throw SongError("\(file.source): \(error)")
        }
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
