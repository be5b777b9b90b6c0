import ArgumentParser
import AudioFile
import Checkpoint
import ClusterClient
import Foundation
import SongFiles
import SongPlan
import SystemErrors

struct UpsampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upsample",
        abstract: "Go on with some samples of a song: a new song keeps their top level and samples the others.",
        discussion: """
            The kept samples have the tokens that they would have had in their own song, had it not stopped: seed, \
            labels and the samples' numbers are kept, too.

            Example: eight sketches, of which two are worth more
              orchestrion submit --genre waltz --samples 8 --stop-at 2 --id sketches --wait
              orchestrion upsample sketches --keep 1,4 --wait --out mysong
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(help: "The song whose samples are kept; it must be finished.")
    var song: String

    @Option(help: ArgumentHelp("The samples to keep, counted from 0 (default: all).", valueName: "n[,…]"))
    var keep: String?

    @Option(help: ArgumentHelp("The lowest level to sample (default 0).", valueName: "level"))
    var stopAt: Int?

    @Option(
        help: ArgumentHelp(
            "Sample the lower levels in N segments in parallel (approximate; default: as the song).",
            valueName: "N|auto"))
    var segments: String?

    @Option(help: ArgumentHelp("Of the audio files (default: the song's).", valueName: "format"))
    var format: AudioFormat?

    @OptionGroup(title: "Submission") var submission: SubmissionOptions

    func validate() throws {
        if let segments, SegmentChoice(segments) == nil {
            throw ValidationError("--segments is \(segments); it must be a number or auto")
        }
    }

    func run() throws {
        for id in [song, submission.id].compactMap({ $0 }) { try ClusterClient.check(id: id) }
        let client = try connection.client()
        defer { client.close() }
        let scratch = ScratchFolder()
        defer { withExtendedLifetime(scratch) {} }
        let files = try client.fetchShown(song: song, into: scratch.url) {
            [SongFolderLayout.codesName, SongFolderLayout.descriptionName].contains($0)
        }
        guard files.count == 2 else {
            throw CommandError("\(song) is not finished, so that there are no codes of it; orchestrion watch \(song)")
        }
        let request: SongRequest
        do {
            try SongFolder(scratch.url).checkCodes()
            request = try self.request(scratch.url)
        } catch let error where !(error is ValidationError) {
            // The copy's folder says nothing to anybody.
            throw CommandError(
                error.explanation.replacingOccurrences(of: scratch.url.path + "/", with: "song \(song), ")
                    .replacingOccurrences(of: scratch.url.path, with: "song \(song)")
                    + "; submit \(song) again under another id")
        }
        try submission.submit(request, client: client)
    }

    /// The new song: the kept samples' codes beside their labels, seed and numbers.
    private func request(_ folder: URL) throws -> SongRequest {
        let layout = SongFolderLayout(folder)
        let description = try SongDescription(
            json: Data(contentsOf: layout.description), source: "the description of \(song)")
        var specification = description.specification
        let kept = try kept(of: specification.samples.count)
        var levels = try CodesFile.read(layout.codes.path).map { samples in kept.map { samples[$0] } }
        guard let top = levels.last?.first, !top.isEmpty else { throw CommandError("\(song) has no top level") }
        for level in 0..<levels.count - 1 { levels[level] = levels[level].map { _ in [] } }
        let file = folder.appendingPathComponent("kept.safetensors").path
        try CodesFile.write(levels, to: file)
        specification.samples = kept.map { place in
            var sample = specification.samples[place]
            sample.number = sample.number ?? place
            return sample
        }
        specification.mode = .upsample
        specification.codes = file
        (specification.prompt, specification.promptSeconds) = (nil, nil)
        specification.stopAt = stopAt ?? 0
        if let segments { specification.segments = SegmentChoice(segments) }
        return SongRequest(
            specification: specification, format: format?.rawValue ?? description.outcome.format ?? "wav")
    }

    private func kept(of count: Int) throws -> [Int] {
        guard let keep else { return Array(0..<count) }
        let places = try keep.split(separator: ",").map { text in
            guard let place = Int(text), (0..<count).contains(place) else {
                throw ValidationError(
                    "--keep: \(text) is not a sample of \(song); it has "
                        + (count == 1 ? "one, 0" : "\(count), 0 to \(count - 1)"))
            }
            return place
        }
        guard !places.isEmpty, Set(places).count == places.count else {
            throw ValidationError("--keep names the samples to keep, each once")
        }
        return places
    }
}
