import ArgumentParser
import AudioFile
import ClusterClient
import SongFiles
import SongPlan

/// What a branch has that its parent has not: the same for all commands that make one.
struct BranchOptions: ParsableArguments {
    @Option(help: "Artist, from here on (default: as the song).")
    var artist: String?

    @Option(help: "Genre, from here on (default: as the song).")
    var genre: String?

    @Option(
        help: ArgumentHelp("Lyrics, or @file to read them from (default: as the song).", valueName: "text|@file"))
    var lyrics: String?

    @OptionGroup var sampling: SamplingOptions

    @Option(help: "The only source of chance: the same seed makes the same branch. By default a new one is drawn.")
    var seed: UInt64?

    @OptionGroup(title: "Levels") var levels: BranchLevelOptions

    func fill(_ request: inout BranchRequest) throws {
        (request.artist, request.genre, request.seed) = (artist, genre, seed)
        request.lyrics = try lyrics.map(LyricInput.text)
        let sampling = try SamplingOptions.Values(sampling)
        (request.temperature, request.topK, request.topP) = (sampling.temperature, sampling.topK, sampling.topP)
        request.hopFraction = sampling.hopFraction
        levels.fill(&request)
    }
}

/// Which levels a branch has, and how they are sampled.
struct BranchLevelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The lowest level to sample (default: as the song; upsample: 0).", valueName: "level"))
    var stopAt: Int?

    @Option(
        help: ArgumentHelp(
            "Sample the lower levels in N segments in parallel (approximate; default: as the song).",
            valueName: "N|auto"))
    var segments: String?

    @Option(
        help: ArgumentHelp(
            "Seconds that two segments both sample around their cut; 0: hard cuts.", valueName: "seconds"))
    var overlap: Double?

    @Option(help: ArgumentHelp("Of the audio files (default: the song's).", valueName: "format"))
    var format: AudioFormat?

    func validate() throws {
        if let segments, SegmentChoice(segments) == nil {
            throw ValidationError("--segments is \(segments); it must be a number or auto")
        }
    }

    func fill(_ request: inout BranchRequest) {
        (request.stopAt, request.segments) = (stopAt, segments.flatMap { SegmentChoice($0) })
        request.overlap = overlap
    }
}

/// Where a branch comes from, and how it is handed to the coordinator.
struct BranchPlace: ParsableArguments {
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song that it comes from; it must be finished.")
    var song: String

    @Option(help: "What the new song is called.")
    var name: String?

    @OptionGroup(title: "Submission") var submission: SubmissionOptions

    /// Makes the branch and submits it.
    func submit(_ request: BranchRequest, format: AudioFormat?) throws {
        for id in [song, submission.id].compactMap({ $0 }) { try ClusterClient.check(id: id) }
        let client = try connection.client()
        defer { client.close() }
        let scratch = ScratchFolder()
        defer { withExtendedLifetime(scratch) {} }
        let made = try client.branch(
            request, of: song, chance: UInt64.random(in: 0...UInt64(UInt32.max)), format: format?.rawValue,
            scratch: scratch.url, progress: TransferLine().show)
        try submission.submit(made, client: client, name: name)
    }
}
