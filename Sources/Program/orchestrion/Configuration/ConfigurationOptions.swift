import ArgumentParser

/// Where settings are that the command line does not have. `Configuration` reads them before the options are parsed.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file of options, in TOML, as slots = 8; instead of /etc/orchestrion/COMMAND.toml, which counts when it is there.",
            discussion: """
                The command line comes before the environment ($ORCHESTRION_COMMAND_OPTION, as \
                $ORCHESTRION_WORKER_SLOTS=8), and that before the file. --no-OPTION takes back a switch that these set. \
                orchestrion config show prints what holds and where it comes from.
                """, valueName: "file"))
    var config: String?
}
