/// What a command line, the environment and a file say together: for each option, the first of them that says something.
///
/// A list counts whole: a command line that names one model replaces the models of the file.
package struct LayeredOptions: Sendable, Equatable {
    package let table: OptionTable
    /// What the command line says, by the option's name.
    package let given: OptionLayer
    /// The others, the first that counts first, without what the command line says.
    package let below: [OptionLayer]
    /// The command line without `--no-NAME` of flags that have no such name.
    private let rest: [String]

    /// - Parameters:
    ///   - arguments: of the command line, without the command's name.
    ///   - below: the first that counts first.
    package init(_ table: OptionTable, arguments: [String], below: [OptionLayer]) throws {
        self.table = table
        (given, rest) = try Self.read(arguments, table)
        let names = given.settings.keys
        self.below = below.map { layer in
            names.reduce(into: layer) { $0.remove($1) }
        }
    }

    /// What counts for an option; nil where only its default does.
    package subscript(name: String) -> OptionLayer.Setting? {
        ([given] + below).lazy.compactMap { $0[name] }.first
    }

    /// The arguments for the parser: those of the lower places before those that were given.
    ///
    /// - Parameter apart: options whose lower places somebody else puts together.
    package func arguments(apart: Set<String> = []) -> [String] {
        var result: [String] = []
        for option in table.options where given[option.name] == nil && !apart.contains(option.name) {
            guard let setting = self[option.name] else { continue }
            switch setting.value {
            case .flag(true): result.append(option.spellings.first { $0.hasPrefix("--") } ?? "--\(option.name)")
            case .flag(false): result += option.negations.prefix(1)
            // With =, for a value may begin with a dash.
            case .text(let value): result.append("--\(option.name)=\(value)")
            case .list(let values): result += values.map { "--\(option.name)=\($0)" }
            }
        }
        return result + rest
    }

    /// Where the options that a message names come from, when that is not the command line.
    package func origins(in message: String) -> [(option: String, origin: Origin)] {
        table.options.compactMap { option in
            guard given[option.name] == nil, let setting = self[option.name], message.contains(option.spellings) else {
                return nil
            }
            return (option.name, setting.origin)
        }
    }

    // MARK: the command line

    private static func read(_ arguments: [String], _ table: OptionTable) throws -> (OptionLayer, rest: [String]) {
        var (layer, rest) = (OptionLayer(), [String]())
        var values: [String: [String]] = [:]
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            guard argument != "--" else { break }
            index += 1
            guard argument.hasPrefix("-"), let (option, isNegated) = table.option(of: argument) else {
                rest.append(argument)
                continue
            }
            if option.isFlag {
                try layer.set(option, .flag(!isNegated), .commandLine)
                // The parser does not know it, and what it says is done.
                if !isNegated || option.negations.contains(argument) { rest.append(argument) }
                continue
            }
            rest.append(argument)
            if let sign = argument.firstIndex(of: "=") {
                values[option.name, default: []].append(String(argument[argument.index(after: sign)...]))
            } else if index < arguments.count {
                values[option.name, default: []].append(arguments[index])
                rest.append(arguments[index])
                index += 1
            }
        }
        for (name, texts) in values {
            guard let option = table[name] else { continue }
            let written: WrittenValue = option.isRepeatable ? .list(texts.map { .text($0) }) : .text(texts.last ?? "")
            try layer.set(option, written, .commandLine)
        }
        return (layer, rest + arguments[index...])
    }
}

extension String {
    /// Whether one of some options is named, and not one whose name only begins so.
    fileprivate func contains(_ spellings: [String]) -> Bool {
        spellings.contains { spelling in
            ranges(of: spelling).contains { range in
                guard range.upperBound < endIndex else { return true }
                let next = self[range.upperBound]
                return !(next.isLetter || next.isNumber || next == "-")
            }
        }
    }
}
