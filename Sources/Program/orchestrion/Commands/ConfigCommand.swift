import ArgumentParser
import Foundation

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check and show the settings of coordinator, worker and gateway.",
        discussion: """
            Every option of these commands may also stand in a file, /etc/orchestrion/COMMAND.toml, as slots = 8, and in \
            the environment, as ORCHESTRION_WORKER_SLOTS=8. The command line comes before the environment, and that \
            before the file.
            """,
        subcommands: [Check.self, Show.self])

    struct Options: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "coordinator, worker or gateway (default: those that have settings).", valueName: "command"))
        var command: ConfiguredCommand?

        @Option(help: ArgumentHelp("The file to read, instead of /etc/orchestrion/COMMAND.toml.", valueName: "file"))
        var config: String?

        @Flag(help: "Print it as JSON.")
        var json = false

        @Argument(
            parsing: .postTerminator,
            help: ArgumentHelp("What the command's own command line gives, behind --.", valueName: "option"))
        var given: [String] = []

        func validate() throws {
            guard command == nil, config != nil || !given.isEmpty, named == nil else { return }
            throw ValidationError("--command is missing: coordinator, worker or gateway")
        }

        /// A file that has a command's name says which it is: `worker.toml`, `worker-second.toml`.
        private var named: ConfiguredCommand? {
            let file = config.map { URL(fileURLWithPath: $0).lastPathComponent.split(whereSeparator: "-.".contains) }
            return command ?? file?.first.flatMap { ConfiguredCommand(rawValue: String($0)) }
        }

        /// - Parameter all: whether commands without settings are among them when none is named.
        func reports(checks: Bool, all: Bool) throws -> [ConfigurationReport] {
            let commands = named.map { [$0] } ?? ConfiguredCommand.allCases
            return try commands.compactMap { command in
                let configuration: Configuration
                do {
                    configuration = try Configuration(command, given, file: config)
                } catch {
                    return ConfigurationReport(command, problem: error)
                }
                guard all || named != nil || configuration.isAnythingSet else { return nil }
                return try ConfigurationReport(configuration, checks: checks)
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether settings can be used: their names, and their values as the command checks them.",
            discussion: """
                The exit code is 1 when some cannot. Nothing is started.

                Example:
                  orchestrion config check --command coordinator -- --state /var/lib/orchestrion
                """)

        @OptionGroup var options: Options

        func run() throws {
            let reports = try options.reports(checks: true, all: false)
            if options.json {
                print(try Terminal.json(reports))
            } else {
                for report in reports {
                    let isSet = report.settings.filter { $0.origin != "default" }.count
                    print("\(report.title): " + (report.problem ?? "\(isSet) set, all can be used"))
                }
                if reports.isEmpty { print("nothing is set: there are no files, and no variables") }
            }
            if reports.contains(where: { $0.problem != nil }) { throw ExitCode(1) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what holds for each option, and where it comes from.",
            discussion: """
                Example:
                  orchestrion config show --command worker
                """)

        @OptionGroup var options: Options

        func run() throws {
            let reports = try options.reports(checks: false, all: true)
            if options.json {
                print(try Terminal.json(reports))
            } else {
                for (place, report) in reports.enumerated() {
                    if place > 0 { print() }
                    print(report.title)
                    for line in report.table { print(line) }
                    if let problem = report.problem { print("  " + problem) }
                }
            }
            if reports.contains(where: { $0.problem != nil }) { throw ExitCode(1) }
        }
    }
}
