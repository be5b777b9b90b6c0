import Foundation
import TestSupport
import Testing

extension CommandLines {
    struct HelpTests {
        private static let song = [
            "--song", "--model", "--mode", "--artist", "--genre", "--lyrics", "--seconds", "--sample-length",
            "--total-seconds", "--offset-seconds", "--samples", "--seed", "--temperature", "--top-k", "--top-p",
            "--hop-fraction", "--prompt", "--prompt-seconds", "--codes", "--stop-at", "--format",
        ]
        private static let connection = [
            "--connect", "--server-key", "--key", "--insecure", "$ORCHESTRION_CONNECT", "client.json",
        ]
        private static let branch =
            connection + ["<song>", "--name", "--id", "--wait", "--out", "--stop-at", "--segments", "--overlap"]
        private static let labels = [
            "--artist", "--genre", "--lyrics", "--temperature", "--top-k", "--top-p", "--hop-fraction", "--seed",
        ]
        private static let commands: [String: [String]] = [
            "": [
                "sample", "coordinator", "worker", "submit", "status", "watch", "fetch", "go-on", "vary", "cut",
                "upsample",
                "tree", "name", "cancel", "resume", "workers",
                "metrics", "keys", "gateway", "tokens",
                "model", "picture", "decode", "embed", "verify", "demo",
            ],
            "sample": song + ["--out", "--threads", "--slots", "--json", "--verbose"],
            "coordinator": [
                "--listen", "--state", "--model", "--models", "--preset", "--threads", "--key", "--allow", "--secure",
                "--insecure",
                "--lease", "--endpoint-file", "--config", "--http", "--http-name", "--tokens", "--log-format",
                "--log-level",
            ],
            "gateway": connection + ["--config", "--http", "--http-name", "--tokens", "--model", "--models"],
            "tokens": ["new", "list", "remove"],
            "tokens new": ["<name>", "--state", "--file", "--role", "viewer", "editor", "admin"],
            "worker": connection + [
                "--config", "--model", "--preset", "--levels", "--threads", "--slots", "--name", "--metrics",
                "--log-format",
                "--log-level",
            ],
            "metrics": connection,
            "submit": song + connection + ["--id", "--wait", "--out", "--json"],
            "status": connection + ["<song>", "--json"],
            "watch": connection + ["<song>"],
            "fetch": connection + ["<song>", "--out", "--level", "--json"],
            "go-on": branch + ["--sample", "--at", "--seconds", "--variations"] + labels,
            "vary": branch + ["--sample", "--at", "--variations"] + labels,
            "cut": branch + ["--sample", "--from", "--to"],
            "upsample": branch + ["--keep", "--stereo"] + labels,
            "tree": connection + ["<song>", "--all", "--json"],
            "name": connection + ["<song>", "<text>", "--note", "--star", "--no-star", "--hide", "--no-hide"],
            "cancel": connection + ["<song>"],
            "resume": connection + ["<song>"],
            "up": [
                "<cluster.toml>", "--check", "--wait", "--grace", "--json", "[coordinator]", "model-on-hosts",
                ".ssh/config",
            ],
            "upgrade": ["<cluster.toml>", "--drain", "--wait", "--grace", "--json"],
            "down": ["<cluster.toml>", "--grace", "--json"],
            "logs": ["<host>", "<cluster.toml>", "--lines"],
            "workers": ["list", "release"],
            "workers release": connection + ["<machine>"],
            "connect": ["<tcp://host:port>", "--server-key", "--key", "--insecure", "client.json"],
            "keys": ["new", "show", "allow", "list", "remove"],
            "keys new": ["<file>"],
            "keys show": ["<file>"],
            "keys allow": ["<file|key>", "--state", "--allow", "--name", "--role"],
            "keys list": ["--state", "--allow"],
            "keys remove": ["<file|key|name>", "--state", "--allow"],
            "config": ["check", "show", "/etc/orchestrion/COMMAND.toml", "ORCHESTRION_WORKER_SLOTS=8"],
            "config check": ["--command", "--config", "--json", "<option>"],
            "config show": ["--command", "--config", "--json", "<option>"],
            "model": ["inspect", "fetch", "init"],
            "model fetch": [
                "<name|url>", "<dir>", "--accept-licence", "--base-url", "--token-file", "--stall", "--attempts",
                "--json",
            ],
            "model inspect": ["<dir|name>", "--preset", "--check", "--no-fingerprint", "--json"],
            "model init": ["<dir>", "--preset", "--hparams", "--seed"],
            "picture": [
                "<dir>", "--sample", "--level", "--out", "--model", "--preset", "--threads", "--json",
            ],
            "embed": [
                "<files|folders>", "--model", "--preset", "--layer", "--pool", "--rate", "--windows", "--like",
                "--format",
                "--offset", "--duration", "--profile", "--out", "--threads", "--json",
            ],
            "decode": [
                "<dir|file>", "--out", "--level", "--format", "--model", "--preset", "--threads", "--json",
            ],
            "simulate": ["--seed", "--seeds", "--faults", "--workers", "--failures", "--trace", "--json"],
            "demo": ["<recording>", "--seconds", "--genre", "--artist", "--lyrics", "--seed", "--out"],
            "verify": ["<dir>", "--expected", "--scenario", "--threads", "--json"],
        ]

