import ArgumentParser
import ClusterClient
import Foundation
import MeasurementSupport
import ZeroMQTransport

struct SongsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "songs",
        abstract: "How soon a coordinator with many queued songs is back after its kill, and what they cost it.",
        discussion: """
            Songs are submitted one after another. The coordinator is killed with signal 9 and started again. It is back \
            when it answers for all songs. Then workers bring windows, and it is measured how soon each has the next one.

            Example:
              measure-cluster songs --songs 10000
            """)

    @Option(help: ArgumentHelp("How many.", valueName: "n"))
    var songs = 10_000

    @Option(help: ArgumentHelp("Workers, once it is back.", valueName: "n"))
    var workers = 8

    @Option(help: ArgumentHelp("Windows that they bring.", valueName: "n"))
    var windows = 500

    @Option(help: ArgumentHelp("Exit with 1 when the coordinator takes longer to be back.", valueName: "s"))
    var within: Double?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(songs) else { throw ValidationError("--songs must be 1 to 1000000") }
        guard (1...1000).contains(workers) else { throw ValidationError("--workers must be 1 to 1000") }
        guard (1...songs).contains(windows) else { throw ValidationError("--windows must be 1 to the number of songs") }
    }

    func run() throws {
        let progress = MeasurementProgress(total: 3)
        let keys = try (0..<workers).map { _ in try CurveKeyPair.generate() }
        let coordinator = try MeasuredCoordinator(keys: keys)
        progress.begin("\(songs) songs")
        var begin = ContinuousClock.now
        try coordinator.submit(songs, seconds: 3, progress)
        let submitting = begin.duration(to: .now) / .seconds(1)
        progress.begin("the coordinator is killed")
        coordinator.kill()
        begin = .now
        try coordinator.restart()
        let client = try coordinator.client()
        let known = try client.status(patience: .seconds(120)).songs.count
        let restarting = begin.duration(to: .now) / .seconds(1)
        client.close()
        guard known >= songs else { throw MeasurementError("the coordinator knows \(known) of \(songs) songs") }
        progress.begin("\(windows) windows")
        let times = try dispatch(coordinator, keys, progress)
        progress.clear()
        let report = Report(
            songs: songs, submissionsPerSecond: Double(songs) / submitting, secondsToRestart: restarting,
            windows: times.count, dispatchMedianMilliseconds: times.quantile(0.5) ?? 0,
            dispatchP99Milliseconds: times.quantile(0.99) ?? 0, mebibytes: (coordinator.child.mostMemory ?? 0) >> 20)
        try output.print(report, text: report.text)
        if let within, report.secondsToRestart > within { throw ExitCode(1) }
    }

    private func dispatch(
        _ coordinator: MeasuredCoordinator, _ keys: [CurveKeyPair], _ progress: MeasurementProgress
    ) throws -> Times {
        let fleet = try Fleet(coordinator, keys: keys, kind: coordinator.kind())
        var times = Times()
        for worker in fleet.workers { worker.onAssignment = { times.add($0) } }
        try fleet.run("\(windows) windows", within: 600) {
            progress.update(Double(times.count) / Double(windows))
            try coordinator.mustRun()
            return times.count >= windows
        } _: { worker, _ in
            while worker.hasWork, worker.isWelcome { try worker.sendChunk(now: fleet.now) }
        }
        fleet.close()
        return times
    }

    private struct Report: Encodable {
        var songs: Int
        var submissionsPerSecond: Double
        var secondsToRestart: Double
        var windows: Int
        var dispatchMedianMilliseconds: Double
        var dispatchP99Milliseconds: Double
        var mebibytes: Int

        var text: String {
            String(
                format:
                    "%d songs, %.0f submissions a second; back %.2f s after the kill; from a window's last chunk to the "
                    + "next window %.1f ms (median), %.1f ms (99 %% of %d); %d MiB",
                songs, submissionsPerSecond, secondsToRestart, dispatchMedianMilliseconds, dispatchP99Milliseconds,
                windows, mebibytes)
        }
    }
}
