import ArgumentParser
import Foundation
import MeasurementSupport
import ZeroMQTransport

struct LeasesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "How soon many workers hold their leases again after the coordinator's kill.",
        discussion: """
            Every worker has a window. The coordinator is killed with signal 9 and started again at once. A worker holds \
            its lease again when a chunk is acknowledged that it sent after that.

            Example:
              measure-cluster leases --workers 1000
            """)

    @Option(help: ArgumentHelp("How many.", valueName: "n"))
    var workers = 1000

    @Option(
        help: ArgumentHelp("Exit with 1 when it takes longer, or takes over half of the descriptors.", valueName: "s"))
    var within: Double?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...20_000).contains(workers) else { throw ValidationError("--workers must be 1 to 20000") }
    }

    func run() throws {
        let progress = MeasurementProgress(total: 4)
        progress.begin("keys")
        let keys = try (0..<workers).map { _ in try CurveKeyPair.generate() }
        let coordinator = try MeasuredCoordinator(keys: keys)
        progress.begin("\(workers) songs")
        try coordinator.submit(workers, seconds: 60, progress)
        progress.begin("\(workers) workers")
        let fleet = try Fleet(coordinator, keys: keys, kind: coordinator.kind())
        let begin = ContinuousClock.now
        try fleet.run("all workers to have a window", within: 300) {
            let count = fleet.workers.count { $0.window != nil }
            progress.update(Double(count) / Double(workers))
            try coordinator.mustRun()
            return count == workers
        }
        let joined = begin.duration(to: .now) / .seconds(1)
        let descriptors = coordinator.descriptors
        let windows = fleet.workers.map { $0.window!.epoch }
        progress.begin("the coordinator is killed")
        coordinator.kill()
        let restart = ContinuousClock.now
        try coordinator.restart()
        let before = fleet.workers.map(\.acknowledgements)
        var sent = Set<Int>()
        var times = Times()
        try fleet.run("all workers to hold their leases again", within: 300) {
            progress.update(Double(times.count) / Double(workers))
            try coordinator.mustRun()
            return times.count == workers
        } _: { worker, number in
            guard !sent.contains(number), try worker.sendChunk(now: fleet.now) else { return }
            sent.insert(number)
            worker.onAcknowledgement = { [before] _ in
                if worker.acknowledgements == before[number] + 1 { times.add(restart.duration(to: .now)) }
            }
        }
        progress.clear()
        let kept = zip(fleet.workers, windows).count { $0.window?.epoch == $1 }
        let report = Report(
            workers: workers, secondsToJoin: joined, secondsUntilAllHoldLeases: times.quantile(1)! / 1000,
            secondsUntilHalfHoldLeases: times.quantile(0.5)! / 1000, leasesKept: kept,
            descriptors: max(descriptors, coordinator.descriptors), descriptorLimit: coordinator.descriptorLimit,
            mebibytes: (coordinator.child.mostMemory ?? 0) >> 20)
        fleet.close()
        try output.print(report, text: report.text)
        guard let within else { return }
        guard report.secondsUntilAllHoldLeases <= within, report.descriptors * 2 <= report.descriptorLimit else {
            throw ExitCode(1)
        }
    }

    private struct Report: Encodable {
        var workers: Int
        var secondsToJoin: Double
        var secondsUntilAllHoldLeases: Double
        var secondsUntilHalfHoldLeases: Double
        /// Leases with the epoch that they had before.
        var leasesKept: Int
        var descriptors: Int
        var descriptorLimit: Int
        var mebibytes: Int

        var text: String {
            String(
                format:
                    "%d workers joined in %.1f s; after the kill all held their leases again in %.1f s, half of them in "
                    + "%.1f s; %d kept the lease that they had; %d of %d descriptors, %d MiB",
                workers, secondsToJoin, secondsUntilAllHoldLeases, secondsUntilHalfHoldLeases, leasesKept, descriptors,
                descriptorLimit, mebibytes)
        }
    }
}
