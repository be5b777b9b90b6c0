import ArgumentParser
import AudioFile
import Foundation
import SongFiles
import Stitching
import SystemErrors

struct SeamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seams",
        abstract: "Measure whether the seams of a song in segments can be heard.",
        discussion: """
            A detector (onsets, phase, change of the spectrum, clicks) scores every seam and 200 other places of the \
            same song. The AUC is the chance that a seam scores higher than another place: 0.5 is undetectable, 1 is \
            plain to hear.

            Example:
              orchestrion seams songs/mysong --out seams.svg
            """)

    @Argument(help: ArgumentHelp("A finished song's folder.", valueName: "dir"))
    var directory: String

    @Option(help: "Which sample.")
    var sample: Int = 0

    @Option(help: "Of which level's audio (default: the lowest that is there).")
    var level: Int?

    @Option(
        help: ArgumentHelp("The SVG (default: beside the audio, level_L/sample_N_seams.svg).", valueName: "file"))
    var out: String?

    @Flag(help: "Print the report as JSON.")
    var json = false

    private struct Output: Encodable {
        var folder: String
        var level: Int
        var sample: Int
        var plot: String
        var report: SeamReport
    }

    func run() throws {
        let song = try SongFolder(URL(fileURLWithPath: directory, isDirectory: true))
        let measured = try MeasuredSeams(song, name: directory, level: level, sample: sample)
        let (level, report, seconds) = (measured.level, measured.report, measured.seconds)
        let file =
            out.map { URL(fileURLWithPath: $0) }
            ?? song.layout.seams(level: level, sample: sample)
        let title = "\(song.url.lastPathComponent)  ·  level \(level), sample \(sample)  ·  \(song.approximate ?? "")"
        let plot = SeamPlot(report, title: title, seconds: seconds)
        try OutputFile.replace(file.path, with: plot.svg)
        if json {
            print(
                try Terminal.json(
                    Output(folder: directory, level: level, sample: sample, plot: file.path, report: report)))
            return
        }
        print(
            String(
                format: "AUC %.3f of %d seams among %d other places (0.5: undetectable)", report.auc,
                report.seams.count, report.others.count))
        for seam in report.seams {
            let above = report.others.count { $0.score > seam.score }
            print(
                String(
                    format: "  %7.2f s  score %5.1f  more noticeable than %d %% of the song", seam.seconds, seam.score,
                    100 - 100 * above / max(1, report.others.count)))
        }
        print("  \(file.path)")
    }
}

/// The seams of one level of a sample of a finished song, scored.
struct MeasuredSeams {
    let level: Int
    let report: SeamReport
    /// Of the audio.
    let seconds: Double

    /// - Parameters:
    ///   - name: what the song is called, for errors.
    ///   - level: nil takes the lowest that has seams.
    /// - Throws: `CommandError` for a song without seams, or one that is too short.
    init(_ song: SongFolder, name: String, level: Int?, sample: Int) throws {
        let joins = song.joins.filter { $0.sample == sample }
        guard let level = level ?? joins.map(\.level).min() else {
            throw CommandError("\(name) has no seams: its sample \(sample) was not sampled in segments")
        }
        let seams = joins.filter { $0.level == level }.map(\.position)
        guard !seams.isEmpty else { throw CommandError("\(name) has no seams at level \(level)") }
        let reader = try AudioReader(path: song.wholeAudio(level: level, sample: sample).path)
        let report = try SeamReport(seams: seams, length: reader.frames, rate: reader.sampleRate) {
            try reader.read($0..<$0 + $1)
        }
        guard let report else { throw CommandError("\(name) is too short to compare its seams with other places") }
        (self.level, self.report, seconds) = (level, report, reader.duration)
    }
}
