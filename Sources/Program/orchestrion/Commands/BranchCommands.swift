import ArgumentParser
import ClusterClient
import Foundation
import SongFiles
import SongPlan

struct GoOnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "go-on",
        abstract: "Make a finished song longer: a new song keeps its beginning and samples what follows.",
        discussion: """
            What lies before --at is kept, at every level that the song has. With other labels or lyrics the song goes on \
            with those. The new song's song.json names all that it comes from, so that orchestrion sample makes it again \
            anywhere.

            Examples:
              orchestrion go-on mine --seconds 10 --variations 3
              orchestrion go-on mine --sample 2 --at 12.5 --seconds 10 --lyrics @verse2.txt --wait
            """)

    @OptionGroup var place: BranchPlace

    @Option(help: "The sample to go on from, counted from 0.")
    var sample: Int = 0

    @Option(help: ArgumentHelp("Where to go on from (default: the end).", valueName: "seconds"))
    var at: Double?

    @Option(help: "Seconds to add.")
    var seconds: Double = 10

    @Option(help: "Different continuations to make at once.")
    var variations: Int = 1

    @OptionGroup(title: "What changes") var options: BranchOptions

    func run() throws {
        var request = BranchRequest(.goOn)
        (request.samples, request.at, request.seconds) = ([sample], at, seconds)
        request.variations = variations
        try options.fill(&request)
        try place.submit(request, format: options.levels.format)
    }
}

struct VaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vary",
        abstract: "Make another song of the same length from some place of a finished one on.",
        discussion: """
            What lies before --at is kept; the rest is sampled with other numbers, and with other labels or lyrics where \
            they are given.

            Examples:
              orchestrion vary mine --at 8 --variations 4
              orchestrion vary mine --at 8 --genre waltz --lyrics "sun sea sky far low you"
            """)

    @OptionGroup var place: BranchPlace

    @Option(help: "The sample to vary, counted from 0.")
    var sample: Int = 0

    @Option(help: ArgumentHelp("From where on it is another song.", valueName: "seconds"))
    var at: Double

    @Option(help: "Different ones to make at once.")
    var variations: Int = 1

    @OptionGroup(title: "What changes") var options: BranchOptions

    func run() throws {
        var request = BranchRequest(.vary)
        (request.samples, request.at, request.variations) = ([sample], at, variations)
        try options.fill(&request)
        try place.submit(request, format: options.levels.format)
    }
}

struct CutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cut",
        abstract: "Keep a part of a finished song as a song of its own, from which others can branch.",
        discussion: """
            Nothing is sampled. Places are rounded down to whole top-level tokens.

            Example:
              orchestrion cut mine --sample 1 --from 4 --to 16
            """)

    @OptionGroup var place: BranchPlace

    @Option(help: "The sample to cut, counted from 0.")
    var sample: Int = 0

    @Option(help: ArgumentHelp("Where the part begins (default: the beginning).", valueName: "seconds"))
    var from: Double?

    @Option(help: ArgumentHelp("Where it ends (default: the end).", valueName: "seconds"))
    var to: Double?

    @OptionGroup(title: "Levels") var levels: BranchLevelOptions

    func run() throws {
        var request = BranchRequest(.cut)
        (request.samples, request.from, request.to) = ([sample], from, to)
        levels.fill(&request)
        try place.submit(request, format: levels.format)
    }
}
