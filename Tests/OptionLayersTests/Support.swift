import Foundation
import OptionLayers

/// A command with an option of every kind.
let table = OptionTable(
    command: "worker",
    options: [
        .init(name: "config", valueName: "file"),
        .init(name: "slots", valueName: "n", standard: "16"),
        .init(name: "http-name", isRepeatable: true, valueName: "name"),
        .init(name: "model", spellings: ["--model", "-m"], isRepeatable: true, valueName: "dir"),
        .init(name: "secure", isFlag: true),
        .init(name: "colour", spellings: ["--colour"], negations: ["--no-colour"], isFlag: true),
        .init(name: "lease", valueName: "seconds", standard: "5"),
    ])

func file(_ text: String, path: String = "worker.toml") throws -> OptionLayer {
    try SettingsFile.layer(Data(text.utf8), path: path, of: table)
}

func environment(_ variables: [String: String]) throws -> OptionLayer {
    try EnvironmentSettings.layer(variables, of: table)
}

/// What the parser gets.
func arguments(_ given: [String], _ below: OptionLayer...) throws -> [String] {
    try LayeredOptions(table, arguments: given, below: below).arguments()
}

/// Why a place is refused; nil when it is not.
func refusal(_ body: () throws -> OptionLayer) -> String? {
    do {
        _ = try body()
        return nil
    } catch { return "\(error)" }
}
