import ArgumentParser
import Foundation
import ProgramLog
import SystemErrors

@main
struct Orchestrion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrion",
        abstract: "Samples OpenAI's Jukebox on a cluster of ordinary machines.",
        discussion: """
            The song is a pure function of model, song and seed, whatever machines work on it or die meanwhile.

            On one machine:   orchestrion sample --model DIR --seconds 20
            On several:       orchestrion up cluster.toml over ssh; or orchestrion coordinator --state DIR, orchestrion \
            worker --model DIR on each machine, orchestrion submit --model NAME --wait

            Exit codes: 0 done, 1 failed (the reason is on standard error), 64 wrong usage, 130 and 143 ended \
            by Ctrl-C and SIGTERM (a running coordinator or worker: 0).
            """,
        version: ProgramCommit.version,
        subcommands: [
            SampleCommand.self, CoordinatorCommand.self, WorkerCommand.self, SubmitCommand.self, StatusCommand.self,
            WatchCommand.self, FetchCommand.self, GoOnCommand.self, VaryCommand.self, CutCommand.self,
            UpsampleCommand.self,
            TreeCommand.self, NameCommand.self, CancelCommand.self, ResumeCommand.self,
            UpCommand.self, DownCommand.self, UpgradeCommand.self, LogsCommand.self,
            WorkersCommand.self, DrainCommand.self, MetricsCommand.self, RemoveCommand.self, GatewayCommand.self,
            TokensCommand.self, ConfigCommand.self,
            ConnectCommand.self, KeysCommand.self, JournalCommand.self,
            ModelCommand.self, PlanCommand.self, TimelineCommand.self, PictureCommand.self, SeamsCommand.self,
            DecodeCommand.self, EmbedCommand.self, VerifyCommand.self, BenchCommand.self, ChaosCommand.self,
            SimulateCommand.self,
            DemoCommand.self,
        ])

    /// What a file error says is for people, here as everywhere.
    static func main() {
        OpenFiles.fillStandardStreams()
        AddressSpace.check()
        Signals.install()
        // Whoever reads along sees each line when it is printed.
        StandardOutput.showLines()
        do {
            // Swift reads them there.
            guard access("/proc/self/cmdline", R_OK) == 0 else {
                throw ExplainedError(description: "there is no /proc here, and nothing goes without it: mount it")
            }
            let arguments = Array(CommandLine.arguments.dropFirst())
            try ArgumentCheck.check(arguments)
            let (all, configuration) = try Configuration.read(arguments)
            ConnectionOptions.setConfigured(configuration?.connectionLayers ?? [])
            Reload.begin(all, configuration?.connectionLayers ?? [])
            var command: any ParsableCommand
            do { command = try parseAsRoot(all) } catch {
                configuration?.explain(error)
                throw ArgumentCheck.explained(error, all)
            }
            try OpenFiles.prepare()
            try command.run()
            // What cannot be printed was not done.
            try StandardOutput.flush()
            if ProgramEnd.isAbrupt {
                StandardError.flush()
                _exit(0)
            }
        } catch {
            let explanation = error.explanation
            let told = explanation == "\(error)" ? error : ExplainedError(description: explanation)
            if ProgramEnd.isAbrupt || ProcessLog.isJSON { ProgramEnd.now(told) }
            exit(withError: told)
        }
    }
}

private struct ExplainedError: Error, CustomStringConvertible {
    let description: String
}
