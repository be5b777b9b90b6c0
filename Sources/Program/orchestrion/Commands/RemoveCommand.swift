import ArgumentParser
import ClusterClient

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take songs away from the coordinator: their files, their tokens, and that they ever were.",
        discussion: """
            What was fetched before stays where it is. The id is free again.

            Example:
              orchestrion remove song-1 song-2
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The songs.", valueName: "song"))
    var songs: [String]

    @Flag(help: "Songs that have not ended, too: they are cancelled, and what was sampled of them is lost.")
    var force = false

    func run() throws {
        for song in songs { try ClusterClient.check(id: song) }
        let client = try connection.client()
        defer { client.close() }
        for song in songs {
            let wasRunning = try client.remove(song: song, force: force)
            print(wasRunning ? "\(song) is cancelled and removed" : "\(song) is removed")
        }
    }
}
