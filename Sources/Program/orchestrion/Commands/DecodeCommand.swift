import ArgumentParser
import AudioFile
import Foundation

struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Make audio of a song's codes again.",
        discussion: """
            The codes are the song; audio is made from them by the model's VQ-VAE, and is the same every time. Of a \
            song's folder, song.json says which model, and how segments are joined. Of a file of codes alone, all that \
            is known is the model. Audio that is there already is left as it is.

            Examples:
              orchestrion decode songs/mysong --format flac
              orchestrion decode songs/mysong --level 0 --out again
              orchestrion decode data.pth.tar --model 5b_lyrics --out theirs
            """)

    @Argument(
        help: ArgumentHelp(
            "A finished song's folder, or a file of codes: codes.safetensors, or the original's data.pth.tar.",
            valueName: "dir|file"))
    var source: String

    @Option(
        help: ArgumentHelp(
            "Where the audio goes, as level_L/sample_N (default: the song's folder, or the file's).", valueName: "dir"))
    var out: String?

    @Option(help: "Only this level (default: all that have codes).")
    var level: Int?

    @Option(help: ArgumentHelp("Of the audio files (default: as the song's were, or wav).", valueName: "format"))
    var format: AudioFormat?

    @Option(
        help: ArgumentHelp(
            "The song's model, when it lies elsewhere than song.json says, or of a file of codes (default music-box).",
            valueName: "dir|name"))
    var model: String?

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @OptionGroup var compute: ThreadOptions

    @Flag(help: "Print what was made as JSON.")
    var json = false

    func run() throws {
        if let out { try OutputPlace.check(URL(fileURLWithPath: out)) }
        compute.sayLimits { Terminal.note($0) }
        let report = try SongDecoder(
            source: URL(fileURLWithPath: source), out: out.map { URL(fileURLWithPath: $0, isDirectory: true) },
            level: level, format: format, model: model, preset: preset, threads: compute.threads
        ).decode()
        print(json ? try Terminal.json(report) : report.text)
    }
}
