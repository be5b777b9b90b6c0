import Checkpoint
import SongPlan

/// What a field must hold. `null` is the same as leaving it out.
indirect enum SongField {
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
    case flag
    /// Texts by name.
    case texts
    case parent
    /// The fields of a request, without an ancestry of its own.
    case ancestor

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
        case .sources: .texts
        case .parent: .parent
        case .ancestry: .list(.ancestor)
        case .stereo: .flag
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
        case .flag: "true or false"
        case .texts: "an object of texts"
        case .parent: "an object with the fields of a branch's parent"
        case .ancestor: "an object with a song's fields"
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
        case (.flag, .bool): return
        case (.texts, .object(let members)):
            for (name, value) in members { try SongField.text.check(value, at: "\(path).\(name)", source) }
        case (.parent, .object(let members)): try Self.checkParent(members, at: path, source)
        case (.ancestor, .object(let members)): try Self.checkAncestor(members, at: path, source)
        default: throw refuse("it is \(value.told)")
        }
    }

    private static func checkAncestor(_ members: [String: JSONValue], at path: String, _ source: String) throws {
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let key = SongSpecification.CodingKeys(rawValue: name), key != .ancestry else {
                throw SongError("\(source): a song in an ancestry has no field \(name)")
            }
            if !value.isNull { try of(name)?.check(value, at: "\(path).\(name)", source) }
        }
    }

    private static func checkParent(_ members: [String: JSONValue], at path: String, _ source: String) throws {
        func field(_ key: BranchOrigin.CodingKeys) -> SongField {
            switch key {
            case .operation: .word(BranchOperation.allCases.map(\.rawValue))
            case .song: .text
            case .samples: .list(.whole)
            case .from, .to, .lowestLevel: .whole
            case .digests: .list(.texts)
            }
        }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let key = BranchOrigin.CodingKeys(rawValue: name) else {
                throw SongError("\(source): \(path) has no field \(name)")
            }
            if !value.isNull { try field(key).check(value, at: "\(path).\(name)", source) }
        }
        for key in BranchOrigin.CodingKeys.allCases where key != .song && members[key.stringValue]?.isNull ?? true {
            throw SongError("\(source): \(path) lacks the field \(key.stringValue)")
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
    var told: String {
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
