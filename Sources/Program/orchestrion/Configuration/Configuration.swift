import ArgumentParser
import Foundation
import OptionLayers

/// What command line, environment and file say of a command's options.
struct Configuration {
    let command: ConfiguredCommand
    /// The file that was read; nil when there is none.
    let file: String?
    let options: LayeredOptions
    private let connection: Set<String>

    /// Reads file and environment.
    ///
    /// - Parameters:
    ///   - arguments: of the command line, without the command's name.
    ///   - file: named instead of what command line and environment name.
    /// - Throws: `SettingError`, and `ValidationError` for a named file that cannot be read.
    init(
        _ command: ConfiguredCommand, _ arguments: [String], file: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        self.command = command
        let table = try command.table()
        connection = try command.connection()
        let above = try EnvironmentSettings.layer(environment, of: table)
        let first = try LayeredOptions(table, arguments: arguments, below: [above])
        let named = file ?? first[OptionTable.fileOption]?.value.texts.last
        self.file = named ?? (FileManager.default.fileExists(atPath: command.standardFile) ? command.standardFile : nil)
        var below = [above]
        if let path = self.file {
            let content = try OptionFile.content(of: path, option: OptionTable.fileOption)
            below.append(try SettingsFile.layer(content, path: path, of: table))
        }
        options = try LayeredOptions(table, arguments: arguments, below: below)
    }

    /// The arguments for the parser, with the command's name.
    var arguments: [String] { [command.rawValue] + options.arguments(apart: connection) }

    /// What the places below the command line say of how to reach a coordinator.
    var connectionLayers: [ConnectionLayer] {
        guard !connection.isEmpty else { return [] }
        return options.below.map { ConnectionLayer(configured: $0) }
    }

    /// Whether anything is set below the command line.
    var isAnythingSet: Bool { file != nil || options.below.contains { !$0.settings.isEmpty } }

    // MARK: of the program's own command line

    /// What is parsed instead of a command line: with the settings of file and environment, where the command has such.
    ///
    /// - Parameter given: without the program's name.
    /// - Returns: with what was read; nil where nothing is.
    /// - Throws: `ValidationError`.
    static func read(_ given: [String]) throws -> (arguments: [String], configuration: Configuration?) {
        guard let command = given.first.flatMap(ConfiguredCommand.init), !asksForHelp(given),
            !given.contains("--only-arguments")
        else { return (given, nil) }
        do {
            let configuration = try Configuration(command, Array(given.dropFirst()))
            return (configuration.arguments, configuration)
        } catch let error as SettingError {
            throw ValidationError(error.description)
        }
    }

    /// Whoever asks gets an answer, however the files are.
    private static func asksForHelp(_ arguments: [String]) -> Bool {
        arguments.prefix { $0 != "--" }.contains {
            ["-h", "--help", "--help-hidden", "--version", "--experimental-dump-help"].contains($0)
                || $0.hasPrefix("--generate-completion-script")
        }
    }

    /// Says where the options come from that an error names, when nobody gave them just now.
    func explain(_ error: any Error) {
        for (option, origin) in options.origins(in: Orchestrion.message(for: error)) {
            Terminal.note("note: --\(option) is set by \(origin)")
        }
    }
}

extension ConnectionLayer {
    /// What one place of a command's settings says.
    fileprivate init(configured layer: OptionLayer) {
        func text(_ name: String) -> String? { layer[name]?.value.texts.last }
        func place(_ name: String) -> String {
            switch layer[name]?.origin {
            case .environment(let variable): "$\(variable)"
            case .file(let path): "\(name) in \(path)"
            case .commandLine, .standard, nil: "--\(name)"
            }
        }
        self.init(
            connect: text("connect"), serverKey: text("server-key"), key: text("key"),
            insecure: layer["insecure"]?.value == .flag(true),
            names: Names(
                connect: place("connect"), serverKey: place("server-key"), key: place("key"),
                insecure: place("insecure")))
    }
}
