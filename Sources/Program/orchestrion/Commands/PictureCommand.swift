import ArgumentParser
import Foundation

struct PictureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "picture",
        abstract: "Draw a song: its spectrogram, and below it when which lyrics are sung.",
        discussion: """
            The alignment is the attention of the model's alignment head from the top-level tokens to the lyrics' \
            characters; the line over it is the likeliest way through them that never falls back. Times of lines and \
            characters are read from that line. Without lyrics, or with a model that has no such head, there is only \
            the spectrogram.

            Example:
              orchestrion picture songs/mysong
            """)

    @Argument(help: ArgumentHelp("A finished song's folder.", valueName: "dir"))
    var directory: String

    @Option(help: "Which sample.")
    var sample: Int = 0

    @Option(help: "Of which level's audio (default: the lowest that is there).")
    var level: Int?

    @Option(help: ArgumentHelp("The PNG (default: beside the audio, level_L/sample_N.png).", valueName: "file"))
    var out: String?

    @Option(help: ArgumentHelp("The song's model, when it lies elsewhere than song.json says.", valueName: "dir|name"))
    var model: String?

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @OptionGroup var compute: ThreadOptions

    @Flag(help: "Print the times of lines and characters as JSON.")
    var json = false

    func run() throws {
        compute.sayLimits { Terminal.note($0) }
        let folder = try SongFolder(URL(fileURLWithPath: directory, isDirectory: true))
        let report = try PictureMaker(
            song: folder, sample: sample, level: level, out: out.map { URL(fileURLWithPath: $0) }, model: model,
            preset: preset, threads: compute.threads
        ).make()
        if json { print(try Terminal.json(report)) } else { print(report.text) }
    }
}
