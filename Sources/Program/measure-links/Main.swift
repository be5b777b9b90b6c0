import ArgumentParser
import Foundation
import MeasurementSupport
import SongPlan

@main
struct MeasureLinks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure-links",
        abstract: "Measures songs over far and bad links.",
        discussion: """
            Samples one song with music-box, with a worker near its coordinator and with one behind each link, one \
            after the other, and again. What counts is the ratio of two runs that follow each other. Then a near worker \
            has a far one beside it, which must not make it slower. The links are proxies, which need no rights and no \
            netem.

            Links: \(Link.explanation).

            Docs/Measurements/Links.md has the results. Measure with a release build, on a machine that does nothing \
            else. Results go to standard output, progress to standard error. The exit code is 1 when codes differ.

            Examples:
              Scripts/measure-links
              Scripts/measure-links --links 200ms,cuts --seconds 60 --repeats 5
            """)

    @Option(help: ArgumentHelp("Of the song.", valueName: "s"))
    var seconds = 60.0

    @Option(help: ArgumentHelp("How often each link is measured.", valueName: "n"))
    var repeats = 3

    @Option(help: ArgumentHelp("Which links, with commas.", valueName: "names"))
    var links = LinkList(Array(Link.all.dropFirst()))

    @Option(help: ArgumentHelp("Of each worker.", valueName: "n"))
    var threads = 1

    @Flag(inversion: .prefixedNo, help: "Measure a near worker with a far one beside it, too.")
    var beside = true

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600") }
        guard (1...100).contains(repeats) else { throw ValidationError("--repeats is 1 to 100") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads is 1 to 256") }
    }

    func run() throws {
        var places = links.links.map { [$0] }
        if beside, let far = links.links.first(where: { $0.name == "200ms" }) { places.append([.near, far]) }
        let progress = MeasurementProgress(total: Double(2 * repeats * places.count))
        var report = LinkReport(seconds: seconds, threads: threads)
        for place in places {
            let name = place.map(\.name).joined(separator: " + ")
            var runs: [LinkReport.Run] = []
            for number in 1...repeats {
                progress.begin("near, \(number) of \(repeats)")
                let near = try measure([.near], progress)
                progress.begin("\(name), \(number) of \(repeats)")
                let far = try measure(place, progress)
                runs.append(LinkReport.Run(near: near.seconds, far: far.seconds, isEqual: near.digest == far.digest))
            }
            report.results.append(LinkReport.Result(link: name, runs: runs))
            progress.say(report.results.last!.text)
        }
        progress.clear()
        try output.print(report, text: report.text)
        guard report.results.allSatisfy(\.isEqual) else { throw ExitCode(1) }
    }

    private func measure(_ links: [Link], _ progress: MeasurementProgress) throws -> LinkedCluster.Song {
        let cluster = try LinkedCluster(links, threads: threads)
        defer { cluster.end() }
        return try cluster.sample(
            SongSpecification(
                model: SongSpecification.usualModel, seconds: seconds, samples: [SampleSpecification(genre: "waltz")],
                seed: 1), progress)
    }
}

/// What was measured.
struct LinkReport: Encodable {
    struct Run: Encodable {
        /// Seconds.
        var near: Double
        var far: Double
        var isEqual: Bool
    }

    struct Result: Encodable {
        var link: String
        var runs: [Run]
        var nearSeconds: Double
        var seconds: Double
        /// The median of the ratios of two runs that followed each other.
        var ratio: Double
        var isEqual: Bool

        init(link: String, runs: [Run]) {
            (self.link, self.runs) = (link, runs)
            nearSeconds = Self.median(runs.map(\.near))
            seconds = Self.median(runs.map(\.far))
            ratio = Self.median(runs.map { $0.far / $0.near })
            isEqual = runs.allSatisfy(\.isEqual)
        }

        private static func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }

        var text: String {
            let name = link.padding(toLength: max(14, link.count), withPad: " ", startingAt: 0)
            return String(
                format: "%@ %7.1f s, near %7.1f s, %5.2f times as long, %@", name, seconds, nearSeconds, ratio,
                isEqual ? "the same codes" : "OTHER CODES")
        }
    }

    var seconds: Double
    var threads: Int
    var results: [Result] = []

    var text: String {
        (["A song of \(seconds.formatted()) s, \(threads) \(threads == 1 ? "thread" : "threads") a worker; medians."]
            + results.map(\.text)).joined(separator: "\n")
    }
}
