import ArgumentParser
import ClusterClient
import Foundation
import MeasurementSupport
import SongFiles
import SongPlan

struct RecordingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recording",
        abstract: "A recording's lower levels on three workers, undisturbed and disturbed.",
        discussion: """
            Samples the levels below the top in segments, on three workers of one thread, twice. The second time, some \
            seconds after the submission, one worker is killed, and from then on another is stopped for three quarters \
            of the time. Codes and audio must be the same bytes: if they are not, the exit code is 1.

            Examples:
              measure-segments recording take.flac
              measure-segments recording take.flac --stop-at 1 --json
            """)

    @Argument(help: "The recording: WAV, FLAC, OGG or MP3.")
    var file: String

    @Option(help: ArgumentHelp("The lowest level to sample: 0 or 1.", valueName: "level"))
    var stopAt = 0

    @Option(
        help: ArgumentHelp(
            "In how many segments; auto: as many as suit the song and the cluster.", valueName: "n|auto"))
    var segments = Segments(choice: .auto)

    @Option(help: ArgumentHelp("How long after the submission a worker is killed.", valueName: "s"))
    var killAfter = 20.0

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...1).contains(stopAt) else { throw ValidationError("--stop-at must be 0 or 1") }
        guard killAfter >= 0 else { throw ValidationError("--kill-after must be 0 or more") }
        guard access(file, R_OK) == 0 else { throw ValidationError("there is no file \(file) that can be read") }
    }

    func run() throws {
        let progress = MeasurementProgress(total: 2.5)
        let (calm, disturbed) = try (
            Running.folder().appendingPathComponent("undisturbed"), Running.folder().appendingPathComponent("disturbed")
        )
        progress.begin("undisturbed")
        let first = try sample("undisturbed", into: calm, progress)
        progress.begin("disturbed", weight: 1.5)
        let second = try sample("disturbed", into: disturbed, progress)
        progress.clear()
        let report = RecordingReport(
            file: file, lowestLevel: stopAt, runs: [first, second],
            sameCodes: try Self.equal([calm, disturbed].map { SongFolderLayout($0).codes }),
            sameAudio: try Self.equal(
                [calm, disturbed].map {
                    SongFolderLayout($0).audio(level: stopAt, sample: 0, fileExtension: "wav")
                }))
        try output.print(report, text: report.text)
        guard report.sameCodes, report.sameAudio else { throw ExitCode(1) }
    }

    private static func equal(_ files: [URL]) throws -> Bool {
        let contents = try files.map { try Data(contentsOf: $0, options: .mappedIfSafe) }
        return contents[0] == contents[1]
    }

    private func sample(_ name: String, into folder: URL, _ progress: MeasurementProgress) throws -> RecordingReport.Run
    {
        let cluster = try Cluster(workers: 3)
        var slowing: Turns?
        defer {
            slowing?.end()
            cluster.end()
        }
        try cluster.submit(
            SongSpecification(
                model: SongSpecification.usualModel, mode: .upsample, seed: 1, prompt: [file], stopAt: stopAt,
                segments: segments.choice))
        let begin = ContinuousClock.now
        var song = try cluster.progress()
        while song.state != .finished {
            if name == "disturbed", slowing == nil, begin.duration(to: .now) >= .seconds(killAfter) {
                guard song.state != .decoding else { throw Self.tooLate }
                cluster.kill(worker: 0)
                slowing = Turns([.init(child: cluster.workers[1], seconds: 0.1), .init(child: nil, seconds: 0.3)])
            }
            progress.update(Self.share(song))
            Thread.sleep(forTimeInterval: 0.2)
            song = try cluster.progress()
        }
        guard name != "disturbed" || slowing != nil else { throw Self.tooLate }
        try cluster.fetch(into: folder)
        let timeline = try Child.run(["timeline", folder.path, "--json"])
        return RecordingReport.Run(
            name: name, segments: song.segments, tokens: song.wantedTokens,
            seamsAUC: song.segments > 1 ? try MeasuredSeams.auc(of: folder) : nil,
            coordinatorMostMemory: cluster.coordinator.mostMemory,
            timeline: try JSONDecoder().decode(TimelineSummary.self, from: timeline))
    }

    /// Of the whole work; decoding takes about a third of it.
    private static func share(_ song: SongProgress) -> Double {
        switch song.state {
        case .preparing: 0
        case .decoding: 0.7 + 0.3 * song.stageShare
        default: 0.7 * song.share
        }
    }

    private static var tooLate: MeasurementError {
        MeasurementError("the song was sampled before a worker could be killed; give a smaller --kill-after")
    }
}

/// What `orchestrion timeline --json` prints, as far as it is used here.
private struct TimelineSummary: Codable {
    struct Worker: Codable {
        var name: String
        var windows: Int
        var tokens: Int
        /// Windows that were taken back, or that a copy was faster with.
        var lost: Int
        var tokensPerSecond: Double
        /// Share of the time in which it had a window.
        var busy: Double
    }
    var measuredSeconds: Double
    var plannedSeconds: Double?
    var workers: [Worker]
}

private struct RecordingReport: Encodable {
    struct Run: Encodable {
        var name: String
        var segments: Int
        var tokens: Int
        var seamsAUC: Double?
        /// Bytes.
        var coordinatorMostMemory: Int?
        var timeline: TimelineSummary

        var text: String {
            var line = String(format: "%@: %d tokens in %.1f s", name, tokens, timeline.measuredSeconds)
            if let planned = timeline.plannedSeconds {
                line += String(
                    format: ", planned %.1f s (%+.0f %%)", planned, (timeline.measuredSeconds / planned - 1) * 100)
            }
            line += ", \(segments) segments"
            if let seamsAUC { line += String(format: ", AUC %.3f", seamsAUC) }
            if let coordinatorMostMemory {
                line += ", coordinator's most memory \(coordinatorMostMemory / 1_000_000) MB"
            }
            let workers = timeline.workers.map {
                String(
                    format: "  %@: %d windows, %d tokens, %d lost, %.0f tokens/s, busy %.0f %%", $0.name, $0.windows,
                    $0.tokens, $0.lost, $0.tokensPerSecond, $0.busy * 100)
            }
            return ([line] + workers).joined(separator: "\n")
        }
    }
    var file: String
    var lowestLevel: Int
    var runs: [Run]
    var sameCodes: Bool
    var sameAudio: Bool

    var text: String {
        let same = "codes: \(sameCodes ? "the same" : "DIFFERENT"), audio: \(sameAudio ? "the same" : "DIFFERENT")"
        return (runs.map(\.text) + [same]).joined(separator: "\n")
    }
}
