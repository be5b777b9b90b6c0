package import Foundation

/// The options of a command that people may set in files and in the environment: all that its help shows.
///
/// It is read from what the argument parser says of itself, so an option that is new is here by itself.
package struct OptionTable: Sendable, Equatable {
    package struct Option: Sendable, Equatable {
        /// The long name without dashes, as files have it.
        package var name: String
        /// All that a command line may say for it, with dashes.
        package var spellings: [String]
        /// What a command line says to switch it off; none for options with a value, and for flags without such a name.
        package var negations: [String]
        package var isFlag: Bool
        package var isRepeatable: Bool
        /// What help calls the value.
        package var valueName: String?
        /// What counts when nobody sets it, as help tells.
        package var standard: String?
        package var meaning: String?

        package init(
            name: String, spellings: [String]? = nil, negations: [String] = [], isFlag: Bool = false,
            isRepeatable: Bool = false, valueName: String? = nil, standard: String? = nil, meaning: String? = nil
        ) {
            (self.name, self.spellings, self.negations) = (name, spellings ?? ["--\(name)"], negations)
            (self.isFlag, self.isRepeatable) = (isFlag, isRepeatable)
            (self.valueName, self.standard, self.meaning) = (valueName, standard, meaning)
        }
    }

    /// The option that names the file. It is in no file.
    package static let fileOption = "config"

    package let command: String
    package let options: [Option]

    package init(command: String, options: [Option]) {
        (self.command, self.options) = (command, options)
    }

    /// - Parameter help: the parser's description of the command (`_dumpHelp`), as JSON.
    package init(command: String, help: Data) throws {
        let arguments = try JSONDecoder().decode(HelpDump.self, from: help).command.arguments ?? []
        self.init(command: command, options: Self.joined(arguments.compactMap(Self.option)))
    }

    package subscript(name: String) -> Option? { options.first { $0.name == name } }

    /// The option with its sign that an argument such as `--name` or `--name=value` is.
    func option(of argument: String) -> (option: Option, isNegated: Bool)? {
        let spelling = String(argument.prefix { $0 != "=" })
        for option in options {
            if option.spellings.contains(spelling) { return (option, false) }
            if option.isFlag, (option.negations + ["--no-\(option.name)"]).contains(spelling) { return (option, true) }
        }
        return nil
    }

    // MARK: what the parser says

    private static let ownOptions: Set = ["help", "help-hidden", "version"]

    private static func option(_ argument: HelpDump.Argument) -> Option? {
        let names = argument.names ?? []
        guard argument.kind != "positional", argument.shouldDisplay,
            let name =
                (argument.preferredName.flatMap { $0.kind == "long" ? $0 : nil } ?? names.first { $0.kind == "long" }),
            !ownOptions.contains(name.name)
        else { return nil }
        return Option(
            name: name.name, spellings: names.map { ($0.kind == "long" ? "--" : "-") + $0.name },
            isFlag: argument.kind == "flag", isRepeatable: argument.isRepeating, valueName: argument.valueName,
            standard: argument.defaultValue, meaning: argument.abstract)
    }

    /// A flag and its inversion (`--name` and `--no-name`, or `--enable-name` and `--disable-name`) are one option.
    private static func joined(_ options: [Option]) -> [Option] {
        let flags = Set(options.filter(\.isFlag).map(\.name))
        func positive(_ name: String) -> String? {
            if name.hasPrefix("no-"), flags.contains(String(name.dropFirst(3))) { return String(name.dropFirst(3)) }
            let enabled = "enable-" + name.dropFirst(8)
            return name.hasPrefix("disable-") && flags.contains(enabled) ? enabled : nil
        }
        var result: [Option] = []
        for option in options {
            guard option.isFlag, let name = positive(option.name) else {
                result.append(option)
                continue
            }
            // The parser lists the inversion behind its flag.
            guard let place = result.firstIndex(where: { $0.name == name }) else { continue }
            result[place].negations += option.spellings
        }
        return result
    }
}

/// The part of the parser's description that is used.
private struct HelpDump: Decodable {
    struct Name: Decodable {
        var kind: String
        var name: String
    }
    struct Argument: Decodable {
        var kind: String
        var shouldDisplay: Bool
        var isRepeating: Bool
        var names: [Name]?
        var preferredName: Name?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?
    }
    struct Command: Decodable {
        var arguments: [Argument]?
    }
    var command: Command
}
