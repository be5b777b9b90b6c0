import ArgumentParser
import ClusterClient
import Foundation
import SongFiles
import SongPlan

/// How a song is handed to a coordinator, and what is done with it then.
struct SubmissionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The song's id (default: made up). Submitting the same song under one id twice is once.", valueName: "name")
    )
    var id: String?

    @Option(help: ArgumentHelp("Songs of a higher priority go first (default 0).", valueName: "n"))
    var priority: Int = 0

    @Flag(help: "Follow the song until it ends, then fetch it.")
    var wait = false

    @Option(help: ArgumentHelp("Where --wait puts the song (default songs/ID).", valueName: "dir"))
    var out: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard out == nil || wait else {
            throw ValidationError("--out is for --wait; without it, orchestrion fetch --out copies the song")
        }
        guard id?.hasPrefix("-") != true else { throw ValidationError("--id must not begin with a dash") }
        guard (-1000...1000).contains(priority) else { throw ValidationError("--priority must be -1000 to 1000") }
    }

    /// What a branch comes from is made on the coordinator, too.
    private func ancestors(of id: String, _ client: ClusterClient, _ scratch: URL) -> AncestryMaker {
        func name(_ number: Int) -> String { "\(id.prefix(50))-from-\(number)" }
        return AncestryMaker(folder: scratch, id: name) { request, number in
            let song = name(number)
            _ = try client.submitShown(request, song: song, priority: priority)
            try SongFollower(client: client, song: song, isQuiet: json).run().mustBeFinished()
            let layout = SongFolderLayout(scratch.appendingPathComponent("\(number)"))
            _ = try client.fetchShown(song: song, into: layout.folder) { $0 == SongFolderLayout.codesName }
            return layout
        }
    }

    /// - Parameter name: what the song is called.
    func submit(_ request: SongRequest, client: ClusterClient, name: String? = nil) throws {
        if let out { try OutputPlace.check(URL(fileURLWithPath: out)) }
        let id = id ?? String(UUID().uuidString.prefix(8)).lowercased()
        let scratch = ScratchFolder()
        defer { withExtendedLifetime(scratch) {} }
        let request = try ancestors(of: id, client, scratch.url).completed(request)
        let tokens = try client.submitShown(request, song: id, priority: priority)
        if let name { try client.note(NoteUpdate(name: name), of: id) }
        guard wait else {
            if json {
                print(try Terminal.json(["song": id, "seed": "\(request.specification.seed)", "tokens": "\(tokens)"]))
            } else {
                print(id)
                Terminal.note("\(tokens) tokens to sample; orchestrion watch \(id) shows how far it is.")
            }
            return
        }
        if !json { Terminal.note("Song \(id), seed \(request.specification.seed), \(tokens) tokens to sample.") }
        let status = try SongFollower(client: client, song: id, isQuiet: json).run()
        try status.mustBeFinished()
        let folder = URL(fileURLWithPath: out ?? "songs/\(id)")
        _ = try client.fetchShown(song: id, into: folder)
        try SongReport(folder: folder, seed: request.specification.seed).print(json: json)
    }
}
