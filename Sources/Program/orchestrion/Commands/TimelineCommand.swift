import ArgumentParser
import ClusterClient
import ClusterSimulation
import CoordinatorCore
import Foundation
import SongFiles
import SongPlan
import SystemErrors

struct TimelineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timeline",
        abstract: "Show who sampled which window of a song when, against what was planned.",
        discussion: """
            The plan is made for workers of the speeds that they had in this run, there from their first window on \
            and until they were lost; or for --workers, as orchestrion plan takes them. A song's folder that was \
            fetched has the same record, timeline.json: give the folder instead of the song.

            Example: orchestrion timeline mysong --plot timeline.svg
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song, or the folder of one.")
    var song: String

    @Option(help: ArgumentHelp("Plan for these workers; see orchestrion plan.", valueName: "workers"))
    var workers: String?

    @Option(
        help: ArgumentHelp(
            "With --workers, tokens a second of a usual worker, for each level, level 0 first.", valueName: "n[,…]"))
    var usual: String?

    @Option(help: ArgumentHelp("Draw it as an SVG.", valueName: "file.svg"))
    var plot: String?

    @Flag(help: "Print it as JSON.")
    var json = false

    func validate() throws {
        guard usual == nil || workers != nil else { throw ValidationError("--usual is for --workers") }
    }

    func run() throws {
        let timeline: Timeline
        do { timeline = try recorded() } catch let error as DecodingError {
            throw CommandError("\(SongFolderLayout.timelineName) of \(song): \(error.explanation)")
        }
        let report = try TimelineReport(timeline, planned: planned(timeline))
        if let plot {
            try OutputFile.replace(plot, with: report.chart(timeline).svg())
        }
        print(json ? try Terminal.json(report) : report.text)
    }

    private func recorded() throws -> Timeline {
        let file = URL(fileURLWithPath: song).appendingPathComponent(SongFolderLayout.timelineName)
        if let data = try? Data(contentsOf: file) { return try Timeline(json: data) }
        guard !FileManager.default.fileExists(atPath: song) || !song.contains("/") else {
            throw CommandError(
                "\(song) has no \(SongFolderLayout.timelineName): it is not a song that a coordinator sampled")
        }
        try ClusterClient.check(id: song)
        let client = try connection.client()
        defer { client.close() }
        return try client.timeline(song: song)
    }

    /// Seconds that the coordinator's rules plan for the song; nil when nothing was sampled, or when all workers were
    /// lost before its end.
    private func planned(_ timeline: Timeline) throws -> Double? {
        var settings = Simulation.Settings(prefillGain: .greatestFiniteMagnitude)
        let workers: [WorkerSpecification]
        if let text = self.workers {
            let values = (usual ?? "1000").split(separator: ",").map { Double($0) ?? 0 }
            guard let most = values.max(), values.allSatisfy({ $0 > 0 }) else {
                throw ValidationError("--usual is tokens a second, one number or one for each level")
            }
            if values.count > 1 { settings.costs = values.map { most / $0 } }
            settings.prefillGain = Simulation.Settings().prefillGain
            do {
                workers = try .init(parsing: text, usual: most)
            } catch {
                throw ValidationError("--workers: \(error)")
            }
        } else {
            let speeds = MeasuredSpeeds(timeline)
            (workers, settings.costs) = (speeds.workers, speeds.costs)
        }
        guard !workers.isEmpty else { return nil }
        let submission = PlannedSong.submission(timeline.planInputs, samples: timeline.samples)
        let seconds = try Simulation(songs: [submission], workers: workers, settings: settings).run().seconds
        return seconds.isFinite ? seconds : nil
    }
}

/// What workers of a run did in a second, and how long they were there.
struct MeasuredSpeeds {
    var workers: [WorkerSpecification] = []
    /// By level, what a token cost, in tokens of the plainest level.
    var costs: [Double] = []

    init(_ timeline: Timeline) {
        let levels = timeline.planInputs.geometry.levels.count
        var tokens = Array(repeating: 0.0, count: levels)
        var seconds = tokens
        for lease in timeline.leases {
            tokens[lease.level] += Double(lease.tokens)
            seconds[lease.level] += lease.end - lease.start
        }
        let perToken = zip(seconds, tokens).map { $1 > 0 ? $0 / $1 : 0 }
        guard let least = perToken.filter({ $0 > 0 }).min() else { return }
        costs = perToken.map { $0 > 0 ? $0 / least : 1 }
        let begin = timeline.leases.map(\.start).min() ?? 0
        for place in timeline.workers.indices {
            let own = timeline.leases.filter { $0.worker == place && $0.tokens > 0 }
            let work = own.reduce(0) { $0 + Double($1.tokens) * costs[$1.level] }
            let time = own.reduce(0) { $0 + $1.end - $1.start }
            guard work > 0, time > 0 else { continue }
            let slots = Self.mostAtOnce(own)
            let all = timeline.leases.filter { $0.worker == place }
            workers.append(
                WorkerSpecification(
                    slots: slots, tokensPerSecond: work / time * Double(slots),
                    comes: (all.map(\.start).min() ?? begin) - begin,
                    goes: Timeline.lost(all).map { $0 - begin }))
        }
    }

    private static func mostAtOnce(_ leases: [Timeline.Entry]) -> Int {
        let changes = leases.flatMap { [($0.start, 1), ($0.end, -1)] }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        var (running, most) = (0, 1)
        for (_, change) in changes {
            running += change
            most = max(most, running)
        }
        return most
    }
}

struct TimelineReport: Encodable {
    struct Worker: Encodable {
        var name: String
        var windows: Int
        var tokens: Int
        /// Leases that were taken back, or that a copy was faster with.
        var lost: Int
        var tokensPerSecond: Double
        /// Share of the time in which it had a window.
        var busy: Double
    }
    struct Level: Encodable {
        var level: Int
        var tokens: Int
        /// Seconds from the first lease of the song.
        var start: Double
        var end: Double
    }
    var song: String
    var state: String
    /// From the first lease to the last token.
    var measuredSeconds: Double
    var plannedSeconds: Double?
    var workers: [Worker]
    var levels: [Level]

    init(_ timeline: Timeline, planned: Double?) {
        song = timeline.song
        state = timeline.state
        let begin = timeline.leases.map(\.start).min() ?? 0
        let seconds = max(1e-9, (timeline.leases.map(\.end).max() ?? 0) - begin)
        measuredSeconds = seconds
        plannedSeconds = planned
        workers = timeline.workers.enumerated().map { place, worker in
            let own = timeline.leases.filter { $0.worker == place }
            let busy = Self.covered(own)
            let tokens = own.reduce(0) { $0 + $1.tokens }
            return Worker(
                name: worker.name, windows: own.count { $0.ending == "done" }, tokens: tokens,
                lost: own.count { $0.ending != "done" && $0.ending != "running" },
                tokensPerSecond: busy > 0 ? Double(tokens) / busy : 0, busy: busy / seconds)
        }
        levels = Set(timeline.leases.map(\.level)).sorted(by: >).map { level in
            let own = timeline.leases.filter { $0.level == level }
            return Level(
                level: level, tokens: own.reduce(0) { $0 + $1.tokens }, start: own.map(\.start).min()! - begin,
                end: own.map(\.end).max()! - begin)
        }
    }

    /// Seconds in which at least one of the leases ran.
    private static func covered(_ leases: [Timeline.Entry]) -> Double {
        var (sum, until) = (0.0, -Double.infinity)
        for lease in leases.sorted(by: { $0.start < $1.start }) {
            sum += max(0, lease.end - max(lease.start, until))
            until = max(until, lease.end)
        }
        return sum
    }

    var text: String {
        var lines = ["\(song) is \(state); sampled in \(PlanText.time(measuredSeconds))"]
        if let plannedSeconds {
            lines[0] += String(
                format: ", planned %@ (measured is %+.0f %%)", PlanText.time(plannedSeconds),
                (measuredSeconds / plannedSeconds - 1) * 100)
        }
        var rows = [["level", "tokens", "from", "to"]]
        for level in levels {
            rows.append([
                "\(level.level)", "\(level.tokens)", PlanText.time(level.start), PlanText.time(level.end),
            ])
        }
        lines.append(PlanText.table(rows))
        rows = [["worker", "windows", "tokens", "lost", "tokens/s", "busy"]]
        for worker in workers {
            rows.append([
                worker.name, "\(worker.windows)", "\(worker.tokens)", "\(worker.lost)",
                String(format: "%.0f", worker.tokensPerSecond), String(format: "%.0f %%", worker.busy * 100),
            ])
        }
        return (lines + [PlanText.table(rows)]).joined(separator: "\n")
    }

    func chart(_ timeline: Timeline) -> GanttChart {
        let begin = timeline.leases.map(\.start).min() ?? 0
        return GanttChart(
            title: text.split(separator: "\n").first.map(String.init) ?? song, rows: timeline.workers.map(\.name),
            bars: timeline.leases.map {
                .init(
                    row: $0.worker, start: $0.start - begin, end: $0.end - begin, level: $0.level,
                    title:
                        "sample \($0.sample) level \($0.level)\($0.segment.map { " segment \($0)" } ?? "") "
                        + "window \($0.window), \($0.tokens) tokens, \($0.ending)",
                    isDone: $0.ending == "done")
            })
    }
}
