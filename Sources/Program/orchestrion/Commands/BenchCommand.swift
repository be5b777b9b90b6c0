import ArgumentParser
import Benchmark
import Checkpoint
import Foundation
import JukeboxModel
import MusicBox
import Pictures
import Tensor

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how near the engine comes to what this machine can do.",
        discussion: """
            Measures how fast memory is read and how many multiply-adds a second there can be, then the engine, and \
            prints each figure with its share of that limit. At batch 1 the limit is reading the weights; from batch 16 on \
            it is arithmetic. Weights are random unless --model names some; figures are medians. What a process holds \
            (part memory) is told for the first profile only.

            Presets: \(BenchModel.presets.joined(separator: ", ")). Parts: \(Part.allCases.map(\.rawValue).joined(separator: ", ")).

            Examples:
              orchestrion bench
              orchestrion bench --preset top-5b --profile int8 --parts decode,memory
              orchestrion bench --model /models/1b_lyrics --level 2 --json
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case decode, prefill, embed, conditioner, ragged, codec, memory, quality, contract
    }

    @Option(help: ArgumentHelp("A published prior, with random weights (default upsampler-1b).", valueName: "name"))
    var preset: String?

    @Option(help: ArgumentHelp("A model's folder, or \(MusicBox.name), in place of a preset.", valueName: "dir|name"))
    var model: String?

    @Option(help: "The level of --model to measure (default: the lowest).")
    var level: Int?

    @Option(help: ArgumentHelp("How numbers are kept: \(NumericProfile.list) (default: all).", valueName: "name"))
    var profile: NumericProfile?

    @Option(help: ArgumentHelp("What to measure, with commas (default: all).", valueName: "parts"))
    var parts: String?

    @Option(help: ArgumentHelp("Sizes of the running batch, with commas.", valueName: "list"))
    var batches: String = "1,4,8,16,32"

    @OptionGroup var compute: ThreadOptions

    @Flag(help: "Shorter and less exact.")
    var quick = false

    @Flag(help: "Print it as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Draw the shares of the limits.", valueName: "file.svg"))
    var plot: String?

    func validate() throws {
        guard preset == nil || model == nil else { throw ValidationError("give either --preset or --model") }
        guard level == nil || model != nil else {
            throw ValidationError("--level is for --model; a preset is one level's prior")
        }
        guard try !chosenParts().isEmpty else { throw ValidationError("--parts names nothing to measure") }
        guard try !chosenBatches().isEmpty else { throw ValidationError("--batches names no batch") }
        if let plot {
            let folder = URL(fileURLWithPath: plot).deletingLastPathComponent().path
            guard FileManager.default.isWritableFile(atPath: folder) else {
                throw ValidationError("--plot: \(folder) is no folder that can be written")
            }
        }
    }

    func run() throws {
        compute.sayLimits { Terminal.note($0) }
        let subject = try BenchModel(preset: preset, path: model.map(MusicBox.path(of:)), level: level ?? 0)
        let team = ThreadTeam(threads: compute.threads)
        Terminal.note("measuring the machine …")
        let limits = MachineLimits(team: team)
        var reports: [Report] = []
        for profile in profile.map({ [$0] }) ?? subject.profiles {
            reports.append(try measure(subject, profile, limits: limits, team: team, isFirst: reports.isEmpty))
        }
        if json {
            print(try Terminal.json(reports))
        } else {
            print(reports.map(BenchView.text).joined(separator: "\n\n"))
        }
        if let plot {
            try BenchView.draw(reports, to: plot)
            Terminal.note("drew \(plot)")
        }
    }

    private func measure(
        _ subject: BenchModel, _ profile: NumericProfile, limits: MachineLimits, team: ThreadTeam, isFirst: Bool
    ) throws -> Report {
        let parts = try chosenParts()
        var report = Report(
            processor: BenchView.processor, threads: compute.threads, kernels: Kernels.active.name, model: subject.name,
            profile: profile.name)
        func add(_ figure: Figure) {
            Terminal.note("  " + BenchView.line(figure))
            report.figures.append(figure)
        }
        for figure in Figure.limits(limits) { add(figure) }
        if !parts.isDisjoint(with: [.decode, .prefill, .embed, .conditioner, .ragged, .memory, .quality]) {
            Terminal.note("loading \(subject.name), profile \(profile.name) …")
            let before = ProcessMemory.resident
            let start = ContinuousClock.now
            let prior = try subject.prior(profile)
            let seconds = start.duration(to: .now) / .seconds(1)
            if parts.contains(.memory) {
                add(Figure("memory", "loaded in", seconds, "s"))
                add(Figure("memory", "weights", Double(prior.residentBytes) / 1e9, "GB"))
                add(Figure("memory", "each slot", Double(prior.bytesPerSequence) / 1e9, "GB"))
            }
            let benchmark = PriorBenchmark(prior: prior, profile: profile, limits: limits, team: team, quick: quick)
            // A later profile's weights lie where an earlier one's were.
            if parts.contains(.memory), isFirst { add(benchmark.residence { ProcessMemory.resident - before }) }
            for batch in try chosenBatches() where parts.contains(.decode) {
                add(benchmark.decode(batch: batch))
            }
            if parts.contains(.prefill) { add(benchmark.prefill()) }
            if parts.contains(.embed), let figure = benchmark.embed() { add(figure) }
            if parts.contains(.conditioner), let figure = benchmark.conditioner() { add(figure) }
            if parts.contains(.quality), profile != .f32 { add(benchmark.divergence(from: try subject.prior(.f32))) }
            if parts.contains(.ragged) { add(benchmark.ragged()) }
        }
        if parts.contains(.contract), profile == .f32 {
            let benchmark = ContractBenchmark(team: team)
            for batch in try chosenBatches() { add(benchmark.figure(batch: batch)) }
        }
        if parts.contains(.codec), let vqvae = try subject.vqvae() {
            let benchmark = CodecBenchmark(vqvae: vqvae, team: team, quick: quick)
            for level in 0..<vqvae.hyperparameters.levels { add(benchmark.decode(level: level)) }
            for level in 0..<vqvae.hyperparameters.levels { add(benchmark.encode(level: level)) }
        }
        return report
    }

    private func chosenParts() throws -> Set<Part> {
        guard let parts else { return Set(Part.allCases) }
        return Set(
            try parts.split(separator: ",").map { text in
                guard let part = Part(rawValue: String(text)) else {
                    throw ValidationError(
                        "--parts: no part is called \(text); there are \(Part.allCases.map(\.rawValue).joined(separator: ", "))"
                    )
                }
                return part
            })
    }

    private func chosenBatches() throws -> [Int] {
        try batches.split(separator: ",").map { text in
            guard let size = Int(text), (1...256).contains(size) else {
                throw ValidationError("--batches: \(text) is not a batch of 1 to 256 windows")
            }
            return size
        }
    }
}

/// What is measured: a published prior with random weights, or one from a model's folder.
private struct BenchModel {
    /// Names of single priors, with the geometry and level they have.
    private static let known: [(name: String, geometry: String, level: Int)] = [
        ("upsampler-1b", "5b", 0), ("top-5b", "5b", 2), ("top-5b-lyrics", "5b_lyrics", 2),
        ("top-1b-lyrics", "1b_lyrics", 2),
    ]
    static let presets = known.map(\.name)

    let name: String
    private let level: Int
    private let hyperparameters: Hyperparameters
    private let model: Model?

    init(preset: String?, path: String?, level: Int) throws {
        if let path {
            let model = try Model(path: path)
            guard model.hyperparameters.priors.indices.contains(level) else {
                throw ValidationError(
                    "--level: \(model.name) has the levels 0 to \(model.hyperparameters.priors.count - 1)")
            }
            (self.model, self.level, hyperparameters) = (model, level, model.hyperparameters)
            name = "\(model.name) level \(level)"
            return
        }
        let wanted = preset ?? Self.known[0].name
        guard let entry = Self.known.first(where: { $0.name == wanted }) else {
            throw ValidationError(
                "--preset: no prior is called \(wanted); there are \(Self.presets.joined(separator: ", "))")
        }
        (name, self.level, model) = (entry.name, entry.level, nil)
        hyperparameters = try Hyperparameters(preset: entry.geometry)
    }

    var profiles: [NumericProfile] { NumericProfile.allCases }

    func prior(_ profile: NumericProfile) throws -> Prior {
        if let model { return try model.prior(level: level, profile: profile) }
        let h = hyperparameters.priors[level]
        return try Prior(
            h, vqvae: hyperparameters.vqvae,
            weights: .random(
                .prior(level: level), table: WeightTable.prior(h, vqvae: hyperparameters.vqvae), half: h.halfPrecision),
            profile: profile)
    }

    func vqvae() throws -> VQVAE? {
        if let model { return try model.vqvae() }
        return try VQVAE(
            hyperparameters.vqvae,
            weights: .random(.vqvae, table: WeightTable.vqvae(hyperparameters.vqvae), half: false))
    }
}

/// How figures look.
private enum BenchView {
    static func text(_ report: Report) -> String {
        let head =
            "\(report.model), profile \(report.profile), \(report.threads) threads, \(report.kernels) kernels, "
            + report.processor
        return ([head] + report.figures.map { "  " + line($0) }).joined(separator: "\n")
    }

    static func line(_ figure: Figure) -> String {
        func pad(_ text: String, _ width: Int) -> String {
            text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
        }
        let value = String(format: figure.value < 10 ? "%.2f" : figure.value < 100 ? "%.1f" : "%.0f", figure.value)
        var text = pad(figure.group, 12) + pad(figure.name, 40)
        text += String(repeating: " ", count: max(0, 9 - value.count)) + value + " " + pad(figure.unit, 12)
        if let share = figure.share {
            text += pad(String(format: "%3.0f %% of %@", 100 * share, figure.limit ?? "the limit"), 28)
        } else {
            text += pad("", 28)
        }
        if let goal = figure.goal, let reached = figure.reached {
            let wanted = figure.share == nil ? String(format: "%g", goal) : String(format: "%.0f %%", 100 * goal)
            text += "wanted \(figure.wantsLess ? "≤" : "≥") \(wanted): \(reached ? "reached" : "missed")"
        }
        return text.replacing(#/\s+$/#, with: "")
    }

    static func draw(_ reports: [Report], to path: String) throws {
        var bars: [BarChart.Bar] = []
        for report in reports {
            for figure in report.figures {
                guard let share = figure.share else { continue }
                bars.append(
                    BarChart.Bar(
                        label: "\(report.profile)  \(figure.group), \(figure.name)", share: share, goal: figure.goal,
                        note: String(format: "%.3g %@", figure.value, figure.unit)))
            }
        }
        try BarChart(
            title: reports.first.map { "\($0.model): share of the machine's limits" } ?? "",
            subtitle: reports.first.map { "\($0.processor), \($0.threads) threads, \($0.kernels) kernels" } ?? "",
            bars: bars
        ).writeSVG(to: path)
    }

    static var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") || $0.hasPrefix("CPU part") }
        return line.flatMap { $0.split(separator: ":").last }.map { $0.trimmingCharacters(in: .whitespaces) }
            ?? "unknown processor"
    }
}

/// What this process takes of the machine's memory.
enum ProcessMemory {
    /// Bytes in memory now.
    static var resident: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }
}
