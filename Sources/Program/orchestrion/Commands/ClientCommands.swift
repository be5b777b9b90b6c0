import ArgumentParser
import ClusterClient
import Foundation
import SongFiles
import SongPlan

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Give a song to a coordinator.",
        discussion: """
            Prints the song's id, for watch, fetch and cancel. Recordings and codes are sent along.

            Examples:
              orchestrion submit --model 1b_lyrics --artist "…" --genre jazz --seconds 60 --wait --out mysong
              orchestrion submit --model 1b_lyrics --mode upsample --prompt take.flac
            """)

    @OptionGroup(title: "Song") var song: SongOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @OptionGroup(title: "Submission") var submission: SubmissionOptions

    func run() throws {
        if let id = submission.id { try ClusterClient.check(id: id) }
        let request = try song.request()
        let client = try connection.client()
        defer { client.close() }
        try submission.submit(request, client: client)
    }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the coordinator's songs and workers, or the hosts of a cluster.",
        discussion: """
            orchestrion status               songs and workers, as the coordinator says
            orchestrion status cluster.toml  the hosts of orchestrion up: what they are, what runs there, and whether it is let \
            in; exit code 1 when something is not as the file says
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "Only this song; or the file of a cluster (….toml), for its hosts.")
    var song: String?

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() throws {
        if let song, song.hasSuffix(".toml") { return try HostWork.status(song, json: json) }
        if let song { try ClusterClient.check(id: song) }
        let client = try connection.client()
        defer { client.close() }
        let status = try client.status(song: song ?? "")
        if json {
            print(try status.json())
            return
        }
        print(status.songs.isEmpty ? "No songs." : "Songs")
        for song in status.songs { print("  \(SongView.line(song, workers: status.workers.count))") }
        print(status.workers.isEmpty ? "No workers." : "Workers")
        for worker in status.workers {
            let levels = worker.levels.map(String.init).joined(separator: ",")
            print(
                String(
                    format: "  %@  levels %@  %d of %d slots busy  %.0f tokens/s  heard %.1f s ago%@", worker.name,
                    levels,
                    worker.busy, worker.slots, worker.tokensPerSecond, worker.silentSeconds,
                    worker.outWord.map { "  \($0)" } ?? ""))
        }
        for trouble in status.troubles { print("Trouble: \(trouble)") }
        for note in status.notes { print("Note: \(note)") }
        if let copy = status.copy {
            let files =
                copy.pendingBytes > 0 ? ", \(Terminal.bytes(Int(clamping: copy.pendingBytes))) of files to come" : ""
            let problem = copy.problem.isEmpty ? "" : " (\(copy.problem))"
            print(String(format: "Copy in %@: %.1f s behind%@%@", copy.place, copy.behindSeconds, files, problem))
        }
        if let count = status.connections {
            let away = count.turnedAway == 0 ? "" : ", \(count.turnedAway) turned away"
            print("\(count.open) of at most \(count.limit) connections\(away)")
        }
        for line in SetAsideView.lines(status.setAsides) + RefusalView.lines(status.refusals) { print(line) }
    }
}

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follow a song, or all that runs: levels, windows, speed, workers, time left.")

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song; without one, all songs, until Ctrl-C.")
    var song: String?

    func run() throws {
        if let song { try ClusterClient.check(id: song) }
        let client = try connection.client()
        defer { client.close() }
        if let song {
            let status = try SongFollower(client: client, song: song).run()
            print("\(song) is \(status.state)\(status.reason.isEmpty ? "" : ": \(status.reason)")")
            try status.mustBeFinished()
            return
        }
        var lines = LiveLines()
        while true {
            let status = try client.status(patience: .seconds(300))
            let running = status.songs.filter { !$0.state.isEnded }
            let count = status.workers.count
            var text = [
                "\(count) \(count == 1 ? "worker" : "workers"), \(running.count) of \(status.songs.count) songs running"
            ]
            text += status.troubles.map { "trouble: \($0)" }
            for song in running {
                text += SongView.lines(song, workers: status.workers.count, elapsed: song.ageSeconds)
            }
            if Terminal.drawsOutput { lines.draw(text) } else { print(text.joined(separator: "\n")) }
            Thread.sleep(forTimeInterval: Terminal.drawsOutput ? 0.5 : 5)
        }
    }
}

struct FetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Copy a song's files from the coordinator.")

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song.")
    var song: String

    @Option(help: ArgumentHelp("The folder to put them in (default songs/ID).", valueName: "dir"))
    var out: String?

    @Option(help: "Only this level's audio.")
    var level: Int?

    @Flag(
        help: """
            Of a song that is still sampled, the audio that exists: of --level, or of the lowest level that has some. \
            It is the beginning of what will be the finished file.
            """)
    var soFar = false

    @Flag(help: "Print what was copied as JSON.")
    var json = false

    func run() throws {
        try ClusterClient.check(id: song)
        let folder = URL(fileURLWithPath: out ?? "songs/\(song)")
        try OutputPlace.check(folder)
        let client = try connection.client()
        defer { client.close() }
        if soFar {
            return try show(client.fetchSoFar(song: song, into: folder, level: level, progress: TransferLine().show))
        }
        let files = try client.fetchShown(song: song, into: folder) { path in
            level.map { SongFolderLayout.isOf(level: $0, path) } ?? true
        }
        guard !files.isEmpty else { throw try nothing(of: client) }
        if Set([SongFolderLayout.codesName, SongFolderLayout.descriptionName]).isSubset(of: files) {
            try SongFolder(folder).checkCodes()
        }
        if json {
            print(try Terminal.json(["folder": [folder.path], "files": files]))
        } else {
            print("\(folder.path)")
            if let text = (try? SongFolder(folder))?.approximation { print("  \(text)") }
            for file in files { print("  \(file)") }
        }
    }

    /// Why there is nothing to copy.
    private func nothing(of client: ClusterClient) throws -> CommandError {
        let what = level.map { "files of level \($0)" } ?? "files"
        let state = try client.status(song: song).songs.first { $0.song == song }?.state
        guard level == nil, state == .finished else {
            return CommandError(
                "\(song) has no \(what) yet; orchestrion watch \(song) shows how far it is, and its levels")
        }
        return CommandError(
            "\(song) is finished, but its files are gone from the coordinator's state folder: somebody removed them. "
                + "Submit it once more under another id; the same song comes of it")
    }

    private func show(_ report: SoundReport) throws {
        if json { return print(try Terminal.json(report)) }
        print(report.folder)
        for sound in report.sounds {
            print(
                String(
                    format: "  %@  %.1f of %.1f s%@", sound.file, sound.seconds, report.songSeconds,
                    sound.complete ? ", complete" : ""))
        }
    }
}

extension SongProgress {
    /// - Throws: exit code 1 for a song that failed or was cancelled.
    func mustBeFinished() throws {
        guard state != .finished else { return }
        Terminal.note("The song is \(state)\(reason.isEmpty ? "" : ": \(reason)")")
        throw ExitCode(1)
    }
}
