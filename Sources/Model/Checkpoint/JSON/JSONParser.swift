/// A strict JSON parser for files from strangers.
///
/// Foundation's decoders silently keep one of two members with the same name, and a safetensors header with
/// a name twice must be refused; this one refuses, and says at which byte anything is wrong.
struct JSONParser {
    private let path: String
    private let bytes: UnsafeRawBufferPointer
    /// Where `bytes` starts in the file, for messages.
    private let origin: Int
    /// Whether messages tell line and column, as people look for in a text, or the byte.
    private let countsLines: Bool
    private var position = 0

    /// Deeper nesting than any configuration has; bounds the recursion.
    private static let depthLimit = 64

    static func parse(
        _ bytes: UnsafeRawBufferPointer, path: String, origin: Int = 0, countsLines: Bool = false
    ) throws -> JSONValue {
        var parser = JSONParser(path: path, bytes: bytes, origin: origin, countsLines: countsLines)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else {
            throw parser.expected("nothing more after the JSON value")
        }
        return value
    }

    private init(path: String, bytes: UnsafeRawBufferPointer, origin: Int, countsLines: Bool) {
        self.path = path
        self.bytes = bytes
        self.origin = origin
        self.countsLines = countsLines
    }

    private func wrong(_ problem: String) -> CheckpointError {
        CheckpointError(.malformed, path, "JSON at \(place): \(problem)")
    }

    private var place: String {
        guard countsLines else { return "byte \(origin + position)" }
        let before = bytes[..<position]
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        // A column is a character; bytes that continue one do not count.
        let column = bytes[start..<position].count { $0 & 0xC0 != 0x80 } + 1
        return "line \(before.count { $0 == 0x0A } + 1), column \(column)"
    }

    /// What stands here instead of what is expected, when it is a usual mistake.
    private func expected(_ what: String) -> CheckpointError {
        let rest = bytes[min(position, bytes.count)...]
        let mistakes: [(String, String)] = [
            ("//", "JSON has no comments; remove it"), ("/*", "JSON has no comments; remove it"),
            ("#", "JSON has no comments; remove it"), ("'", "text stands between \"double\" quotes"),
            ("\u{201C}", "text stands between straight quotes, \""),
            ("\u{201D}", "text stands between straight quotes, \""),
            ("True", "it is written true"), ("False", "it is written false"), ("None", "it is written null"),
            ("NaN", "NaN is no number of JSON"), ("nan", "NaN is no number of JSON"),
            ("Infinity", "Infinity is no number of JSON"), ("-Infinity", "Infinity is no number of JSON"),
            ("+", "a number has no + before it"), (".", "a number needs a digit before the point"),
        ]
        let hint = mistakes.first { rest.starts(with: $0.0.utf8) }?.1
        return wrong("expected \(what)" + (hint.map { ": \($0)" } ?? ""))
    }

    /// After a comma, where something must follow.
    private mutating func refuseEnd(_ bracket: UInt8) throws {
        skipSpace()
        guard next == bracket else { return }
        let end = Character(Unicode.Scalar(bracket))
        throw wrong("a comma stands before the closing \(end); remove it")
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.depthLimit else { throw wrong("nested deeper than \(Self.depthLimit)") }
        skipSpace()
        guard let byte = next else { throw wrong("ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
        for offset in 0..<text.utf8CodeUnitCount {
            guard next == text.utf8Start[offset] else { throw expected("\(text)") }
            position += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        position += 1
        var members: [String: JSONValue] = [:]
        if accept(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            if !members.isEmpty { try refuseEnd(UInt8(ascii: "}")) }
            guard next == UInt8(ascii: "\"") else { throw expected("a name in quotes") }
            let name = try string()
            guard accept(UInt8(ascii: ":")) else { throw expected("':' after \"\(name)\"") }
            guard members.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
                throw wrong("the name \"\(name)\" occurs twice")
            }
        } while accept(UInt8(ascii: ","))
        guard accept(UInt8(ascii: "}")) else { throw expected("',' or '}'") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        if accept(UInt8(ascii: "]")) { return .array(elements) }
        repeat {
            if !elements.isEmpty { try refuseEnd(UInt8(ascii: "]")) }
            elements.append(try value(depth: depth + 1))
        } while accept(UInt8(ascii: ","))
        guard accept(UInt8(ascii: "]")) else { throw expected("',' or ']'") }
        return .array(elements)
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let digitsStart = position
        skipDigits()
        let digits = position - digitsStart
        guard digits > 0 else {
            position = start
            throw expected("a value")
        }
        guard digits == 1 || bytes[digitsStart] != UInt8(ascii: "0") else {
            position = start
            throw wrong("a number has no 0 before its other digits")
        }
        var isWhole = true
        if next == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            guard skipDigits() > 0 else { throw wrong("expected digits after '.'") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() > 0 else { throw wrong("expected digits of an exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let number = Int(text) { return .int(number) }
        if isWhole, let number = UInt64(text) { return .unsigned(number) }
        guard let number = Double(text), number.isFinite else {
            throw wrong("the number \(text) is too large")
        }
        return .double(number)
    }

    @discardableResult
    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func string() throws -> String {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            position += 1
        }
        var units = [UInt8](bytes[start..<position])
        while true {
            guard let byte = next else { throw wrong("ends inside a string") }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            guard byte >= 0x20 else { throw wrong("a control character inside a string") }
            if byte == UInt8(ascii: "\\") {
                units.append(contentsOf: Array(String(try escape()).utf8))
            } else {
                units.append(byte)
            }
        }
        guard let text = String(validating: units, as: UTF8.self) else {
            throw wrong("a string is not valid UTF-8")
        }
        return text
    }

    private mutating func escape() throws -> Unicode.Scalar {
        guard let byte = next else { throw wrong("ends inside a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw wrong("unknown escape in a string")
        }
    }

    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        let first = try hexUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // A character above U+FFFF is written as two escapes, a surrogate pair.
        guard first < 0xDC00, next == UInt8(ascii: "\\") else { throw wrong("half of a surrogate pair") }
        position += 1
        guard next == UInt8(ascii: "u") else { throw wrong("half of a surrogate pair") }
        position += 1
        let second = try hexUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw wrong("half of a surrogate pair") }
        return scalar
    }

    private mutating func hexUnit() throws -> UInt32 {
        guard bytes.count - position >= 4,
            bytes[position..<(position + 4)].allSatisfy({
                Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80
            }),
            let unit = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
        else { throw wrong("expected four hexadecimal digits") }
        position += 4
        return unit
    }
}
