package import Foundation
import TOMLKit

/// A file of settings with sections, as it is written.
package indirect enum SettingsTree: Sendable, Equatable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([SettingsTree])
    case table([String: SettingsTree])
    /// What no setting has, such as a date; its kind.
    case other(String)

    /// - Parameter path: for messages.
    /// - Throws: `SettingError` for what is no TOML.
    package static func read(_ content: Data, path: String) throws -> [String: SettingsTree] {
        let document = try SettingsFile.document(content, path: path)
        // Values are inside of the document's memory.
        return withExtendedLifetime(document) { members(of: document, depth: 0) }
    }

    /// Sections in sections beyond this are none of ours.
    private static let deepest = 8

    private static func members(of table: TOMLTable, depth: Int) -> [String: SettingsTree] {
        var result: [String: SettingsTree] = [:]
        for name in table.keys { if let value = table[name] { result[name] = tree(value, depth + 1) } }
        return result
    }

    private static func tree(_ value: any TOMLValueConvertible, _ depth: Int) -> SettingsTree {
        guard depth <= deepest else { return .other("value in too many others") }
        return switch value.type {
        case .string: .text(value.string ?? "")
        case .int: .number(value.int ?? 0)
        case .double: .text(value.double.map { "\($0)" } ?? "")
        case .bool: .flag(value.bool ?? false)
        case .array: .list((value.array.map(Array.init) ?? []).map { tree($0, depth + 1) })
        case .table: .table(value.table.map { members(of: $0, depth: depth) } ?? [:])
        case .date, .time, .dateTime: .other(value.type.description)
        }
    }

    /// As a line of a command's own file would have it.
    fileprivate var written: WrittenValue {
        switch self {
        case .text(let text): .text(text)
        case .number(let number): .text(String(number))
        case .flag(let isOn): .flag(isOn)
        case .list(let values): .list(values.map(\.written))
        case .table: .other("section")
        case .other(let kind): .other(kind)
        }
    }
}

extension OptionTable {
    /// The command line that a section of a file says.
    ///
    /// - Parameters:
    ///   - section: option by option.
    ///   - place: of the section, for messages.
    ///   - taken: options that somebody else sets, with what to write instead.
    /// - Throws: `SettingError` for unknown options and values that an option cannot have.
    package func arguments(
        _ section: [String: SettingsTree], place: String, taken: [String: String]
    ) throws -> [String] {
        var layer = OptionLayer()
        for (name, value) in section.sorted(by: { $0.key < $1.key }) {
            if let instead = taken[name] { throw SettingError("\(place): \(name) is set by itself; \(instead)") }
            guard let option = self[name] else {
                throw SettingError("\(place): \(command) has no option \(name)" + hint(for: name))
            }
            try layer.set(option, value.written, .file(place))
        }
        return try LayeredOptions(self, arguments: [], below: [layer]).arguments()
    }
}

extension SettingError {
    /// For a name that is none of some.
    ///
    /// - Parameter what: has the name.
    package static func unknown(_ name: String, in what: String, of names: [String]) -> SettingError {
        let nearest = OptionTable(command: "", options: names.map { OptionTable.Option(name: $0) }).nearest(to: name)
        let end = nearest.map { "did you mean \($0)?" } ?? "there are \(names.joined(separator: ", "))"
        return SettingError("\(what): there is no setting \(name); \(end)")
    }
}
