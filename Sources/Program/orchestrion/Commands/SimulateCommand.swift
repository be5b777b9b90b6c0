import ArgumentParser
import FaultSimulation
import Foundation

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulate clusters with faults in virtual time: thousands of them, each from a seed.")

    @Option(help: "The first seed.")
    var seed: UInt64 = 1

    @Option(help: "How many seeds, one after another from the first.")
    var seeds = 1

    @Option(help: "Faults that each seed plans.")
    var faults = 100

    @Flag(help: "Print everything that happens; of one seed.")
    var trace = false

    func run() throws {
        let print: ((String) -> Void)? = trace ? { Swift.print($0) } : nil
        let start = Date()
        var failed = 0
        for seed in seed..<seed + UInt64(seeds) {
            let result = try FaultSimulation.run(seed: seed, faults: faults, print: print)
            if let violation = result.violation {
                failed += 1
                Swift.print("seed \(seed): \(violation)")
            }
            if seeds == 1 {
                Swift.print(
                    "\(result.seconds) s, \(result.events) events, \(result.songs) songs, \(result.faults) faults \(result.messages) \(result.disk) digest \(result.digest)"
                )
            }
        }
        Swift.print("\(seeds) seeds, \(failed) failed, \(Date().timeIntervalSince(start)) s")
    }
}
