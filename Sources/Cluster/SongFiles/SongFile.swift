import Checkpoint
package import Foundation
package import JukeboxModel
import SongPlan

/// A song file's fields, each of which was looked at: what is wrong is told in the file's words, not in a decoder's.
package struct SongFile: Sendable {
    /// Where it comes from, for messages.
    package let source: String
    /// Of the audio files, where the file says so, as a finished song's does.
    package let format: String?
    /// What the song was made with, where the file says so.
    package let profile: NumericProfile?
    /// The fields of a request, without those that say what came out of it.
    let request: JSONValue

    /// - Throws: `SongError` naming the field, or line and column.
    package init(_ json: Data, source: String) throws {
        let value: JSONValue
        do {
            value = try JSONValue.read(json, source: source)
        } catch let error as CheckpointError {
            throw SongError("\(source) is not a JSON object with the fields of a song: \(error.problem)")
        }
        guard let members = value.objectValue else {
            throw SongError(
                "\(source) is not a JSON object with the fields of a song, {\"seconds\": 20, …}; it is \(value.told)")
        }
        self.source = source
        let known = SongSpecification.CodingKeys.allCases.map(\.stringValue) + SongOutcome.fields
        if let unknown = members.keys.filter({ !known.contains($0) }).min() {
            throw SongError(
                "\(source): there is no field \(unknown); the fields are "
                    + SongSpecification.CodingKeys.allCases.map(\.stringValue).joined(separator: ", "))
        }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            try SongField.of(name)?.check(value, at: name, source)
        }
        format = members["format"]?.stringValue
        profile = try members["numeric_profile"]?.stringValue.map { try Self.profile($0, source) }
        request = .object(members.filter { !SongOutcome.fields.contains($0.key) && !$0.value.isNull })
    }
}

extension SongFile {
    /// - Throws: `SongError` for numbers that this program does not compute with.
    fileprivate static func profile(_ name: String, _ source: String) throws -> NumericProfile {
        if let profile = NumericProfile(identifier: name) { return profile }
        let known = NumericProfile.allCases.map(\.identifier).joined(separator: ", ")
        throw SongError(
            "\(source): the song was made with numeric_profile \(name), and this program has \(known); without the "
                + "fields numeric_profile and fingerprints it makes another song of the same labels")
    }
}
