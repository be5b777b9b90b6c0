/// What a place says of an option.
package enum OptionValue: Sendable, Equatable, CustomStringConvertible {
    case flag(Bool)
    case text(String)
    /// Of an option that may be given several times.
    case list([String])

    /// Its values as text, one or more.
    package var texts: [String] {
        switch self {
        case .flag(let value): [value ? "true" : "false"]
        case .text(let value): [value]
        case .list(let values): values
        }
    }

    package var description: String { texts.joined(separator: ", ") }
}

/// Why a place cannot be used: it names the place and says what to write.
package struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// Where a value comes from.
package enum Origin: Sendable, Equatable, CustomStringConvertible {
    case commandLine
    /// A variable's name.
    case environment(String)
    /// A path.
    case file(String)
    case standard

    package var description: String {
        switch self {
        case .commandLine: "command line"
        case .environment(let variable): "$\(variable)"
        case .file(let path): path
        case .standard: "default"
        }
    }
}

/// What one place says: the file, or the environment.
package struct OptionLayer: Sendable, Equatable {
    package struct Setting: Sendable, Equatable {
        package var value: OptionValue
        package var origin: Origin

        package init(_ value: OptionValue, _ origin: Origin) { (self.value, self.origin) = (value, origin) }
    }

    /// By the option's name.
    package private(set) var settings: [String: Setting] = [:]

    package init() {}

    package subscript(name: String) -> Setting? { settings[name] }

    /// - Parameter written: as the place has it.
    /// - Throws: `SettingError` when the option cannot have that value.
    mutating func set(_ option: OptionTable.Option, _ written: WrittenValue, _ origin: Origin) throws {
        settings[option.name] = Setting(try written.value(for: option, in: origin), origin)
    }

    mutating func remove(_ name: String) { settings[name] = nil }
}

/// A value as somebody wrote it, before the option says what it may be.
enum WrittenValue: Equatable {
    case flag(Bool)
    /// A word or number.
    case text(String)
    case list([WrittenValue])
    /// What no option has, such as a date.
    case other(String)

    func value(for option: OptionTable.Option, in origin: Origin) throws -> OptionValue {
        let place = "\(option.name) in \(origin)"
        switch self {
        case .flag(let isOn):
            guard option.isFlag else {
                throw SettingError("\(place): true and false are for switches; \(option.wanted)")
            }
            return .flag(isOn)
        case .text(let text):
            guard !option.isFlag else {
                throw SettingError("\(place) is a switch: write true or false, without quotes")
            }
            try Self.check(text, place)
            return option.isRepeatable ? .list([text]) : .text(text)
        case .list(let values):
            guard option.isRepeatable else {
                throw SettingError("\(place) has one value, not a list; \(option.wanted)")
            }
            return .list(
                try values.map { value in
                    guard case .text(let text) = value else {
                        throw SettingError("\(place): a list has words or numbers in it")
                    }
                    try Self.check(text, place)
                    return text
                })
        case .other(let kind):
            throw SettingError("\(place) is a \(kind), and options have none; write it in quotes")
        }
    }

    private static func check(_ text: String, _ place: String) throws {
        guard !text.unicodeScalars.contains("\0") else { throw SettingError("\(place) has a zero byte in it") }
    }
}

extension OptionTable.Option {
    /// What to write.
    fileprivate var wanted: String {
        if isFlag { return "write true or false" }
        return isRepeatable
            ? "write a word, or a list of them" : "write \(valueName.map { "a value <\($0)>" } ?? "a value")"
    }
}
