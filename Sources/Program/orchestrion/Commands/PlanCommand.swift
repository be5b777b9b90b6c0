import ArgumentParser
import ClusterSimulation
import CoordinatorCore
import Foundation
import JukeboxModel
import SongFiles
import SongPlan
import SystemErrors

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a song will take before a minute is spent on it.",
        discussion: """
            The coordinator's own rules are run in simulated time. WORKERS is a list of COUNT (usual workers, of \
            --usual tokens a second each), COUNTxSPEED (1 is a usual one) or COUNT@TOKENS (a second); /SLOTS where a \
            worker runs several windows at once, and COUNT@ALONE-TOKENS/SLOTS says what a window gets that is alone on \
            it.

            Examples:
              orchestrion plan --seconds 60 --workers 8,2x0.1 --plot plan.svg
              orchestrion plan --song mysong/song.json --workers 3@900-2500/8
              orchestrion plan --preset 5b_lyrics --mode upsample --seconds 240 --workers 64
            """)

    @OptionGroup(title: "Song") var song: SongOptions

    @Argument(help: ArgumentHelp("A song file; the same as --song.", valueName: "file.json"))
    var file: String?

    @Option(help: ArgumentHelp("The workers, such as 8,2x0.1 or 4@2500 or 3@900-2500/8.", valueName: "workers"))
    var workers: String = "1"

    @Option(
        help: ArgumentHelp(
            "Tokens a second of a usual worker: at the cheapest level, or for each level, level 0 first (default 1000).",
            valueName: "n[,…]"))
    var usual: String = "1000"

    @Option(help: "Rows of prefill that a worker computes in the time of one token.")
    var prefillGain: Double = 8

    @Option(help: "A published geometry instead of a model's folder: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "How workers keep numbers, for the memory that they need: \(NumericProfile.list).",
            valueName: "profile"))
    var profile: NumericProfile = .standard

    @Option(help: "Plan for as many songs like this one, submitted at once.")
    var songs: Int = 1

    @Flag(
        help:
            "Simulate chunks as short as workers send them: slower, and less pessimistic for long songs on uneven workers."
    )
    var fine = false

    @Option(help: ArgumentHelp("Draw who does which window when, as an SVG.", valueName: "file.svg"))
    var plot: String?

    @Flag(help: "Print it as JSON.")
    var json = false

    func validate() throws {
        guard prefillGain > 0 else { throw ValidationError("--prefill-gain must be above 0") }
        guard preset == nil || song.model == nil else { throw ValidationError("give either --preset or --model") }
        guard preset == nil || (song.prompt.isEmpty && song.codes == nil) else {
            throw ValidationError(
                "with --preset no file is read: leave --prompt and --codes away, and give the length by --seconds")
        }
        guard (1...1000).contains(songs) else { throw ValidationError("--songs must be 1 to 1000") }
    }

    func run() throws {
        var options = song
        if let file {
            guard song.song == nil else { throw ValidationError("give the song file once") }
            options.song = file
        }
        let request = try options.request()
        // What a usual worker does depends on the song, whose segments depend on the slots.
        let slots = try parsedWorkers(usual: 1).reduce(0) { $0 + $1.slots }
        let planned =
            try preset.map { try PlannedSong(preset: $0, request.specification, slots: slots) }
            ?? PlannedSong(request, slots: slots)
        for warning in planned.warnings { Terminal.note("warning: \(warning)") }
        let (speed, costs) = try speeds(planned)
        let workers = try parsedWorkers(usual: speed)
        let planner = SongPlanner(
            planned: planned, usual: speed, costs: costs, prefillGain: prefillGain, songs: songs, profile: profile,
            isFine: fine)
        let (table, result) = try planner.table(workers)
        if let plot { try OutputFile.replace(plot, with: chart(planned, result, workers).svg()) }
        print(json ? try Terminal.json(table) : table.text)
    }

    private func parsedWorkers(usual: Double) throws -> [WorkerSpecification] {
        do {
            return try .init(parsing: workers, usual: usual)
        } catch {
            throw ValidationError("--workers: \(error)")
        }
    }

    /// Tokens a second of a usual worker at the cheapest level, and what others cost.
    private func speeds(_ planned: PlannedSong) throws -> (Double, [Double]) {
        let values = usual.split(separator: ",").map { Double($0) ?? 0 }
        let levels = planned.plan.geometry.levels.count
        guard values.count == 1 || values.count == levels, values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ValidationError("--usual is \(usual); it must be tokens a second, one number or \(levels)")
        }
        guard values.count > 1, let most = values.max() else { return (values[0], planned.costs) }
        return (most, values.map { most / $0 })
    }

    private func chart(
        _ planned: PlannedSong, _ result: Simulation.Result, _ workers: [WorkerSpecification]
    ) -> GanttChart {
        GanttChart(
            title:
                "\(planned.name), \(PlanText.time(Double(planned.plan.sampleLength) / Double(planned.plan.geometry.sampleRate)))"
                + " of audio on \(workers.count) workers: \(PlanText.time(result.seconds))",
            rows: workers.enumerated().map { String(format: "%d: %.3g tokens/s", $0, $1.tokensPerSecond) },
            bars: result.leases.map {
                .init(
                    row: $0.worker, start: $0.start, end: $0.end, level: $0.task.level,
                    title: "\($0.task), \($0.tokens) tokens, \(PlanText.time($0.start)) to \(PlanText.time($0.end))",
                    isDone: $0.isDone)
            })
    }
}
