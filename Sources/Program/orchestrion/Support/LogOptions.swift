import ArgumentParser
import ProgramLog

extension LogForm: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

/// What a command that serves others says on standard error, and how.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the log looks: text for people, or json for programs: an object a line, with time, level and message, and "
                + "song, worker and task where a line is about one.", valueName: "text|json"))
    var logFormat: LogForm = .text

    @Option(
        help: ArgumentHelp(
            "What matters less is not logged: debug, info, warning or error.", valueName: "level"))
    var logLevel: LogLevel = .info

    /// Before anything is logged.
    ///
    /// - Parameter name: of the part of the program.
    func begin(_ name: String) { ProcessLog.begin(name, logFormat, level: logLevel) }
}
