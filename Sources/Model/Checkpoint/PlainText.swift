package import Foundation

/// Text from files as people have them: UTF-8, UTF-16 and UTF-32 with or without a byte order mark, and Windows-1252
/// (which holds Latin-1).
package struct PlainText: Sendable, Equatable {
    package enum Encoding: String, Sendable {
        case utf8 = "UTF-8"
        case utf16 = "UTF-16"
        case utf32 = "UTF-32"
        case windows1252 = "Windows-1252"
    }

    package let text: String
    package let encoding: Encoding

    /// - Throws: `NotText`, which says what the bytes are instead.
    package init(_ data: Data) throws(NotText) {
        if let kind = Self.document(data) { throw NotText(description: kind) }
        if let (bytes, encoding, name) = Self.marked(data) {
            guard let text = String(data: bytes, encoding: encoding), !Self.isBinary(text) else {
                throw NotText(description: "begins with the mark of \(name.rawValue), but is no text in it")
            }
            (self.text, self.encoding) = (text, name)
        } else if let text = String(data: data, encoding: .utf8), !Self.isBinary(text) {
            (self.text, self.encoding) = (text, .utf8)
        } else if let text = Self.unmarkedUTF16(data) {
            (self.text, self.encoding) = (text, .utf16)
        } else {
            text = try Self.western(data)
            encoding = .windows1252
        }
    }

    /// Bytes that are no text.
    package struct NotText: Error, CustomStringConvertible {
        /// Goes on after a file's name.
        package let description: String
    }

    /// Formats that text is often saved in by mistake.
    private static func document(_ data: Data) -> String? {
        func begins(_ text: String) -> Bool { data.starts(with: text.utf8) }
        if begins("%PDF") { return "is a PDF: save its text as plain text" }
        if begins("{\\rtf") { return "is an RTF document: save it as plain text" }
        if begins("PK\u{3}\u{4}") { return "is a zip, as documents of word processors are: save it as plain text" }
        if data.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) { return "is a Word document: save it as plain text" }
        let start = data.prefix(1024).withUnsafeBytes { FileKind.isWebPage($0) }
        return start ? "is a web page: save its text as plain text" : nil
    }

    /// What follows a byte order mark, and in which encoding it is.
    private static func marked(_ data: Data) -> (Data, String.Encoding, Encoding)? {
        for (mark, encoding, name) in [
            ([0xEF, 0xBB, 0xBF], .utf8, .utf8), ([0xFF, 0xFE, 0, 0], .utf32LittleEndian, .utf32),
            ([0, 0, 0xFE, 0xFF], .utf32BigEndian, .utf32), ([0xFF, 0xFE], .utf16LittleEndian, .utf16),
            ([0xFE, 0xFF], .utf16BigEndian, .utf16),
        ] as [([UInt8], String.Encoding, Encoding)] where data.starts(with: mark) {
            return (data.dropFirst(mark.count), encoding, name)
        }
        return nil
    }

    /// UTF-16 without its mark, in whichever order makes a text of it.
    private static func unmarkedUTF16(_ data: Data) -> String? {
        guard data.count.isMultiple(of: 2) else { return nil }
        let readings = [String.Encoding.utf16LittleEndian, .utf16BigEndian].compactMap { encoding in
            String(data: data, encoding: encoding).flatMap { isBinary($0) ? nil : $0 }
        }
        // Both may be text of some script; the one with spaces and lines is meant.
        return readings.max { usual($0) < usual($1) }.flatMap { usual($0) > 0 ? $0 : nil }
    }

    private static func usual(_ text: String) -> Int { text.unicodeScalars.count { $0.isASCII } }

    /// Whether there is a character in it that no text has.
    private static func isBinary(_ text: String) -> Bool {
        text.unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .unassigned, .privateUse, .surrogate: true
            case .control: !"\t\n\u{B}\u{C}\r\u{1A}\u{85}".unicodeScalars.contains(scalar)
            default: false
            }
        }
    }

    /// Windows-1252, if it looks like one of the languages that are written in it: letters beyond ASCII are few.
    private static func western(_ data: Data) throws(NotText) -> String {
        guard let text = String(data: data, encoding: .windowsCP1252), !isBinary(text) else {
            throw NotText(description: "is not a text; a text in UTF-8 is expected")
        }
        let letters = data.count { $0 >= 0x80 || Character(Unicode.Scalar($0)).isLetter }
        guard 3 * data.count(where: { $0 >= 0x80 }) <= letters else {
            throw NotText(
                description: "is a text in another encoding than UTF-8, UTF-16 or Windows-1252: save it as UTF-8 (such "
                    + "as with iconv -f WINDOWS-1251 -t UTF-8 for Cyrillic)")
        }
        return text
    }
}
