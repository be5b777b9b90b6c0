import ArgumentParser
import MeasurementSupport

@main
struct MeasureCluster: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure-cluster",
        abstract: "Measures a coordinator with many workers and songs.",
        discussion: """
            The coordinator is the orchestrion program beside this one, with keys and a journal on disk. The workers are \
            connections of this program: they keep the protocol and sample nothing but zeros, so that the coordinator \
            is what is measured. Results go to standard output, progress to standard error. Measure with a \
            release build, on a machine that does nothing else.

            Examples:
              swift run -c release measure-cluster leases --workers 1000
              swift run -c release measure-cluster songs --songs 10000 --json
              swift run -c release measure-cluster chunks --rates 1000,5000
            """,
        subcommands: [LeasesCommand.self, SongsCommand.self, ChunksCommand.self])

    static func main() { measure() }
}
