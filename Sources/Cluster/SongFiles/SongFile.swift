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

/// What a field must hold. `null` is the same as leaving it out.
private indirect enum SongField {
    case text
    case number
    case whole
    case seed
    /// One of some words.
    case word([String])
    case list(SongField)
    /// One, or a list of them.
    case each(SongField)
    /// A number of segments, or `auto`.
    case segments
    case sample

    static func of(_ name: String) -> SongField? {
        switch SongSpecification.CodingKeys(rawValue: name) {
        case .model, .codes: .text
        case .mode: .word(SongMode.allCases.map(\.rawValue))
        case .seconds, .promptSeconds, .overlap: .number
        case .sampleLength, .stopAt: .whole
        case .samples: .list(.sample)
        case .seed: .seed
        case .temperature, .topP, .hopFraction: .each(.number)
        case .topK: .each(.whole)
        case .prompt: .each(.text)
        case .segments: .segments
        case .fingerprints: .list(.text)
        case nil: ["format", "numeric_profile"].contains(name) ? .text : nil
        }
    }

    private static func ofSample(_ key: SampleSpecification.CodingKeys) -> SongField {
        switch key {
        case .artist, .genre, .lyrics: .text
        case .totalLength, .offset, .artistID, .number: .whole
        case .genreIDs: .list(.whole)
        }
    }

    private var wanted: String {
        switch self {
        case .text: "text"
        case .number: "a number"
        case .whole: "a whole number"
        case .seed: "a whole number from 0 to \(UInt64.max)"
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .list(let element): "a list, each \(element.wanted)"
        case .each(let one): "\(one.wanted), or a list"
        case .segments: "a whole number from 1, or \"auto\""
        case .sample: "an object with a sample's fields"
        }
    }

    /// - Throws: `SongError`.
    func check(_ value: JSONValue, at path: String, _ source: String) throws {
        func refuse(_ why: String) -> SongError { SongError("\(source): the field \(path) must be \(wanted); \(why)") }
        switch (self, value) {
        case (_, .null) where !path.contains("."): return
        case (.text, .string): return
        case (.number, .int), (.number, .unsigned), (.number, .double): return
        case (.whole, _) where value.doubleValue != nil, (.seed, _) where value.doubleValue != nil:
            let isSeed = if case .seed = self { true } else { false }
            if let why = value.reasonAgainst(isSeed) { throw refuse("\(value.numeral) \(why)") }
        case (.word(let words), .string(let word)):
            guard words.contains(word) else { throw refuse("\(word) is none of \(words.joined(separator: ", "))") }
        case (.list(let element), .array(let elements)), (.each(let element), .array(let elements)):
            for (place, value) in elements.enumerated() { try element.check(value, at: "\(path).\(place)", source) }
        case (.each(let one), _) where value.objectValue == nil: try one.check(value, at: path, source)
        case (.segments, .string("auto")): return
        case (.segments, .int(let count)) where count > 0: return
        case (.sample, .object(let members)): try Self.checkSample(members, at: path, source)
        default: throw refuse("it is \(value.told)")
        }
    }

    private static func checkSample(_ members: [String: JSONValue], at path: String, _ source: String) throws {
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let key = SampleSpecification.CodingKeys(rawValue: name) else {
                throw SongError(
                    "\(source): a sample has no field \(name); its fields are "
                        + SampleSpecification.CodingKeys.allCases.map(\.stringValue).joined(separator: ", "))
            }
            if !value.isNull { try ofSample(key).check(value, at: "\(path).\(name)", source) }
        }
    }
}

extension JSONValue {
    /// Why a number is none of those that are wanted; nil when it is.
    fileprivate func reasonAgainst(_ isSeed: Bool) -> String? {
        let number = doubleValue ?? .nan
        if number.rounded() != number { return "has a fraction" }
        if isSeed, number < 0 { return "is below 0" }
        let fits =
            switch self {
            case .int: true
            case .unsigned: isSeed
            default: isSeed ? UInt64(exactly: number) != nil : Int(exactly: number) != nil
            }
        return fits ? nil : "is too large"
    }

    fileprivate var numeral: String {
        switch self {
        case .int(let number): "\(number)"
        case .unsigned(let number): "\(number)"
        case .double(let number): "\(number)"
        default: told
        }
    }

    /// What it is, for people.
    fileprivate var told: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int, .unsigned, .double: "the number \(numeral)"
        case .string(let text): text.count > 40 ? "the text \"\(text.prefix(40))…\"" : "the text \"\(text)\""
        case .array(let elements): elements.isEmpty ? "an empty list" : "a list"
        case .object: "an object"
        }
    }
}
