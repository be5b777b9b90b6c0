import ArgumentParser
import OptionLayers

/// What the argument parser lets pass, or tells as something else.
enum ArgumentCheck {
    /// Options that may be given more than once, of any command. Those of the commands that serve others say so themselves.
    private static let repeatable: Set = ["--prompt"]

    /// - Parameter arguments: without the program's name.
    /// - Throws: `ValidationError` for an option that has two values, of which the parser would drop the first.
    static func check(_ arguments: [String]) throws {
        var values: [String: String] = [:]
        for (place, argument) in arguments.prefix(while: { $0 != "--" }).enumerated() where argument.hasPrefix("--") {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let next = place + 1 < arguments.count && !arguments[place + 1].hasPrefix("--") ? arguments[place + 1] : ""
            let value = parts.count > 1 ? parts[1] : next
            guard let before = values.updateValue(value, forKey: parts[0]), before != value,
                !isRepeatable(parts[0], of: arguments.first)
            else { continue }
            throw ValidationError("\(parts[0]) is given twice, as \(before) and as \(value); give it once")
        }
    }

    private static func isRepeatable(_ option: String, of command: String?) -> Bool {
        if repeatable.contains(option) { return true }
        let table = command.flatMap(ConfiguredCommand.init).flatMap { try? $0.table() }
        return table?.options.contains { $0.isRepeatable && $0.spellings.contains(option) } ?? false
    }

    /// What to say of an error of the parser, which takes a value that begins with a dash for another option.
    static func explained(_ error: any Error, _ arguments: [String]) -> any Error {
        let message = Orchestrion.message(for: error)
        guard message.contains("Missing value for '--") else { return error }
        for (option, value) in zip(arguments, arguments.dropFirst())
        where message.contains("'\(option) ") && value.hasPrefix("-") && !value.hasPrefix("--") {
            return ValidationError("a value that begins with a dash is written with =, as in \(option)=\(value)")
        }
        return error
    }
}
