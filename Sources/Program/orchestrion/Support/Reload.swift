import ArgumentParser
import Foundation
import ProgramLog
import ServiceNotice
import Synchronization

/// What a command that serves others does on SIGHUP: it reads its settings again, takes up what may change while it runs, and
/// says what counts only after a restart. No connection is touched.
enum Reload {
    /// What the process was started with: a file may change before anybody asks for it to be read again.
    private static let started = Mutex<Settings?>(nil)

    /// The process begins, with its whole command line: what is in the file and the environment is a part of it.
    static func begin(_ arguments: [String], _ connection: [ConnectionLayer]) {
        started.withLock { $0 = Settings(arguments: arguments, connection: connection) }
    }

    /// - Parameters:
    ///   - command: as it was started.
    ///   - names: options that may change, with their dashes.
    ///   - apply: takes up what the settings are now; what it returns is told.
    static func onHangUp<Command: ParsableCommand>(
        _ command: Command.Type, _ names: Set<String>, status: @escaping @Sendable () -> String,
        _ apply: @escaping @Sendable (Command) throws -> [String]
    ) {
        Signals.onHangUp {
            ServiceNotice.process.reloading()
            do {
                let settings = try Self.current()
                guard let now = try Orchestrion.parseAsRoot(settings.arguments) as? Command else {
                    throw CommandError("these are another command's settings")
                }
                var told = try apply(now)
                let late = settings.differing(from: started.withLock { $0 } ?? settings).subtracting(names).sorted()
                if !late.isEmpty {
                    told.append("\(late.joined(separator: ", ")) changed, which counts after a restart")
                }
                Terminal.log(
                    "read its settings again: \(told.isEmpty ? "nothing changed" : told.joined(separator: "; "))")
            } catch {
                Terminal.log(
                    "its settings cannot be read, and stay as they were: \(Orchestrion.message(for: error))", .error)
            }
            ServiceNotice.process.ready(status())
        }
    }

    /// What command line, environment and file say now.
    private struct Settings {
        let arguments: [String]
        let connection: [ConnectionLayer]

        /// Options, with their dashes.
        func differing(from other: Settings) -> Set<String> {
            let changed = OptionValues(arguments).differing(from: OptionValues(other.arguments))
            return connection == other.connection ? changed : changed.union(["how the coordinator is reached"])
        }
    }

    private static func current() throws -> Settings {
        let (arguments, configuration) = try Configuration.read(Array(CommandLine.arguments.dropFirst()))
        return Settings(arguments: arguments, connection: configuration?.connectionLayers ?? [])
    }

    /// How much is logged.
    static func take(_ logging: LogOptions) -> [String] {
        guard ProcessLog.level != logging.logLevel else { return [] }
        ProcessLog.level = logging.logLevel
        return ["logs from \(logging.logLevel.rawValue) on"]
    }
}

/// By option, the values that a command line gives it.
private struct OptionValues {
    private var values: [String: [String]] = [:]

    init(_ arguments: [String]) {
        var name: String?
        for argument in arguments {
            if argument.hasPrefix("--"), argument.count > 2 {
                let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
                values[parts[0], default: []].append(parts.count > 1 ? parts[1] : "")
                name = parts.count > 1 ? nil : parts[0]
            } else if let known = name {
                values[known, default: []].append(argument)
            }
        }
    }

    func differing(from other: OptionValues) -> Set<String> {
        Set(values.keys).union(other.values.keys).filter { values[$0] != other.values[$0] }
    }
}
