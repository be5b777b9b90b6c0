import ArgumentParser
import Foundation
import OptionLayers

/// What holds for a command, and where each value comes from.
struct ConfigurationReport: Encodable {
    struct Setting: Encodable {
        var option: String
        /// One; several for an option that may be given several times; none where nothing is set and there is no default.
        var values: [String]
        /// `command-line`, `environment`, `file` or `default`.
        var origin: String
        /// The variable or file.
        var place: String?
        /// The variable that would set it.
        var variable: String
    }
    var command: String
    /// The file that was read.
    var file: String?
    /// Why it cannot be started so.
    var problem: String?
    var settings: [Setting]

    /// - Parameter checks: whether values are checked, too, as the command itself does.
    init(_ configuration: Configuration, checks: Bool) throws {
        command = configuration.command.rawValue
        file = configuration.file
        ConnectionOptions.setConfigured(configuration.connectionLayers)
        problem = checks ? Self.problem(configuration) : nil
        let options = configuration.options
        let reached = try Self.reached(configuration)
        settings = options.table.options.filter { $0.name != OptionTable.fileOption }.map { option in
            let variable = EnvironmentSettings.variable(option.name, of: options.table.command)
            let setting = reached.map { $0[option.name] ?? options[option.name] } ?? options[option.name]
            let standard = option.isFlag ? "false" : option.standard
            return Setting(
                option: option.name, values: setting?.value.texts ?? standard.map { [$0] } ?? [],
                origin: Self.word(setting?.origin ?? .standard), place: Self.place(setting?.origin ?? .standard),
                variable: variable)
        }
    }

    /// Nothing could be read.
    init(_ command: ConfiguredCommand, problem: any Error) {
        self.command = command.rawValue
        self.problem = (problem as? SettingError)?.description ?? Orchestrion.message(for: problem)
        settings = []
    }

    /// What the command would refuse at its start.
    private static func problem(_ configuration: Configuration) -> String? {
        do {
            _ = try Orchestrion.parseAsRoot(configuration.arguments)
            return nil
        } catch {
            var lines = [Orchestrion.message(for: error)]
            if lines[0].hasPrefix("Missing expected") {
                lines.append(
                    "give what its command line gives behind --, as in: orchestrion config check --command "
                        + "\(configuration.command) -- --state DIR")
            }
            lines += configuration.options.origins(in: lines[0]).map { "--\($0.option) is set by \($0.origin)" }
            return lines.joined(separator: "\n")
        }
    }

    /// How the coordinator is reached, which also other places say; nil for a command that reaches none.
    private static func reached(_ configuration: Configuration) throws -> [String: OptionLayer.Setting]? {
        guard configuration.command != .coordinator else { return nil }
        let given = configuration.options.given
        func text(_ name: String) -> String? { given[name]?.value.texts.last }
        guard
            let settings = try? ConnectionOptions.settings(
                ConnectionLayer(
                    connect: text("connect"), serverKey: text("server-key"), key: text("key"),
                    insecure: given["insecure"]?.value == .flag(true)))
        else { return nil }
        func setting(_ value: OptionValue, _ name: String, isSet: Bool) -> OptionLayer.Setting {
            OptionLayer.Setting(value, isSet ? origin(of: name) : .standard)
        }
        var result = [
            "connect": setting(
                .text(settings.connect), settings.names.connect, isSet: settings.isConnectSet),
            "insecure": setting(.flag(settings.insecure), settings.names.insecure, isSet: settings.insecure),
        ]
        result["server-key"] = settings.serverKey.map { setting(.text($0), settings.names.serverKey, isSet: true) }
        result["key"] = settings.key.map { setting(.text($0), settings.names.key, isSet: true) }
        return result
    }

    /// Of what errors call a setting: `--key`, `$VARIABLE`, `key in FILE`.
    private static func origin(of name: String) -> Origin {
        if name.hasPrefix("$") { return .environment(String(name.dropFirst())) }
        guard let place = name.range(of: " in ") else { return .commandLine }
        return .file(String(name[place.upperBound...]))
    }

    private static func word(_ origin: Origin) -> String {
        switch origin {
        case .commandLine: "command-line"
        case .environment: "environment"
        case .file: "file"
        case .standard: "default"
        }
    }

    private static func place(_ origin: Origin) -> String? {
        switch origin {
        case .environment(let variable): variable
        case .file(let path): path
        case .commandLine, .standard: nil
        }
    }

    // MARK: for people

    var title: String { "\(command)  (\(file.map { "file \($0)" } ?? "no file"))" }

    /// A line an option.
    var table: [String] {
        let rows = settings.map { setting -> (String, String, String) in
            let value = setting.values.isEmpty ? "–" : setting.values.joined(separator: ", ")
            let place = setting.origin == "environment" ? setting.place.map { "$\($0)" } : setting.place
            return (setting.option, value, place ?? setting.origin.replacingOccurrences(of: "-", with: " "))
        }
        let widths = (rows.map(\.0.count).max() ?? 0, min(40, rows.map(\.1.count).max() ?? 0))
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        return rows.map { "  \(padded($0.0, widths.0))  \(padded($0.1, widths.1))  \($0.2)" }
    }
}
