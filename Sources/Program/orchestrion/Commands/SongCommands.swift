import ArgumentParser
import ClusterClient

/// Songs of a coordinator, for commands that ask for one thing to be done with each.
struct NamedSongs: ParsableArguments {
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The songs.", valueName: "song"))
    var songs: [String]

    /// What cannot be done with one song is told, and the others have their turn.
    ///
    /// - Parameter body: does it with one song, and returns what there is to say.
    /// - Throws: `ExitCode` 1 when it could not be done with all.
    func ask(_ body: (ClusterClient, String) throws -> String) throws {
        for song in songs { try ClusterClient.check(id: song) }
        let client = try connection.client()
        defer { client.close() }
        guard songs.count > 1 else { return print(try body(client, songs[0])) }
        var hasFailed = false
        for song in songs {
            do {
                print(try body(client, song))
            } catch let error as ClientError where error.kind != .silent {
                Terminal.note("Error: \(error)")
                hasFailed = true
            }
        }
        if hasFailed { throw ExitCode(1) }
    }
}

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Stop songs. What was decoded of them stays and can be fetched; resume lets them go on.")

    @OptionGroup var named: NamedSongs

    func run() throws {
        try named.ask { client, song in
            try client.cancel(song: song) ? "\(song) is cancelled" : "\(song) had ended already"
        }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let songs go on that are parked, failed or cancelled, from the tokens that they have.",
        discussion: """
            A song is parked when one of its windows crashes whatever worker has it; status says which. A song that was \
            parked, failed or cancelled keeps its tokens. Nothing is held against its windows any more after this.

            Exit codes: 0 the songs go on, 1 there is no such song, or it is finished.
            """)

    @OptionGroup var named: NamedSongs

    func run() throws {
        try named.ask { client, song in
            try client.resume(song: song) ? "\(song) goes on" : "\(song) was going on already"
        }
    }
}

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take songs away from the coordinator: their files, their tokens, and that they ever were.",
        discussion: """
            What was fetched before stays where it is. The id is free again. A song that may still go on, a parked one \
            too, is removed only with --force.

            Example:
              orchestrion remove song-1 song-2
            """)

    @OptionGroup var named: NamedSongs

    @Flag(help: "Songs that have not ended, too: they are cancelled, and what was sampled of them is lost.")
    var force = false

    func run() throws {
        try named.ask { client, song in
            try client.remove(song: song, force: force) ? "\(song) is cancelled and removed" : "\(song) is removed"
        }
    }
}
