import ArgumentParser
import ClusterClient
import Foundation
import SongPlan

struct TreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "Show what a song comes from, and what came of it.",
        discussion: """
            Each line has the song's id, its name, what was done and where, and how far it is. Hidden songs are left away \
            unless --all is given.

            Example:
              orchestrion tree mine
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "Any song of the tree.")
    var song: String

    @Flag(help: "Hidden songs, too.")
    var all = false

    @Flag(help: "Print the songs as JSON, parents before children.")
    var json = false

    func run() throws {
        try ClusterClient.check(id: song)
        let client = try connection.client()
        defer { client.close() }
        let songs = try client.tree(of: song)
        if json {
            print(try TreeDocument(songs).json())
            return
        }
        guard let root = songs.first else { return }
        show(root, in: songs, before: "", isLast: true, isRoot: true)
    }

    private func show(
        _ song: SongProgress, in songs: [SongProgress], before: String, isLast: Bool, isRoot: Bool = false
    ) {
        print(before + (isRoot ? "" : isLast ? "└─ " : "├─ ") + line(song))
        let children = songs.filter { $0.parent?.song == song.song && isShown($0, in: songs) }
        for child in children {
            let indent = isRoot ? "" : before + (isLast ? "   " : "│  ")
            show(child, in: songs, before: indent, isLast: child.song == children.last?.song)
        }
    }

    /// Whether a song is not hidden, was asked for, or has something below it that is shown.
    private func isShown(_ song: SongProgress, in songs: [SongProgress]) -> Bool {
        all || !song.note.isHidden || song.song == self.song
            || songs.contains { $0.parent?.song == song.song && isShown($0, in: songs) }
    }

    private func line(_ song: SongProgress) -> String {
        var parts = [song.song]
        if song.note.isStarred { parts.append("★") }
        if !song.note.name.isEmpty { parts.append("\"\(song.note.name)\"") }
        if let parent = song.parent {
            parts.append(Self.words(parent) + (parent.song == nil ? " of a song that is not here any more" : ""))
        }
        parts.append(String(format: "%.1f s", song.seconds))
        parts.append(song.state == .sampling ? "sampling \(Int(song.share * 100)) %" : song.state.rawValue)
        if song.note.isHidden { parts.append("(hidden)") }
        return parts.joined(separator: "  ")
    }

    private static func words(_ parent: SongProgress.Parent) -> String {
        let samples = parent.samples.map(String.init).joined(separator: ",")
        let place = String(format: "%.1f", parent.toSeconds)
        return switch parent.operation {
        case "cut": "cut of sample \(samples), \(String(format: "%.1f", parent.fromSeconds)) to \(place) s"
        case "upsample": "upsample of \(samples)"
        default: "\(parent.operation) from \(place) s of sample \(samples)"
        }
    }
}

struct NameCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "name",
        abstract: "Call a song something, star it, hide it, or keep a note beside it.",
        discussion: """
            Names and notes are the coordinator's, and outlive its restarts. They change nothing of the song, and no file of it.

            Examples:
              orchestrion name 5b1c0f2e "the slow one"
              orchestrion name 5b1c0f2e --star --note "the second verse is best"
              orchestrion name 5b1c0f2e --hide
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song.")
    var song: String

    @Argument(help: ArgumentHelp("What it is called; empty takes the name away.", valueName: "text"))
    var name: String?

    @Option(help: ArgumentHelp("A note, or @file to read it from; empty takes it away.", valueName: "text|@file"))
    var note: String?

    @Flag(inversion: .prefixedNo, help: "Star it.")
    var star: Bool?

    @Flag(inversion: .prefixedNo, help: "Leave it out of lists.")
    var hide: Bool?

    func validate() throws {
        guard name != nil || note != nil || star != nil || hide != nil else {
            throw ValidationError("say what is noted: a name, --note, --star or --hide")
        }
    }

    func run() throws {
        try ClusterClient.check(id: song)
        let client = try connection.client()
        defer { client.close() }
        try client.note(
            NoteUpdate(name: name, note: note.map(LyricInput.text), isStarred: star, isHidden: hide), of: song)
        print("noted")
    }
}
