import ArgumentParser
import ClusterClient

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a song go on that is parked, failed or cancelled, from the tokens that it has.",
        discussion: """
            A song is parked when one of its windows crashes whatever worker has it; status says which. A song that was \
            parked, failed or cancelled keeps its tokens. Nothing is held against its windows any more after this.

            Exit codes: 0 the song goes on, 1 there is no such song, or it is finished.
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song.")
    var song: String

    func run() throws {
        try ClusterClient.check(id: song)
        let client = try connection.client()
        defer { client.close() }
        let wasAtRest = try client.resume(song: song)
        print(wasAtRest ? "\(song) goes on" : "\(song) was going on already")
    }
}
