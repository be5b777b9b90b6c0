import ArgumentParser
import Foundation
import JukeboxModel
import MusicBox
import SongFiles

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "See it work: a small cluster samples a song, a worker is killed, and the song is the same.",
        discussion: """
            Starts a coordinator and two workers on this machine, submits a song to them, kills one worker half way \
            (kill -9) and starts another, fetches the song, samples it again undisturbed in one process, compares all \
            tokens, and draws the song's picture. It uses \(MusicBox.name), the model that ships, at the temperatures \
            that its card recommends (\(temperature)).

            Examples:
              orchestrion demo
              orchestrion demo --genre waltz --lyrics "sun sea sky far low you"
              orchestrion demo take.flac
              orchestrion demo --page
            """)

    /// Cooler at the lower levels, whose noise adds up: what the model's card recommends (Docs/MusicBox.md).
    private static let temperature = "0.8,0.9,0.99"

    /// As many lines as twenty seconds have, in the words that the model knows.
    private static let lyrics = """
        sun sea sky far low you
        new day may fly for her
        men too row all old sea
        sky run far day who her
        low old sun may fly way
        you men all new for tea
        sea sky low sun far day
        """

    @Argument(
        help: ArgumentHelp(
            "A recording (WAV, FLAC, OGG, MP3) whose top level is kept; the lower ones are sampled. Without one the "
                + "song is made from nothing.", valueName: "recording"))
    var recording: String?

    @Option(help: "Seconds to make (default 20; of a recording, its first 8).")
    var seconds: Double?

    @Option(help: "Genre (default techno).")
    var genre: String?

    @Option(help: "Artist (default mira_sol).")
    var artist: String?

    @Option(help: ArgumentHelp("Lyrics, or @file to read them from.", valueName: "text|@file"))
    var lyrics: String?

    @Option(help: ArgumentHelp("How numbers are kept: \(NumericProfile.list).", valueName: "profile"))
    var profile: NumericProfile = .standard

    @Option(help: "The only source of chance.")
    var seed: UInt64 = 2020

    @Option(help: ArgumentHelp("The output folder (default songs/demo-DATE-TIME).", valueName: "dir"))
    var out: String?

    @Flag(help: "Leave the cluster running afterwards, with its HTTP API, and print the address; Ctrl-C ends it.")
    var page = false

    func run() throws {
        if let recording, !FileManager.default.fileExists(atPath: recording) {
            throw ValidationError("there is no file \(recording)")
        }
        let folder = URL(fileURLWithPath: out ?? "songs/demo-\(SampleCommand.timeName())")
        guard !SongFolderLayout(folder).isFinished else {
            throw ValidationError("\(folder.path) already holds a song; choose another --out")
        }
        // Two samples, so that both workers have something to do throughout.
        let length = seconds ?? (recording == nil ? 20 : 8)
        var song = ["--model", MusicBox.name, "--seed", "\(seed)", "--samples", "2", "--seconds", "\(length)"]
        song += ["--temperature", Self.temperature]
        var (genre, artist, lyrics) = (genre, artist, lyrics)
        let introduction: String
        if let recording {
            song += ["--mode", "upsample", "--prompt", recording]
            introduction = "The first \(Self.text(length)) s of \(recording), sampled anew below the top level"
        } else {
            (genre, artist, lyrics) = (genre ?? "techno", artist ?? "mira_sol", lyrics ?? Self.lyrics)
            introduction =
                "\(Self.text(length)) s of \(genre!) by \(artist!), who sings: "
                + lyrics!.split(separator: "\n").joined(separator: " / ")
        }
        for (name, value) in [("--genre", genre), ("--artist", artist), ("--lyrics", lyrics)] {
            if let value { song += [name, value] }
        }
        try Demonstration(song: song, introduction: introduction, folder: folder, profile: profile, stays: page).run()
    }

    private static func text(_ seconds: Double) -> String { String(format: "%g", seconds) }
}
