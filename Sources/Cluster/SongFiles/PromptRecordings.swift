import AudioFile
import Foundation
import SongPlan

/// The recordings that a song starts from, all of the same length. One that is named many times is there once.
struct PromptRecordings {
    private(set) var audio: [[Float]] = []
    /// By sample, its place in `audio`.
    private(set) var bySample: [Int] = []
    /// What a user should hear of, with the recordings' own names.
    private(set) var warnings: [String] = []

    private let geometry: ModelGeometry
    private let specification: SongSpecification
    private let readers: [AudioReader]
    /// By name in the song, its place in `readers`.
    private let places: [Int]
    /// Seconds of all recordings of a song together: they are in memory at once.
    private static let mostSeconds = 7200.0
    /// Audio samples to read at most.
    private let limit: Int?

    /// Reads them. What is too long is refused before it is decoded.
    ///
    /// - Parameters:
    ///   - limit: audio samples to read at most.
    ///   - usualSeconds: what a primed song goes on for when its length is not given.
    ///   - locate: the local file for a name.
    init(
        _ specification: SongSpecification, geometry: ModelGeometry, atMost limit: Int?, usualSeconds: Double,
        locate: (String) throws -> String
    ) throws {
        guard let files = specification.prompt, !files.isEmpty else {
            throw SongError("mode \(specification.mode.rawValue) needs --prompt, a recording to start from")
        }
        self.geometry = geometry
        self.specification = specification
        self.limit = limit
        guard files.count <= specification.samples.count else {
            throw SongError(
                "there are \(files.count) recordings for \(specification.samples.count) samples; "
                    + "ask for \(files.count) samples, or leave recordings out")
        }
        var (readers, places, known) = ([AudioReader](), [Int](), [String: Int]())
        for file in files {
            let path = try locate(file)
            let place = known[path] ?? readers.count
            if place == readers.count {
                known[path] = place
                readers.append(try AudioReader(path: path, name: UploadName.original(of: file)))
            }
            places.append(place)
        }
        (self.readers, self.places) = (readers, places)
        try checkLengths(usualSeconds)
        try read()
    }

    private var unit: Int { geometry.lengthUnit }
    private var rate: Double { Double(geometry.sampleRate) }

    /// What the model can express at most, in whole tokens.
    private var longest: Int {
        let hour = 3_600 * geometry.sampleRate
        return min(hour, geometry.timing?.maximumTotal ?? hour) / unit * unit
    }

    /// Seconds of so many audio samples, so that the text gives no token more.
    private func text(_ samples: Int) -> String {
        let text = String(format: "%.4f", (Double(samples) / rate * 10_000).rounded(.down) / 10_000)
        let short = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        return text.hasSuffix("0") ? String(short.reversed()) : text
    }

    // MARK: Too long

    private func checkLengths(_ usualSeconds: Double) throws {
        let all = readers.reduce(0) { $0 + min($1.duration, limit.map(seconds(of:)) ?? .infinity) }
        guard readers.count == 1 || all <= Self.mostSeconds else {
            throw SongError(
                "the \(readers.count) recordings have \(Int(min(all, 1e12))) s together, and a song takes "
                    + "\(Int(Self.mostSeconds)) s of recordings at most: keep less of each with --prompt-seconds, or "
                    + "make several songs of them")
        }
        let shortest = readers.map(\.duration).min() ?? 0
        let available = min(Int(min(shortest * rate, 1e15)), limit ?? .max) / unit * unit
        guard let reader = readers.min(by: { $0.duration < $1.duration }) else { return }
        let about = "\(reader.name) is \(text(Int(min(reader.duration * rate, 1e15)))) s long"
        if specification.mode == .upsample {
            if let limit, limit >= unit { try GeometryCheck.length(limit / unit * unit, geometry) }
            guard available > longest else { return }
            throw SongError(
                "\(about); the model can take \(text(longest)) s at most: say how much of it with --seconds, such as "
                    + "--seconds \(text(longest))")
        }
        let wanted = specification.sampleLength ?? specification.seconds.map { Int($0 * rate) / unit * unit }
        if let wanted, available > wanted, wanted >= unit, wanted <= longest {
            let kept = limit == nil ? about : "--prompt-seconds keeps \(text(available)) s of \(reader.name)"
            throw SongError(
                "\(kept), and the song is to have \(text(wanted)) s: keep less with --prompt-seconds, at most "
                    + "\(text(wanted)) (--prompt-seconds \(text(max(unit, wanted / 2))) leaves the second half to be "
                    + "sampled), or make the song longer with --seconds (ask for at least --sample-length "
                    + "\(available))")
        }
        let new = Int(usualSeconds * rate) / unit * unit
        guard available > longest - (wanted == nil ? new : 0) else { return }
        throw SongError(
            "\(about), and a song of the model can have \(text(longest)) s: say how much of it to keep with "
                + "--prompt-seconds, such as --prompt-seconds \(text(max(unit, min(longest - new, new))))")
    }

    // MARK: Reading

    private mutating func read() throws {
        var recordings: [[Float]] = []
        for reader in readers {
            let samples = try reader.read(seconds: limit.map(seconds(of:)), at: geometry.sampleRate)
            try check(samples.count, of: reader.name)
            recordings.append(samples)
            for warning in reader.warnings { warn("\(reader.name): \(warning)") }
        }
        let length = recordings.map { $0.count / unit * unit }.min()!
        warnOfCuts(recordings.map(\.count), to: length)
        let asked = limit.map { $0 / unit * unit } ?? 0
        if specification.mode == .upsample, length < asked {
            warn("the recording is shorter than asked for; the song has its length, \(text(length)) s")
        }
        let count = specification.samples.count
        if !count.isMultiple(of: places.count) {
            warn("there are \(places.count) recordings for \(count) samples; the first are used again")
        }
        audio = recordings.map { $0.count == length ? $0 : Array($0.prefix(length)) }
        bySample = (0..<count).map { places[$0 % places.count] }
    }

    /// Seconds of so many audio samples; turned back they give no sample less.
    private func seconds(of samples: Int) -> Double {
        let seconds = Double(samples) / rate
        return Int(seconds * rate) < samples ? seconds.nextUp : seconds
    }

    private func check(_ count: Int, of name: String) throws {
        if let limit, specification.mode == .primed, count < limit / unit * unit {
            throw SongError(
                "\(name) is \(text(count)) s long, shorter than prompt_seconds \(specification.promptSeconds ?? 0); "
                    + "ask for at most \(text(count / unit * unit)) (--prompt-seconds)")
        }
        guard count >= unit else {
            let least = (Double(unit) / rate * 10_000).rounded(.up) / 10_000
            throw SongError(
                "\(name) is too short: \(count) samples; the model needs at least \(unit) "
                    + "(\(String(format: "%.4f", least)) s)")
        }
    }

    /// All samples of a song start from equally much.
    private mutating func warnOfCuts(_ counts: [Int], to length: Int) {
        guard let shortest = zip(readers, counts).first(where: { $1 / unit * unit == length })?.0 else { return }
        for (reader, count) in zip(readers, counts) where count / unit * unit > length {
            warn(
                "\(reader.name) was cut from \(text(count)) to \(text(length)) s, the length of \(shortest.name): all "
                    + "samples of a song start from equally much; make a song of each to keep them whole")
        }
    }

    private mutating func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }
}
