import ArgumentParser
import ClusterClient
import Foundation
import MeasurementSupport
import SongPlan

struct SpeedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "speed",
        abstract: "How much faster two workers are than one.",
        discussion: """
            Samples one song, a waltz, in clusters of workers of one thread, first exactly and then in segments. The \
            time is that from its submission to its last token.

            Two processors of a shared machine are often less than twice one. So the song is also sampled in two \
            clusters of one worker each at the same time: what both do together, over what one does alone, is what \
            the machine allows. With --turns the workers run one after the other, 0.1 s each, and one worker alone \
            rests as long as it runs. Then nothing is shared, and two workers can do twice what one does.

            Examples:
              measure-segments speed --seconds 60 --only exact
              measure-segments speed --turns --seconds 240 --segments 60
              measure-segments speed --turns --recording take.flac --segments 30 --only segments
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable, Encodable { case exact, segments }

    @Option(help: ArgumentHelp("Of the song (default 240).", valueName: "s"))
    var seconds: Double?

    @Option(
        help: ArgumentHelp(
            "In how many segments; auto: as many as suit the song and the cluster.", valueName: "n|auto"))
    var segments = Segments(choice: .auto)

    @Option(help: ArgumentHelp("Only one of the two modes.", valueName: "mode"))
    var only: Mode?

    @Option(help: ArgumentHelp("Sample this recording's lower levels instead of a song.", valueName: "file"))
    var recording: String?

    @Flag(help: "Let the workers run in turns of 0.1 s.")
    var turns = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seconds ?? 1 > 0 else { throw ValidationError("--seconds must be more than 0") }
        guard recording == nil || seconds == nil else {
            throw ValidationError("--recording is as long as it is; leave --seconds away")
        }
    }

    func run() throws {
        let modes = only.map { [$0] } ?? Mode.allCases
        let bothWeight = 1.2
        let progress = MeasurementProgress(total: Double(modes.count) * (turns ? 1.5 : 1.6 + bothWeight))
        var report = SpeedReport(seconds: seconds ?? 240, recording: recording, turns: turns)
        if recording != nil { report.seconds = nil }
        for mode in modes {
            progress.begin("\(mode), one worker")
            let one = try measure([1], mode, progress)[0]
            progress.begin("\(mode), two workers", weight: turns ? 0.5 : 0.6)
            let two = try measure([2], mode, progress)[0]
            var both: [Double]?
            if !turns {
                progress.begin("\(mode), two clusters of one worker", weight: bothWeight)
                both = try measure([1, 1], mode, progress)
            }
            let result = SpeedReport.Result(mode: mode, one: one, two: two, twoClusters: both)
            progress.say(result.text)
            report.results.append(result)
        }
        progress.clear()
        try output.print(report, text: report.results.map(\.text).joined(separator: "\n"))
    }

    private func specification(_ mode: Mode) -> SongSpecification {
        SongSpecification(
            model: SongSpecification.usualModel, mode: recording == nil ? .ancestral : .upsample,
            seconds: recording == nil ? seconds ?? 240 : nil, samples: [SampleSpecification(genre: "waltz")], seed: 1,
            prompt: recording.map { [$0] }, segments: mode == .segments ? segments.choice : nil)
    }

    /// Samples the song in clusters of so many workers, all at the same time.
    ///
    /// - Returns: seconds until each has all tokens, from its submission, or from when a recording is encoded.
    private func measure(_ workers: [Int], _ mode: Mode, _ progress: MeasurementProgress) throws -> [Double] {
        let clusters = try workers.map { try Cluster(workers: $0) }
        let taking = turns ? clusters.map { Turns(halves: $0.workers) } : []
        defer {
            for turns in taking { turns.end() }
            for cluster in clusters { cluster.end() }
        }
        var begins: [ContinuousClock.Instant] = []
        for cluster in clusters {
            begins.append(.now)
            try cluster.submit(specification(mode))
        }
        var seconds = [Double?](repeating: nil, count: clusters.count)
        while seconds.contains(nil) {
            var least = 1.0
            for (place, cluster) in clusters.enumerated() where seconds[place] == nil {
                let song = try cluster.progress()
                if song.state == .preparing, recording != nil { begins[place] = .now }
                if song.state == .decoding || song.state == .finished {
                    seconds[place] = begins[place].duration(to: .now) / .seconds(1)
                }
                least = min(least, song.share)
            }
            progress.update(least)
            Thread.sleep(forTimeInterval: 0.1)
        }
        return seconds.map { $0! }
    }
}

/// A number of segments, or `auto`.
struct Segments: ExpressibleByArgument {
    var choice: SegmentChoice

    init(choice: SegmentChoice) { self.choice = choice }

    init?(argument: String) {
        guard let choice = SegmentChoice(argument) else { return nil }
        if case .count(let count) = choice, count < 2 { return nil }
        self.choice = choice
    }

    var defaultValueDescription: String {
        if case .count(let count) = choice { "\(count)" } else { "auto" }
    }
}

private struct SpeedReport: Encodable {
    struct Result: Encodable {
        var mode: SpeedCommand.Mode
        var oneWorkerSeconds: Double
        var twoWorkersSeconds: Double
        /// How many times faster two workers are.
        var gain: Double
        var twoClustersSeconds: [Double]?
        /// What two clusters of one worker do at the same time, over one alone.
        var machineAllows: Double?

        init(mode: SpeedCommand.Mode, one: Double, two: Double, twoClusters: [Double]?) {
            self.mode = mode
            (oneWorkerSeconds, twoWorkersSeconds, twoClustersSeconds) = (one, two, twoClusters)
            gain = one / two
            machineAllows = twoClusters.map { $0.reduce(0) { $0 + one / $1 } }
        }

        var text: String {
            var text = String(
                format: "%@: %.2f s with one worker, %.2f s with two: %.2f times", mode.rawValue, oneWorkerSeconds,
                twoWorkersSeconds, gain)
            if let machineAllows, let both = twoClustersSeconds {
                text += String(
                    format: ", of %.2f that the machine allows (%.0f %%); %.2f and %.2f s in two clusters at once",
                    machineAllows, 100 * gain / machineAllows, both[0], both[1])
            }
            return text
        }
    }
    var seconds: Double?
    var recording: String?
    var turns: Bool
    var results: [Result] = []
}
