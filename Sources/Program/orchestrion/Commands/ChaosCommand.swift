import ArgumentParser
import Chaos
import Foundation
import JukeboxModel
import MusicBox
import SystemErrors

struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Test a cluster on this machine with faults: kills, stops, partitions, bad links, full disks, liars.",
        discussion: """
            Starts a coordinator and workers of this program, with keys, in a temporary folder. Samples a song once \
            undisturbed in one process, then again and again on the cluster, while faults happen that a seed chooses. \
            Compares all tokens byte by byte, and checks the journal. Nothing else on this machine is touched.

            Examples:
              orchestrion chaos                                   20 kills, about a minute
              orchestrion chaos --preset partitions --seed 7      a named test; the same seed gives the same faults
              orchestrion chaos --faults kill-worker,partition --minutes 10 --json report.json --junit report.xml

            Presets
            \(presets)

            Faults
            \(faults)

            Network faults happen in a proxy before each worker, or in network namespaces, where the system lets us have \
            them (root, or user namespaces): --network auto takes namespaces when all the faults can be had there. \
            Docs/Guide/Chaos.md says what is measured.

            Exit codes: 0 all songs are identical to the undisturbed one, 1 one is not, or was not finished, or the journal is \
            damaged, 64 wrong usage, 130 and 143 ended by Ctrl-C and SIGTERM.
            """)

    private static var presets: String {
        Preset.all.map { "  \($0.name.padding(toLength: 18, withPad: " ", startingAt: 0))\($0.summary)" }
            .joined(separator: "\n")
    }

    private static var faults: String {
        FaultKind.allCases.map { "  \($0.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0))\($0.summary)" }
            .joined(separator: "\n")
    }

    @Option(help: ArgumentHelp("A named test (default kills); other options change it.", valueName: "name"))
    var preset: String?

    @Option(
        help: ArgumentHelp("Kinds of faults, with commas, or all (those that strike at moments).", valueName: "kinds"))
    var faults: String?

    @Option(help: "Chooses which fault comes when, to whom and for how long (default: a new one, which is printed).")
    var seed: UInt64?

    @Option(help: "Minutes of faults; songs are sampled until then.")
    var minutes: Double?

    @Option(help: "How many faults.")
    var faultsCount: Int?

    @Option(help: ArgumentHelp("Seconds between two faults.", valueName: "least,most"))
    var gap: String?

    @Option(help: "Workers (default 3).")
    var workers: Int?

    @Option(help: "Windows that a worker runs as one batch (default 2).")
    var slots = 2

    @Option(help: ArgumentHelp("Seconds of a lease (default 2): so long may a worker be silent.", valueName: "seconds"))
    var lease: Double?

    @Option(
        help: ArgumentHelp(
            "The share of windows that two machines sample and compare (default 0, and 0.25 with lie).",
            valueName: "share"))
    var verifyShare: Double?

    @Option(
        help: ArgumentHelp("A model's folder, or the name of one (default \(MusicBox.name)).", valueName: "dir|name"))
    var model: String?

    @Option(help: "Seconds of the song (default 4).")
    var seconds = 4.0

    @Option(help: "Variations of it, so that all workers have something to do (default 2).")
    var samples = 2

    @Option(help: ArgumentHelp("How numbers are kept: \(NumericProfile.list).", valueName: "profile"))
    var profile: NumericProfile = .standard

    @Option(help: ArgumentHelp("Where network faults happen: proxy, namespace or auto.", valueName: "how"))
    var network: NetworkChoice = .auto

    @Flag(help: "No keys: damaged bytes then reach the program's own checks, rather than those of the encryption.")
    var noKeys = false

    @Option(help: ArgumentHelp("Write the report as JSON; - prints it instead of the text.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the report as JUnit's XML.", valueName: "file"))
    var junit: String?

    @Flag(help: "Keep the temporary folder, with all logs.")
    var keep = false

    func validate() throws { _ = try plan() }

    func run() throws {
        let plan = try plan()
        if plan.wantsIsolation { Isolation.enter() }
        try ChaosSession(self, plan).run()
    }
}

extension NetworkChoice: ExpressibleByArgument {}
