import ArgumentParser

/// What the argument parser lets pass, or tells as something else.
enum ArgumentCheck {
    /// Options that may be given more than once, by command; nil is any.
    private static let repeatable: [(command: String?, option: String)] = [
        (nil, "--prompt"), ("coordinator", "--model"),
    ]

    /// - Parameter arguments: without the program's name.
    /// - Throws: `ValidationError` for an option that has two values, of which the parser would drop the first.
    static func check(_ arguments: [String]) throws {
        var values: [String: String] = [:]
        for (place, argument) in arguments.prefix(while: { $0 != "--" }).enumerated() where argument.hasPrefix("--") {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let next = place + 1 < arguments.count && !arguments[place + 1].hasPrefix("--") ? arguments[place + 1] : ""
            let value = parts.count > 1 ? parts[1] : next
            let isRepeatable = repeatable.contains {
                $0.option == parts[0] && ($0.command == nil || $0.command == arguments.first)
            }
            guard !isRepeatable, let before = values.updateValue(value, forKey: parts[0]), before != value else {
                continue
            }
            throw ValidationError("\(parts[0]) is given twice, as \(before) and as \(value); give it once")
        }
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