        @Test func `every command's help names its options`() async throws {
            for (command, names) in Self.commands.sorted(by: { $0.key < $1.key }) {
                let help = try await Orchestrion.succeed(command.split(separator: " ").map(String.init) + ["--help"])
                #expect(help.errorOutput.isEmpty)
                for name in names { #expect(help.output.contains(name), "\(command) does not name \(name)") }
                #expect(help.output.contains("USAGE: orchestrion"))
            }
        }

        @Test func `defaults are values that can be given`() async throws {
            for command in ["coordinator", "worker", "plan", "demo"] {
                let help = try await Orchestrion.succeed([command, "--help"]).output
                #expect(help.contains("default: f16)") && !help.contains("f16/1"), "\(help)")
                let bare = help.range(of: "f32 +- ", options: .regularExpression)
                #expect(bare == nil, "a value without its meaning: \(help)")
            }
        }

        @Test func `the version is told, and the commit where it was installed with one`() async throws {
            let built = try await Orchestrion.succeed(["--version"]).output
            #expect(built.wholeMatch(of: /[0-9]+(\.[0-9]+)+ \(unknown commit\)\n/) != nil, "\(built)")
            let place = try TestFolder.make("installed")
            for folder in ["bin", "share/orchestrion"] {
                try FileManager.default.createDirectory(atPath: "\(place)/\(folder)", withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: Orchestrion.path, toPath: "\(place)/bin/orchestrion")
            let commit = String(repeating: "0123456789abcdef", count: 4)
            for (file, told) in [
                ("8d5e7f3\n", "commit 8d5e7f3"), ("8d5e7f3+", "commit 8d5e7f3+"), (commit, "commit \(commit)"),
                (commit + "0", "unknown commit"), ("8d5e7f\n", "unknown commit"), ("not a commit", "unknown commit"),
                ("", "unknown commit"),
            ] {
                try file.write(toFile: "\(place)/share/orchestrion/commit", atomically: true, encoding: .utf8)
                let program = try ChildProcess(
                    name: "installed", executable: "\(place)/bin/orchestrion", arguments: ["--version"], folder: place,
                    logs: place)
                #expect(try await program.waitForEnd(limit: patience) == .exited(0))
                #expect(program.output.hasSuffix("(\(told))\n"), "\(program.output)")
            }
        }

        /// Commands, and what their error must tell.
        private static let mistakes: [(arguments: [String], words: [String])] = [
            (["sing"], ["sing", "--help"]),
            (["sample", "--modle", "x"], ["--modle", "Did you mean"]),
            (["sample", "--model", "x", "--seconds", "long"], ["long", "--seconds"]),
            (["sample", "--model", "x", "--mode", "backwards"], ["backwards", "ancestral", "continue"]),
            (["sample", "--model", "x", "--format", "mp3"], ["mp3", "wav", "flac", "ogg"]),
            (["sample", "--model", "x", "--samples", "0"], ["--samples", "1 to 256"]),
            (["sample", "--model", "x", "--temperature", "hot"], ["--temperature", "hot"]),
            (["sample", "--model", "x", "--lyrics", "@no-such-file"], ["--lyrics", "no-such-file"]),
            (["sample", "--song", "no-such-file.json"], ["--song", "no-such-file.json"]),
            (["coordinator"], ["--state"]),
            (["coordinator", "--state", "s", "--listen", "here"], ["--listen", "tcp://HOST:PORT"]),
            (["coordinator", "--state", "s", "--lease", "0"], ["--lease"]),
            (["worker", "--model", "x", "--slots", "0"], ["--slots"]),
            (["status", "--connect", "tcp://192.0.2.1:5550"], ["--server-key", "--insecure"]),
            (["status", "--server-key", "x"], ["--key"]),
            (["fetch"], ["<song>"]),
            (["model", "init", "somewhere"], ["--preset", "--hparams"]),
            (["verify"], ["<dir>"]),
        ]

        @Test func `wrong usage exits 64 and tells what is right`() async throws {
            for (arguments, words) in Self.mistakes {
                let result = try await Orchestrion.run(arguments)
                #expect(result.ending == .exited(64), "\(result.report)")
                #expect(result.output.isEmpty, "\(result.report)")
                for word in words { #expect(result.errorOutput.contains(word), "\(result.report)") }
            }
        }
    }
}
