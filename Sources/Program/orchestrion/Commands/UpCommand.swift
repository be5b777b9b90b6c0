import ArgumentParser
import Foundation
import Hosts

struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Bring a cluster up over ssh: program, keys and model to a handful of machines, and start it there.",
        discussion: """
            Looks at each host, copies what is missing (this program with its libraries, the model), makes keys and exchanges \
            them, starts the coordinator and the workers, waits until they are let in, and shows a table. What is there and \
            runs as the file says is left alone, so it may be run at any time: after a change of the file, a host's restart, a \
            cut. What runs and shall be another is replaced one after another; songs go on. A host that fails does not stop \
            the others.

            It uses the system's ssh with your ~/.ssh/config, and asks for no password: `ssh HOST true` must work by itself. \
            The hosts need Linux, sshd and what every Linux has; no Swift, no rights.

            The file:
              [coordinator]
              host = "studio"                    # as ssh takes it
              [[worker]]
              hosts = ["node1", "me@node2"]

            More in it: name, folder (on the hosts), program (a tarball), model (a folder that is copied) or model-on-hosts (one \
            that they have), preset, profile, start; in [coordinator] address, port, listen, options; in [[worker]] host or \
            hosts, count, options. Options are those of orchestrion coordinator and worker: options = { slots = 8 }.

            What this machine needs is kept beside the file, in NAME.cluster: your key, and how the coordinator is reached.

            Exit codes: 0 all is up, 1 a host failed (the table says why), 64 the file or the command line is wrong.
            """)

    @OptionGroup var cluster: ClusterOptions

    @Flag(help: "Look at the hosts and say what would be done, and change nothing there.")
    var check = false

    @OptionGroup var waiting: HostWaiting

    @Flag(help: "Print as JSON what became of each host.")
    var json = false

    func run() throws {
        let work = try HostWork(cluster.file, makesRecords: true)
        try work.up(
            UpSettings(patience: waiting.patience, grace: waiting.grace), isTrial: check, json: json)
    }
}

struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract:
            "Bring this program to a cluster that runs: one worker after another ends its windows and is replaced.",
        discussion: """
            The same as up, but for this: before a worker is replaced it gets no more windows and is given time to end those that \
            it has. What is left then is handed over, so that no token is sampled twice. The coordinator comes last, and goes on \
            from its journal.

            Example: install the new release here, then
              orchestrion upgrade cluster.toml
            """)

    @OptionGroup var cluster: ClusterOptions

    @Option(help: ArgumentHelp("For a worker's windows to end; 0 hands them over at once.", valueName: "seconds"))
    var drain = 60

    @OptionGroup var waiting: HostWaiting

    @Flag(help: "Print as JSON what became of each host.")
    var json = false

    func validate() throws {
        guard (0...86_400).contains(drain) else { throw ValidationError("--drain must be 0 to 86400 seconds") }
    }

    func run() throws {
        let work = try HostWork(cluster.file, makesRecords: true)
        try work.up(
            UpSettings(drain: drain, patience: waiting.patience, grace: waiting.grace), isTrial: false, json: json)
    }
}

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract:
            "Stop a cluster that orchestrion up brought up: workers hand in what they have, then the coordinator ends.",
        discussion: """
            Programs, models, keys and songs stay on the hosts, so orchestrion up goes on where it was. To remove all of it, remove \
            the cluster's folder there (~/.local/share/orchestrion/NAME), and NAME.cluster beside the file.
            """)

    @OptionGroup var cluster: ClusterOptions

    @Option(help: ArgumentHelp("How long each part may take to leave before it is killed.", valueName: "seconds"))
    var grace = 30

    @Flag(help: "Print as JSON what became of each host.")
    var json = false

    func validate() throws {
        guard (1...3600).contains(grace) else { throw ValidationError("--grace must be 1 to 3600 seconds") }
    }

    func run() throws {
        let work = try HostWork(cluster.file, makesRecords: true)
        let lock = try work.records.lock()
        try work.run { $0.down(grace: grace) }
        withExtendedLifetime(lock) {}
        try work.tell(json: json)
    }
}

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show the end of what a host's coordinator and workers logged.",
        discussion: "Example: orchestrion logs node1 cluster.toml --lines 200")

    @Argument(help: "The host, as the cluster's file names it.")
    var host: String

    @OptionGroup var cluster: ClusterOptions

    @Option(help: ArgumentHelp("So many lines of each.", valueName: "count"))
    var lines = 50

    func validate() throws {
        guard (1...100_000).contains(lines) else { throw ValidationError("--lines must be 1 to 100000") }
    }

    func run() throws {
        let work = try HostWork(cluster.file, makesRecords: false)
        guard work.file.hosts.contains(host) else {
            throw CommandError("\(cluster.file) has no host \(host); it has \(work.file.hosts.joined(separator: ", "))")
        }
        try work.run { hosts in
            let lines = try hosts.logs(of: host, lines: lines)
            guard !lines.isEmpty else { throw CommandError("nothing of the cluster was started on \(host)") }
            for line in lines { print(line) }
        }
    }
}

/// How long is waited.
struct HostWaiting: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Until the coordinator listens and all workers are let in; large models take their time.",
            valueName: "seconds"))
    var wait = 600

    @Option(
        help: ArgumentHelp(
            "How long a part that is replaced may take to leave before it is killed.", valueName: "seconds"))
    var grace = 30

    func validate() throws {
        guard (1...86_400).contains(wait) else { throw ValidationError("--wait must be 1 to 86400 seconds") }
        guard (1...3600).contains(grace) else { throw ValidationError("--grace must be 1 to 3600 seconds") }
    }

    var patience: Duration { .seconds(wait) }
}
