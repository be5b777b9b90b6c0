import ArgumentParser
import FaultSimulation
import Foundation
import ProcessLimits
import SystemErrors

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulate clusters with faults in virtual time: thousands of them, each from a seed.",
        discussion: """
            Each seed is a cluster of its own: songs, two to five workers, a coordinator, a network and a disk. The \
            coordinator's and the workers' decisions, the messages and the journal are those of this program; clock, \
            network, disk and the model's arithmetic are made up. A minute of the cluster takes part of a second, and \
            nothing on this machine is touched.

            Faults: \(Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")), and workers that lie.

            Watched are: final tokens, what is journaled, acknowledged and granted, the coordinator's indices, that all songs \
            end when the faults have ended, and that nothing grows. A seed that breaks a rule is printed with its faults \
            and the command that repeats it.

            Examples:
              orchestrion simulate --seeds 1000           a thousand clusters
              orchestrion simulate --seed 17 --trace      all that happens in one of them
              orchestrion simulate --seeds 100 --json     for scripts

            Exit codes: 0 no rule was broken, 1 one was, 64 wrong usage, 130 and 143 ended by Ctrl-C and SIGTERM.
            """)

    @Option(help: "The first seed.")
    var seed: UInt64 = 1

    @Option(help: "How many seeds, one after another from the first.")
    var seeds = 1

    @Option(help: "Faults that strike in each seed.")
    var faults = 120

    @Option(help: ArgumentHelp("Seeds that run side by side (default: as many as processors).", valueName: "count"))
    var workers: Int?

    @Option(help: ArgumentHelp("End after so many seeds that broke a rule.", valueName: "count"))
    var failures = 10

    @Flag(help: "Print everything that happens, of one seed.")
    var trace = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard seeds >= 1 else { throw ValidationError("--seeds must be at least 1") }
        guard (0...10_000).contains(faults) else { throw ValidationError("--faults must be 0 to 10000") }
        guard (1...1024).contains(workers ?? 1) else { throw ValidationError("--workers must be 1 to 1024") }
        guard failures >= 1 else { throw ValidationError("--failures must be at least 1") }
        guard seed.addingReportingOverflow(UInt64(seeds)).overflow == false else {
            throw ValidationError("--seed \(seed) has fewer than \(seeds) seeds after it")
        }
        if trace, seeds > 1 { throw ValidationError("--trace shows one seed; leave --seeds away") }
    }

    func run() throws {
        let start = ContinuousClock.now
        let summary = trace ? try traced() : try all()
        let report = SimulationReport(summary, faults: faults, wall: start.duration(to: .now) / .seconds(1))
        print(json ? try Terminal.json(report) : report.text)
        if !summary.failures.isEmpty { throw ExitCode(1) }
    }

    private func traced() throws -> SeedSeries.Summary {
        var summary = SeedSeries.Summary()
        summary.add(try FaultSimulation.run(seed: seed, faults: faults) { print($0) })
        return summary
    }

    private func all() throws -> SeedSeries.Summary {
        var line = ProgressLine("simulating", total: seeds) { "\($0) seeds" }
        defer { line.finish() }
        let series = SeedSeries(seed..<seed + UInt64(seeds), faults: faults, mostFailures: failures)
        let threads = workers ?? min(seeds, ProcessLimits.current.processors.value)
        return try series.run(threads: threads, progress: { line.update($0) })
    }
}
