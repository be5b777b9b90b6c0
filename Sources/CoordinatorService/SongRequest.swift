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
    /// Fields of `song.json` that are not part of a request: what came out of it.
    package static let resultFields = [
        "orchestrion", "format", "digests", "numeric_profile", "warnings", "approximate", "joins", "seam_auc",
    ]

    /// - Throws: `SongError` for what is not JSON, an unknown or missing field, or one of another type.
    package init(json: Data, source: String) throws {
        guard let object = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else {
            throw SongError("\(source) is not a JSON object with the fields of a song")
        }
        let known = CodingKeys.allCases.map(\.stringValue) + Self.resultFields
        if let unknown = object.keys.filter({ !known.contains($0) }).min() {
            throw SongError(
                "\(source): there is no field \(unknown); the fields are "
                    + CodingKeys.allCases.map(\.stringValue).joined(separator: ", "))
        }
        for sample in (object["samples"] as? [[String: Any]]) ?? [] {
            let names = SampleSpecification.CodingKeys.allCases.map(\.stringValue)
            if let unknown = sample.keys.filter({ !names.contains($0) }).min() {
                throw SongError(
                    "\(source): a sample has no field \(unknown); its fields are \(names.joined(separator: ", "))")
            }
        }
        do {
            self = try JSONDecoder().decode(SongSpecification.self, from: json)
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
            // The decoder does not say where: a fraction, a sign or too many digits where a whole number is expected.
            let field =
                object.keys.sorted().first { !Self.decodes(["model": ""].merging([$0: object[$0]!]) { $1 }) }
                ?? "of a number"
            throw SongError(
                "\(source): the field \(field) holds a number that it cannot be: a fraction, below 0, or too large")
        } catch let error as DecodingError {
            throw SongError("\(source): \(Self.describe(error))")
        }
    }

    private static func decodes(_ object: [String: Any]) -> Bool {
        guard let json = try? JSONSerialization.data(withJSONObject: object) else { return false }
        return (try? JSONDecoder().decode(SongSpecification.self, from: json)) != nil
    }

    private static func describe(_ error: DecodingError) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, _): return "the field \(key.stringValue) is missing"
        case .typeMismatch(let type, let context): return "the field \(path(context.codingPath)) is not a \(type)"
        case .valueNotFound(_, let context): return "the field \(path(context.codingPath)) has no value"
        case .dataCorrupted(let context):
            return "the field \(path(context.codingPath)) cannot be used: \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
