import ArgumentParser
import Foundation

/// How many threads a command computes with.
struct ThreadOptions: ParsableArguments {
    static let allowed = 1...1024
    /// The machine's cores.
    static let standard = max(1, ProcessInfo.processInfo.activeProcessorCount)

    @Option(help: "Threads to compute with (default: all cores).")
    var threads: Int = standard

    func validate() throws {
        guard Self.allowed.contains(threads) else {
            throw ValidationError(
                "--threads is \(threads), and must be \(Self.allowed.lowerBound) to \(Self.allowed.upperBound)")
        }
    }
}
