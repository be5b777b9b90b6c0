import ArgumentParser
import ProcessLimits

/// How many threads a command computes with.
struct ThreadOptions: ParsableArguments {
    static let allowed = 1...1024
    /// As many as the process may run at once, whatever the machine has.
    static let standard = min(ProcessLimits.current.processors.value, allowed.upperBound)

    @Option(
        help: ArgumentHelp(
            "Threads to compute with (default: the processors that this process may use; containers, Slurm and taskset "
                + "count).", valueName: "n"))
    var threads: Int = standard

    func validate() throws {
        guard Self.allowed.contains(threads) else {
            throw ValidationError(
                "--threads is \(threads), and must be \(Self.allowed.lowerBound) to \(Self.allowed.upperBound)")
        }
    }

    /// Says what narrows the process, where something does.
    func sayLimits(_ say: (String) -> Void) {
        let limits = ProcessLimits.current
        if let text = limits.description {
            say("this process may use \(text); it computes with \(threads) \(threads == 1 ? "thread" : "threads")")
        }
        if threads > limits.processors.value, threads != Self.standard {
            say("--threads is \(threads), and \(limits.processors.value) can run at once: more are of no use")
        }
    }
}
