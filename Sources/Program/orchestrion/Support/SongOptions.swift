import ArgumentParser
import AudioFile
import CoordinatorService
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SongPlan

/// The options that describe a song: the same for every command that takes one.
struct SongOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A song file (JSON), such as the song.json of an output folder; other song options override its fields.",
            valueName: "file.json"))
    var song: String?

    @Option(
        help: ArgumentHelp("A model's folder, or the name of one (default \(MusicBox.name)).", valueName: "dir|name"))
    var model: String?

    @Option(
        help: """
            ancestral: from nothing; primed: continue a recording (--prompt); upsample: keep a recording's or saved \
            top level, sample the rest (--prompt or --codes); continue: complete or lengthen saved codes (--codes).
            """)
    var mode: SongMode?

    @Option(help: "Artist, as the model's list names it.")
    var artist: String?

    @Option(help: "Genre, as the model's list names it.")
    var genre: String?

    @Option(help: ArgumentHelp("Lyrics, or @file to read them from.", valueName: "text|@file"))
    var lyrics: String?

    @Option(help: "Seconds to make, rounded down to whole top-level tokens (default 20).")
    var seconds: Double?

    @Option(help: "Length in audio samples, exactly; a multiple of one top-level token.")
    var sampleLength: Int?

    @Option(help: "Seconds of the whole song that this is a part of, for the timing labels.")
    var totalSeconds: Double?

    @Option(help: "Seconds of that song before the start.")
    var offsetSeconds: Double?

    @Option(help: "Variations to make at once.")
    var samples: Int?

    @Option(help: "The only source of chance: the same seed gives the same song. By default a new one is drawn.")
    var seed: UInt64?

    @OptionGroup var sampling: SamplingOptions

    @Option(
        help: ArgumentHelp(
            """
            Recordings, one a sample: WAV, FLAC, OGG, MP3, any rate; with commas, or the option once for each. A file \
            whose name has a comma is taken as it is.
            """, valueName: "file[,file]"))
    var prompt: [String] = []

    @Option(help: "Seconds of the recording to keep (primed).")
    var promptSeconds: Double?

    @Option(help: ArgumentHelp("Saved codes: codes.safetensors, or the original's data.pth.tar.", valueName: "file"))
    var codes: String?

    @Option(help: ArgumentHelp("The lowest level to sample (default 0).", valueName: "level"))
    var stopAt: Int?

    @Option(
        help: ArgumentHelp(
            """
            Sample the levels below the top in N segments in parallel and stitch them: faster on several workers, and \
            approximate. auto: one for every 8 s, or for every slot of the cluster, down to 2.5 s. Off by default: exact.
            """, valueName: "N|auto"))
    var segments: String?

    @Option(
        help: ArgumentHelp(
            "Seconds that two segments both sample around their cut (default \(Segmentation.usualOverlap)); 0: hard cuts.",
            valueName: "seconds"))
    var overlap: Double?

    @Option(help: ArgumentHelp("Of the audio files (default wav).", valueName: "format"))
    var format: AudioFormat?

    func validate() throws {
        for (name, text) in [("song", song), ("model", model), ("codes", codes)] where text?.isEmpty == true {
            throw ValidationError("--\(name) is empty")
        }
        if let segments, SegmentChoice(segments) == nil || (Int(segments) ?? 1) < 1 {
            throw ValidationError("--segments is \(segments); it must be a number from 1, or auto")
        }
        if let samples, !(1...256).contains(samples) { throw ValidationError("--samples must be 1 to 256") }
        let times = [
            ("seconds", seconds), ("total-seconds", totalSeconds), ("offset-seconds", offsetSeconds),
            ("prompt-seconds", promptSeconds), ("overlap", overlap),
        ]
        for case (let name, let time?) in times where !(0...1e6).contains(time) {
            throw ValidationError("--\(name) is \(time); it must be seconds, 0 to 1000000")
        }
    }

    /// The request; a seed is drawn when none is given.
    ///
    /// - Throws: `ValidationError`, `SongError`.
    func request() throws -> SongRequest {
        var specification: SongSpecification
        var fileFormat: String?
        if let song {
            let file = try SongFile(OptionFile.content(of: song, option: "song", most: 32 << 20), source: song)
            specification = try SongSpecification(file)
            fileFormat = file.format
            try resolvePaths(&specification, beside: song)
        } else {
            specification = SongSpecification(
                model: model ?? MusicBox.name, seed: seed ?? UInt64.random(in: 0...UInt64(UInt32.max)))
        }
        try override(&specification)
        return SongRequest(specification: specification, format: format?.rawValue ?? fileFormat ?? "wav")
    }

    /// What the song file says that the song was made with.
    func profileOfFile() throws -> NumericProfile? {
        try song.flatMap {
            try SongFile(OptionFile.content(of: $0, option: "song", most: 32 << 20), source: $0).profile
        }
    }

    /// Files that a song file names are looked for beside it, too.
    private func resolvePaths(_ specification: inout SongSpecification, beside file: String) throws {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        func resolve(_ path: String) -> String {
            if FileManager.default.fileExists(atPath: path) { return path }
            // The file may have come with the recordings that it names, from another machine.
            let name = path.hasPrefix("/") ? URL(fileURLWithPath: path).lastPathComponent : path
            let beside = folder.appendingPathComponent(name).path
            return FileManager.default.fileExists(atPath: beside) ? beside : path
        }
        func resolveAll(_ song: inout SongSpecification) {
            song.model = resolve(song.model)
            song.prompt = song.prompt?.map(resolve)
            song.codes = song.codes.map(resolve)
            song.sources = song.sources.map { Dictionary($0.map { (resolve($0.key), $0.value) }) { $1 } }
        }
        resolveAll(&specification)
        for place in (specification.ancestry ?? []).indices { resolveAll(&specification.ancestry![place]) }
    }

    private func override(_ specification: inout SongSpecification) throws {
        if let model { specification.model = model }
        if let mode { specification.mode = mode }
        if let seed { specification.seed = seed }
        if let seconds {
            specification.seconds = seconds
            specification.sampleLength = nil
        }
        if let sampleLength {
            specification.sampleLength = sampleLength
            if seconds == nil { specification.seconds = nil }
        }
        let sampling = try SamplingOptions.Values(sampling)
        if let temperature = sampling.temperature { specification.temperature = temperature }
        if let topK = sampling.topK { specification.topK = topK }
        if let topP = sampling.topP { specification.topP = topP }
        if let hopFraction = sampling.hopFraction { specification.hopFraction = hopFraction }
        if !prompt.isEmpty { specification.prompt = RecordingList.names(prompt) }
        if let promptSeconds { specification.promptSeconds = promptSeconds }
        if let codes { specification.codes = codes }
        if let stopAt { specification.stopAt = stopAt }
        if let segments {
            // One segment is exact mode.
            specification.segments = segments == "1" ? nil : SegmentChoice(segments)
        }
        if let overlap { specification.overlap = overlap }
        if let samples {
            guard (specification.prompt?.count ?? 0) <= samples else {
                throw ValidationError(
                    "--samples is \(samples), and there are \(specification.prompt?.count ?? 0) recordings: each makes a "
                        + "sample, so leave --samples away, or give fewer --prompt")
            }
            specification.samples = try repeated(specification.samples, samples)
        }
        let text = try lyricText()
        for index in specification.samples.indices {
            if let artist {
                specification.samples[index].artist = artist
                specification.samples[index].artistID = nil
            }
            if let genre {
                specification.samples[index].genre = genre
                specification.samples[index].genreIDs = nil
            }
            if let text { specification.samples[index].lyrics = text }
        }
        try overrideTimes(&specification)
    }

    /// So many samples of what a song file names.
    private func repeated(_ samples: [SampleSpecification], _ count: Int) throws -> [SampleSpecification] {
        if samples.count == count { return samples }
        var kinds = samples
        for place in kinds.indices { kinds[place].number = nil }
        guard Set(kinds).count <= 1 else {
            throw ValidationError(
                "--samples is \(count), and the song file names \(samples.count) samples that differ; name the samples "
                    + "in the file, or leave --samples away")
        }
        return Array(repeating: kinds.first ?? SampleSpecification(), count: count)
    }

    private func overrideTimes(_ specification: inout SongSpecification) throws {
        guard totalSeconds != nil || offsetSeconds != nil else { return }
        let rate = try ModelRegistry().sampleRate(of: specification.model)
        for index in specification.samples.indices {
            if let totalSeconds { specification.samples[index].totalLength = Int(totalSeconds * rate) }
            if let offsetSeconds { specification.samples[index].offset = Int(offsetSeconds * rate) }
        }
    }

    private func lyricText() throws -> String? { try lyrics.map(LyricInput.text) }
}

extension ModelRegistry {
    /// 44.1 kHz for a model that is known only to the coordinator.
    fileprivate func sampleRate(of name: String) throws -> Double {
        FileManager.default.fileExists(atPath: name) ? Double(try model(name).geometry.sampleRate) : 44_100
    }
}

extension SongMode: ExpressibleByArgument {}

extension AudioFormat: ExpressibleByArgument {}

extension NumericProfile: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }

    public static var allValueStrings: [String] { allCases.map(\.name) }

    public var defaultValueDescription: String { name }
}
