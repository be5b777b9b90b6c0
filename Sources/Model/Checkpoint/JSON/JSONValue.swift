package import Foundation

/// Any JSON value. Whole numbers that fit stay exact.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    /// A whole number above those of `Int`.
    case unsigned(UInt64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Equatable {
    /// Numbers are equal by value: 600 equals 600.0.
    package static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.int(let x), .int(let y)): x == y
        case (.unsigned(let x), .unsigned(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)): x == y
        case (.double, .double), (.double, .int), (.int, .double): a.doubleValue == b.doubleValue
        default: false
        }
    }
}

extension JSONValue {
    /// A member of an object; nil if this is no object or has no such member.
    package subscript(key: String) -> JSONValue? { objectValue?[key] }

    package var objectValue: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var boolValue: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The number if it is whole and fits; 3.0 counts as 3.
    package var intValue: Int? {
        switch self {
        case .int(let number): number
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    package var doubleValue: Double? {
        switch self {
        case .int(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    package var isNull: Bool { self == .null }
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .int(number)
        } else if let number = try? container.decode(UInt64.self) {
            self = .unsigned(number)
        } else if let number = try? container.decode(Double.self) {
            self = .double(number)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let elements = try? container.decode([JSONValue].self) {
            self = .array(elements)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .int(let number): try container.encode(number)
        case .unsigned(let number): try container.encode(number)
        case .double(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        case .array(let elements): try container.encode(elements)
        case .object(let members): try container.encode(members)
        }
    }
}

extension JSONValue {
    /// Parses a file's whole content. A name that occurs twice in one object is an error.
    package static func read(path: String) throws -> JSONValue {
        let file = try MappedFile(path: path)
        return try withExtendedLifetime(file) {
            if let kind = FileKind.known(file.bytes) { throw CheckpointError(.unsupported, path, kind) }
            // A byte order mark, or the zeros of a text in UTF-16.
            guard let first = file.bytes.first, first >= 0x80 || first == 0 || file.bytes.dropFirst().first == 0 else {
                return try JSONParser.parse(file.bytes, path: path, countsLines: true)
            }
            return try read(Data(file.bytes), source: path)
        }
    }

    /// Parses a text in any encoding.
    ///
    /// - Parameter source: where it comes from, for messages.
    package static func read(_ data: Data, source: String) throws -> JSONValue {
        do {
            return try Array(PlainText(data).text.utf8).withUnsafeBytes {
                try JSONParser.parse($0, path: source, countsLines: true)
            }
        } catch let error as PlainText.NotText {
            throw CheckpointError(.malformed, source, "\(error)")
        }
    }
}
