import ArgumentParser
import Foundation
import MeasurementSupport
import ZeroMQTransport

struct ChunksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunks",
        abstract: "How many chunks a second a coordinator journals and acknowledges, and how soon.",
        discussion: """
            Every worker sends its chunks of 128 tokens at an even pace, whether or not the ones before are acknowledged. A \
            chunk's time ends with its acknowledgement, which the coordinator sends when the chunk is on its disk. Chunks \
            that could not be sent in time are told as the share of the rate that was reached.

            Example:
              measure-cluster chunks --workers 1000 --rates 1000,5000,10000 --seconds 20
            """)

    @Option(help: ArgumentHelp("How many.", valueName: "n"))
    var workers = 1000

    @Option(help: ArgumentHelp("Chunks a second of all workers together, with commas.", valueName: "n[,…]"))
    var rates = "1000,2000,5000"

    @Option(help: ArgumentHelp("For each rate.", valueName: "s"))
    var seconds = 10.0

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...20_000).contains(workers) else { throw ValidationError("--workers must be 1 to 20000") }
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds must be 1 to 600") }
        guard try !chosenRates().isEmpty else { throw ValidationError("--rates names no rate") }
    }

    private func chosenRates() throws -> [Double] {
        try rates.split(separator: ",").map {
            guard let rate = Double($0), (1...1e6).contains(rate) else {
                throw ValidationError("--rates: \($0) is no number of chunks a second from 1 to 1000000")
            }
            return rate
        }
    }

    func run() throws {
        let rates = try chosenRates()
        let progress = MeasurementProgress(total: Double(rates.count) + 2)
        let keys = try (0..<workers).map { _ in try CurveKeyPair.generate() }
        let coordinator = try MeasuredCoordinator(keys: keys)
        progress.begin("\(workers) songs")
        // Long enough for all rates.
        let tokens = rates.reduce(0, +) * (seconds + 1) * 128 / Double(workers)
        try coordinator.submit(workers, seconds: min(1200, max(60, tokens / 344 * 1.2)), progress)
        progress.begin("\(workers) workers")
        let fleet = try Fleet(coordinator, keys: keys, kind: coordinator.kind())
        try fleet.run("all workers to have a window", within: 300) {
            try coordinator.mustRun()
            return fleet.workers.allSatisfy { $0.window != nil }
        }
        var report = Report(workers: workers, results: [])
        for rate in rates {
            progress.begin("\(Int(rate)) chunks a second")
            report.results.append(try measure(rate, fleet, coordinator, progress))
        }
        progress.clear()
        report.mebibytes = (coordinator.child.mostMemory ?? 0) >> 20
        fleet.close()
        try output.print(report, text: report.text)
    }

    private func measure(
        _ rate: Double, _ fleet: Fleet, _ coordinator: MeasuredCoordinator, _ progress: MeasurementProgress
    ) throws -> Result {
        var times = Times()
        let before = fleet.workers.map(\.acknowledgements).reduce(0, +)
        for worker in fleet.workers { worker.onAcknowledgement = { times.add($0) } }
        let (begin, each) = (fleet.now, .seconds(Double(workers) / rate) as Duration)
        let processor = coordinator.processorSeconds
        // Each begins at a moment of its own.
        var due = fleet.workers.indices.map { begin + each * Double($0) / Double(workers) }
        let end = begin + .seconds(seconds)
        try fleet.run("the end", within: seconds + 60) {
            progress.update(((fleet.now - begin) / .seconds(1)) / seconds)
            try coordinator.mustRun()
            return fleet.now >= end
        } _: { worker, number in
            // One that is late does not make up for it: what is reached is told.
            guard fleet.now >= due[number] else { return }
            due[number] = max(due[number] + each, fleet.now)
            try worker.sendChunk(now: fleet.now)
        }
        let passed = (fleet.now - begin) / .seconds(1)
        let count = fleet.workers.map(\.acknowledgements).reduce(0, +) - before
        return Result(
            wanted: rate, acknowledgedPerSecond: Double(count) / passed,
            medianMilliseconds: times.quantile(0.5) ?? 0, p99Milliseconds: times.quantile(0.99) ?? 0,
            processors: (coordinator.processorSeconds - processor) / passed)
    }

    private struct Result: Encodable {
        var wanted: Double
        var acknowledgedPerSecond: Double
        var medianMilliseconds: Double
        var p99Milliseconds: Double
        /// What the coordinator's process took of the machine.
        var processors: Double

        var text: String {
            String(
                format:
                    "%.0f chunks a second sent: %.0f acknowledged, %.1f ms (median), %.1f ms (99 %%), %.2f processors",
                wanted, acknowledgedPerSecond, medianMilliseconds, p99Milliseconds, processors)
        }
    }

    private struct Report: Encodable {
        var workers: Int
        var results: [Result]
        var mebibytes = 0

        var text: String {
            (["\(workers) workers, the coordinator has \(mebibytes) MiB"] + results.map(\.text)).joined(separator: "\n")
        }
    }
}

extension MeasuredCoordinator {
    /// Seconds of a processor that the process has had.
    var processorSeconds: Double {
        guard let text = try? String(contentsOfFile: "/proc/\(child.pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
