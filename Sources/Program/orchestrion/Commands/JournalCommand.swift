import ArgumentParser
import Foundation
import Journal
import StateCopy
import SystemErrors

struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Look after a coordinator's journal: check it, copy it, go back to a copy, make it smaller.",
        discussion: """
            The journal, DIR/journal.sqlite, has all songs and tokens of a coordinator that are not finished. A \
            coordinator copies it into DIR/backups at each start and once a day, and keeps the two newest copies.

            Examples:
              orchestrion journal check --state /var/lib/orchestrion
              orchestrion journal backup --state /var/lib/orchestrion
              orchestrion journal restore --state /var/lib/orchestrion
            """,
        subcommands: [Check.self, Backup.self, Restore.self, Compact.self, Receive.self])

    struct StateOptions: ParsableArguments {
        @Option(help: ArgumentHelp("The coordinator's folder.", valueName: "dir"))
        var state: String

        @Flag(help: "Print it as JSON.")
        var json = false

        /// - Throws: `CommandError` when there is no journal.
        func path() throws -> String {
            let path = Journal.path(state)
            guard FileManager.default.fileExists(atPath: path) else {
                throw CommandError(
                    "there is no journal in \(state); --state is what the coordinator was started with")
            }
            return path
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a journal is whole; the coordinator may run meanwhile.",
            discussion: """
                Reads every row and compares it with its checksum. Nothing is changed.

                Exit codes: 0 all is well, 1 something is damaged or cannot be read.
                """)
        @OptionGroup var options: StateOptions

        func run() throws {
            _ = try options.path()
            let check = try JournalCheck.of(folder: options.state)
            if options.json { print(try Terminal.json(check)) } else { show(check) }
            if !check.isWell { throw ExitCode(1) }
        }

        private func show(_ check: JournalCheck) {
            print(
                "\(check.file): \(check.songs) songs, \(check.records) records, \(Terminal.bytes(check.bytes))"
                    + (check.freeBytes > 0 ? ", \(Terminal.bytes(check.freeBytes)) of it free" : ""))
            for fault in check.structure { print("  damaged: \(fault)") }
            for fault in check.damagedRows { print("  damaged: \(fault)") }
            for backup in check.backups {
                print("  backup: \(backup.file), \(Terminal.duration(backup.ageSeconds)) old")
            }
            if check.isWell { return print("All is well.") }
            print(
                check.structure.isEmpty
                    ? "A coordinator that is started on it drops these records, and samples again what they held."
                    : "A coordinator that is started on it saves what can be read; what is lost is sampled again.")
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a journal; the coordinator may run meanwhile.",
            discussion: """
                Prints the copy's name. It is one file, which holds all that was acknowledged before. orchestrion journal \
                restore goes back to it.

                Exit codes: 0 done, 1 it could not be copied.
                """)
        @OptionGroup var options: StateOptions

        @Option(help: ArgumentHelp("The copy (default DIR/backups/journal-DATE.sqlite).", valueName: "file"))
        var out: String?

        func run() throws {
            let copy = try JournalBackup.make(of: options.path(), to: out)
            print(options.json ? try Terminal.json(["file": copy]) : copy)
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go back to a copy of the journal; the coordinator must be stopped.",
            discussion: """
                Without FILE it takes the newest copy in DIR/backups. The copy is checked first. The journal that was there \
                is kept as DIR/journal.damaged-DATE.sqlite. Songs that were submitted since the copy was made are lost; \
                tokens that were sampled since are sampled again, with the same result.

                A coordinator reads damaged journals by itself as far as that goes. Use this when it says so, or when too \
                much was lost.

                Exit codes: 0 done, 1 it could not be done: nothing was changed then.
                """)
        @OptionGroup var options: StateOptions

        @Argument(help: ArgumentHelp("The copy (default: the newest in DIR/backups).", valueName: "file"))
        var file: String?

        func run() throws {
            let done = try JournalRestoration.make(in: options.state, from: file)
            if options.json { return print(try Terminal.json(done)) }
            print("\(done.from) is the journal now: \(done.songs) songs, \(done.records) records")
            if let former = done.former { print("the one that was there is kept as \(former)") }
        }
    }

    struct Receive: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the copy of a coordinator's state; coordinator --copy-to ssh://… starts it.",
            discussion: """
                It reads what the coordinator sends at standard input, and answers at standard output. Nobody types this.

                Exit codes: 0 the coordinator hung up, 1 what came cannot be understood.
                """)

        @Option(help: ArgumentHelp("The folder of the copy.", valueName: "dir"))
        var folder: String

        func run() throws {
            PrivateFiles.begin()
            signal(SIGPIPE, SIG_IGN)
            try CopyReceiver.run(folder: folder)
        }
    }

    struct Compact: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a journal's free room back to the disk; the coordinator must be stopped.",
            discussion: """
                A coordinator does so by itself when a quarter of the journal is free. The file is written anew, so that \
                its disk must have as much room again.

                Exit codes: 0 done, 1 it could not be done, for example because a coordinator runs.
                """)
        @OptionGroup var options: StateOptions

        func run() throws {
            _ = try options.path()
            let journal = try Journal(folder: options.state)
            defer { journal.close() }
            let before = try journal.size().bytes
            try journal.compact()
            let after = try journal.size().bytes
            if options.json {
                print(try Terminal.json(["bytes_before": before, "bytes_after": after]))
            } else {
                print("\(Terminal.bytes(before)) before, \(Terminal.bytes(after)) now")
            }
        }
    }
}
