import ArgumentParser
import SongFiles
import SongPlan

struct UpsampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upsample",
        abstract: "Go on with some samples of a song: a new song keeps their top level and samples the others.",
        discussion: """
            The kept samples have the tokens that they would have had in their own song, had it not stopped: seed, \
            labels and the samples' numbers are kept, too.

            With --stereo one sample is upsampled under three genres, which also become one sound in stereo: left, \
            middle, right.

            Examples: eight sketches, of which two are worth more
              orchestrion submit --genre waltz --samples 8 --stop-at 2 --id sketches --wait
              orchestrion upsample sketches --keep 1,4 --wait --out mysong
              orchestrion upsample sketches --keep 4 --stereo rock,techno,waltz
            """)

    @OptionGroup var place: BranchPlace

    @Option(help: ArgumentHelp("The samples to keep, counted from 0 (default: all).", valueName: "n[,…]"))
    var keep: String?

    @Option(help: ArgumentHelp("Genres of left, middle and right, of one sample.", valueName: "genre,genre,genre"))
    var stereo: String?

    @OptionGroup(title: "What changes") var options: BranchOptions

    func run() throws {
        var request = BranchRequest(.upsample)
        request.samples = try keep.map { text in
            try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                guard let place = Int(part) else {
                    throw ValidationError("--keep: \(part) is no number of a sample; they are counted from 0")
                }
                return place
            }
        }
        request.stereo = stereo.map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
                .map { String($0.drop { $0 == " " }) }
        }
        try options.fill(&request)
        try place.submit(request, format: options.levels.format)
    }
}
