import ArgumentParser
import Foundation
import FuzzSupport

extension FuzzEntry: ExpressibleByArgument {}

/// Inputs that the dice make of the corpus.
struct Mutate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change the inputs of the corpus by the dice, and feed them.",
        discussion: "The same seed makes the same inputs. Exits with 1 when a promise was broken.")

    @Argument(help: "Where to feed: \(FuzzEntry.allCases.map(\.rawValue).joined(separator: ", ")).")
    var entry: FuzzEntry

    @Option(help: "How many inputs.")
    var inputs = 100_000

    @Option(help: "What the dice begin with.")
    var seed: UInt64 = 1

    @Option(help: "The most MiB that the process, or with --apart each one, may have used.")
    var memory = 256

    @Option(help: "The most seconds that one input may take.")
    var seconds = 2.0

    @Flag(help: "Feed each input to a process of its own, which is ended at the limits.")
    var apart = false

    @Flag(help: "Print what came of it as JSON.")
    var json = false

    func validate() throws {
        guard inputs > 0, memory > 0, seconds > 0 else { throw ValidationError("Counts and limits are above 0.") }
    }

    func run() throws {
        var mutator = Mutator(seed: seed, corpus: try Corpus.inputs(of: entry).map(\.bytes), words: entry.words)
        var tally = Tally()
        let progress = Progress(total: inputs, of: entry.rawValue)
        for number in 0..<inputs {
            let input = mutator.next()
            let trial = apart ? try Child.feed(input, to: entry, seconds: seconds, memory: memory) : feed(input)
            tally.add(trial)
            if let fault = trial.fault(seconds: seconds, memory: apart ? memory : nil) {
                let path = try Findings.keep(input, of: entry)
                tally.faults.append("\(path): \(fault)")
                "\(entry.rawValue), seed \(seed), input \(number): \(fault); kept as \(path)".tell()
            }
            progress.show(number + 1)
        }
        let used = apart ? tally.mostMemory : Memory.mostUsed
        if !apart, used > memory << 20 { tally.faults.append("the process used \(used >> 20) MiB, over \(memory)") }
        print(json ? tally.json(entry, seed: seed, memory: used) : tally.text(entry, seed: seed, memory: used))
        if !tally.faults.isEmpty { throw ExitCode(1) }
    }

    private func feed(_ input: [UInt8]) -> Trial {
        let start = ContinuousClock.now
        do {
            let outcome = try entry.feed(input)
            return Trial(ending: outcome == .taken ? .taken : .refused, seconds: start.seconds)
        } catch {
            return Trial(ending: .broken("\(error)"), seconds: start.seconds)
        }
    }
}

/// What came of one input.
struct Trial {
    enum Ending {
        case taken
        case refused
        /// A promise was broken.
        case broken(String)
    }

    var ending: Ending
    var seconds: Double
    /// Bytes that a process of its own used at most.
    var memory = 0

    /// What is wrong with it; nil if nothing is.
    func fault(seconds limit: Double, memory most: Int?) -> String? {
        if case .broken(let text) = ending { return text }
        if seconds > limit { return "it took \(seconds) s" }
        if let most, memory > most << 20 { return "it used \(memory >> 20) MiB" }
        return nil
    }
}

/// What came of all of them.
struct Tally {
    private(set) var (taken, refused) = (0, 0)
    private(set) var slowest = 0.0
    private(set) var mostMemory = 0
    var faults: [String] = []
    private let start = ContinuousClock.now

    mutating func add(_ trial: Trial) {
        switch trial.ending {
        case .taken: taken += 1
        case .refused: refused += 1
        case .broken: break
        }
        slowest = max(slowest, trial.seconds)
        mostMemory = max(mostMemory, trial.memory)
    }

    func text(_ entry: FuzzEntry, seed: UInt64, memory: Int) -> String {
        let rate = Double(taken + refused) / max(start.seconds, 1e-3)
        return
            "\(entry.rawValue), seed \(seed): \(taken) inputs taken, \(refused) refused, \(faults.count) promises broken; "
            + String(
                format: "slowest %.3f s, at most %d MiB, %.0f inputs a second", slowest, memory >> 20, rate)
    }

    func json(_ entry: FuzzEntry, seed: UInt64, memory: Int) -> String {
        let value: [String: Any] = [
            "entry": entry.rawValue, "seed": seed, "taken": taken, "refused": refused, "faults": faults,
            "slowest_seconds": slowest, "memory_bytes": memory, "seconds": start.seconds,
        ]
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension ContinuousClock.Instant {
    /// Since then.
    var seconds: Double { duration(to: .now) / .seconds(1) }
}

/// Inputs that broke a promise.
enum Findings {
    static func keep(_ input: [UInt8], of entry: FuzzEntry) throws -> String {
        let folder = URL(fileURLWithPath: "findings/\(entry.rawValue)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let path = folder.appendingPathComponent(String(hash, radix: 16))
        try Data(input).write(to: path)
        return path.relativePath
    }
}
