import ArgumentParser
import MeasurementSupport

@main
struct MeasureSegments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure-segments",
        abstract: "Measures songs in segments with music-box.",
        discussion: """
            Docs/Measurements/Segments.md has the results. Measure with a release build, on a machine that does \
            nothing else. What is measured is the orchestrion program beside this one. Results go to standard output, \
            progress to standard error.

            Examples:
              swift run -c release measure-segments seams --songs 20 --seconds 10
              swift run -c release measure-segments speed --seconds 60 --only exact
              swift run -c release measure-segments recording take.flac --json
            """,
        subcommands: [SeamsCommand.self, SpeedCommand.self, RecordingCommand.self])

    static func main() { measure() }
}
