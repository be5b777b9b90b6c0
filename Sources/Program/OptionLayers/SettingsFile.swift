package import Foundation
import TOMLKit

/// A file of settings: TOML, `option = value` a line, with the names of the command's options.
package enum SettingsFile {
    /// Bytes. One that is larger is none.
    private static let most = 1 << 20

    /// - Parameter path: for messages.
    /// - Throws: `SettingError` for what is no TOML, unknown options, and values that an option cannot have.
    package static func layer(_ content: Data, path: String, of table: OptionTable) throws -> OptionLayer {
        let document = try document(content, path: path)
        var layer = OptionLayer()
        // Values are inside of the document's memory.
        try withExtendedLifetime(document) {
            for name in document.keys.sorted() {
                guard let option = table[name], name != OptionTable.fileOption else {
                    throw SettingError(unknown(name, path, document, table))
                }
                guard let value = document[name] else { continue }
                try layer.set(option, written(value), .file(path))
            }
        }
        return layer
    }

    /// - Throws: `SettingError` for what is no TOML.
    static func document(_ content: Data, path: String) throws -> TOMLTable {
        guard content.count <= most else { throw SettingError("\(path) is larger than 1 MiB, too large for settings") }
        guard let text = String(data: content, encoding: .utf8), !text.unicodeScalars.contains("\0") else {
            throw SettingError("\(path) is no text in UTF-8")
        }
        // The library ends texts there.
        guard !text.contains("\\u0000"), !text.contains("\\U00000000") else {
            throw SettingError("\(path) has a zero byte in a value, and no option can have one")
        }
        do { return try TOMLTable(string: text) } catch let error as TOMLParseError {
            throw SettingError(
                "\(path), line \(error.source.begin.line): \(error.description); a line is option = value, with words in "
                    + "quotes")
        }
    }

    private static func unknown(_ name: String, _ path: String, _ document: TOMLTable, _ table: OptionTable) -> String {
        if name == OptionTable.fileOption {
            return "\(path): \(name) names the file of settings, and is not in one; remove it"
        }
        if document[name]?.type == .table {
            return
                "\(path): [\(name)] is a section, and there are none: the file is \(table.command)'s alone, so write its "
                + "options without one"
        }
        return "\(path): \(table.command) has no option \(name)" + table.hint(for: name)
    }

    private static func written(_ value: any TOMLValueConvertible) -> WrittenValue {
        switch value.type {
        case .string: .text(value.string ?? "")
        case .int: .text(value.int.map(String.init) ?? "")
        case .double: .text(value.double.map { "\($0)" } ?? "")
        case .bool: .flag(value.bool ?? false)
        case .array: .list((value.array.map(Array.init) ?? []).map(written))
        case .table, .date, .time, .dateTime: .other(value.type.description)
        }
    }

    /// The list that a text in TOML's form is; nil when it is none.
    static func list(_ text: String) -> WrittenValue? {
        guard text.hasPrefix("["), !text.unicodeScalars.contains("\0"),
            let document = try? TOMLTable(string: "list = \(text)"), document.keys == ["list"],
            let value = document["list"], value.type == .array
        else { return nil }
        return withExtendedLifetime(document) { written(value) }
    }
}
