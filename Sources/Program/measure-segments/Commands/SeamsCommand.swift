import ArgumentParser
import Foundation
import MeasurementSupport

struct SeamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seams",
        abstract: "Whether seams can be told from other places, by overlap.",
        discussion: """
            Samples the top level of each song once, and its lower levels in segments, once for each overlap; so the \
            overlaps are compared on the same music. orchestrion seams says of each song what its AUC is: the chance \
            that a seam scores higher than another place. 0.5 is undetectable, 1 is plain to hear.

            Examples:
              measure-segments seams --songs 20 --seconds 10
              measure-segments seams --first-seed 21 --overlaps 0,0.2,0.25,0.35 --json
            """)

    @Option(help: ArgumentHelp("How many songs.", valueName: "n"))
    var songs = 20

    @Option(help: ArgumentHelp("The first song's seed; each song has the next one.", valueName: "n"))
    var firstSeed = 1

    @Option(help: ArgumentHelp("Of each song.", valueName: "s"))
    var seconds = 24.0

    @Option(help: ArgumentHelp("Of each song.", valueName: "n"))
    var segments = 8

    @Option(help: ArgumentHelp("Seconds, with commas; 0: hard cuts.", valueName: "s[,…]"))
    var overlaps = Overlaps(argument: "0,0.25")!

    @OptionGroup var output: OutputOptions

    private static let genres = ["waltz", "rock", "techno", "swing", "bossa", "ballad"]

    func validate() throws {
        guard songs >= 1 else { throw ValidationError("--songs must be 1 or more") }
        guard firstSeed >= 0 else { throw ValidationError("--first-seed must be 0 or more") }
        guard segments >= 2 else { throw ValidationError("--segments must be 2 or more; one segment has no seams") }
        guard seconds > 0 else { throw ValidationError("--seconds must be more than 0") }
    }

    func run() throws {
        let progress = MeasurementProgress(total: Double(songs) * (0.3 + Double(overlaps.values.count)))
        var report = SeamsReport(
            seconds: seconds, segments: segments, overlaps: overlaps.values.map { .init(seconds: $0) })
        for seed in firstSeed..<firstSeed + songs {
            let song = try Running.folder().appendingPathComponent("song-\(seed)")
            let labels = ["--seed", "\(seed)", "--genre", Self.genres[seed % Self.genres.count]]
            let top = song.appendingPathComponent("top")
            progress.begin("song \(seed), top level", weight: 0.3)
            _ = try Child.run(
                ["sample", "--seconds", "\(seconds)", "--stop-at", "2", "--out", top.path] + labels, service: true)
            for place in overlaps.values.indices {
                let overlap = overlaps.values[place]
                let whole = song.appendingPathComponent("overlap-\(overlap)")
                progress.begin(String(format: "song %d, overlap %g s", seed, overlap))
                _ = try Child.run(
                    [
                        "sample", "--mode", "upsample", "--codes", top.appendingPathComponent("codes.safetensors").path,
                        "--segments", "\(segments)", "--overlap", "\(overlap)", "--out", whole.path,
                    ] + labels, service: true)
                let auc = try MeasuredSeams.auc(of: whole)
                report.overlaps[place].songs.append(.init(seed: seed, auc: auc))
                progress.say(String(format: "song %d, overlap %g s: AUC %.3f", seed, overlap, auc))
            }
            try FileManager.default.removeItem(at: song)
        }
        progress.clear()
        try output.print(report, text: report.text)
    }
}

/// Seconds, as `0,0.25`.
struct Overlaps: ExpressibleByArgument {
    var values: [Double]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = parts.compactMap { Double($0) }.filter { $0 >= 0 && $0.isFinite }
        guard values.count == parts.count, Set(values).count == values.count else { return nil }
    }

    var defaultValueDescription: String { values.map { String(format: "%g", $0) }.joined(separator: ",") }
}

private struct SeamsReport: Encodable {
    struct Song: Encodable {
        var seed: Int
        var auc: Double
    }
    struct Overlap: Encodable {
        var seconds: Double
        var songs: [Song] = []

        private enum CodingKeys: CodingKey { case seconds, songs, meanAUC, deviation }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(seconds, forKey: .seconds)
            try container.encode(songs, forKey: .songs)
            try container.encode(mean, forKey: .meanAUC)
            try container.encode(deviation, forKey: .deviation)
        }

        var mean: Double { songs.reduce(0) { $0 + $1.auc } / Double(songs.count) }

        /// Between the songs.
        var deviation: Double {
            (songs.reduce(0) { $0 + ($1.auc - mean) * ($1.auc - mean) } / Double(songs.count)).squareRoot()
        }
    }
    var seconds: Double
    var segments: Int
    var overlaps: [Overlap]

    var text: String {
        overlaps.map {
            String(
                format: "overlap %g s: mean AUC %.3f, deviation %.3f, songs: %d", $0.seconds, $0.mean, $0.deviation,
                $0.songs.count)
        }.joined(separator: "\n")
    }
}
