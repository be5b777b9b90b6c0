import CSndFile
import Glibc
import Synchronization

/// One audio file of any format that libsndfile reads (WAV, FLAC, OGG, MP3, AIFF, …), whoever made it: a file
/// that is damaged or made to do harm gives an error, at bounded cost.
///
/// A file may hold several recordings one after another, each of its own rate; they are read as one.
package final class AudioReader {
    /// What a file must keep within to be read.
    package struct Limits: Sendable {
        package var channels = 1...64
        /// Hertz.
        package var sampleRates = 1_000...768_000
        /// How long the audio of one ``AudioReader/read(seconds:at:)`` may be; a longer file must be read
        /// with a limit. Small files can hold days of silence.
        package var seconds = 3_600.0

        package init() {}
    }

    package let path: String
    /// What the file is called in errors.
    package let name: String
    /// Hertz; of the first part.
    package let sampleRate: Int
    /// Of the first part.
    package let channels: Int
    /// Samples of each channel at ``sampleRate``, as the file's header has it. Some formats can only estimate it.
    package let frames: Int
    package let limits: Limits
    /// What a user should hear of: what was mended, and what cannot be read. ``read(seconds:at:)`` may add some.
    package private(set) var warnings: [String]

    private let scanned: ScannedFile
    private let parts: [FilePart]
    /// The part whose decoder is open, and whether it has read nothing yet.
    private var open: (part: OpenPart, isAtStart: Bool)

    /// Seconds.
    package var duration: Double { Double(frames) / Double(sampleRate) }

    /// Reads the headers.
    ///
    /// - Parameter name: what errors call the file, if not by its path.
    /// - Throws: ``AudioFileError`` if the file cannot be opened, is empty, truncated, no audio, or outside
    ///   the limits.
    package init(path: String, name: String? = nil, limits: Limits = Limits()) throws {
        self.path = path
        self.name = name ?? path
        self.limits = limits
        scanned = try ScannedFile(path: path, name: name ?? path)
        let layout = try FormatScan.layout(of: scanned)
        parts = layout.parts
        warnings = layout.warnings
        let first = try OpenPart(parts[0], number: 1, of: parts.count, in: scanned, limits: limits)
        open = (first, true)
        sampleRate = first.sampleRate
        channels = first.channels
        var frames = first.frames
        for index in parts.indices.dropFirst() {
            let part = try OpenPart(parts[index], number: index + 1, of: parts.count, in: scanned, limits: limits)
            frames += Int((Double(part.frames) * Double(first.sampleRate) / Double(part.sampleRate)).rounded())
        }
        self.frames = frames
    }

    /// The part from its beginning.
    private func opened(_ index: Int) throws -> OpenPart {
        if open.part.number != index + 1 {
            open = (try OpenPart(parts[index], number: index + 1, of: parts.count, in: scanned, limits: limits), true)
        }
        if !open.isAtStart, sf_seek(open.part.file, 0, SEEK_SET) != 0 {
            throw AudioFileError(name, "cannot be read from its beginning again; open it again")
        }
        open.isAtStart = false
        return open.part
    }

    // MARK: Samples

    /// Reads the audio, or its beginning, as one channel: the mean of all channels, at the wanted rate.
    ///
    /// May be called again, and then starts again. Needs memory for the result and a few blocks. The same
    /// file and rate always give the same samples, and fewer seconds give the beginning of more seconds'
    /// samples.
    ///
    /// - Parameters:
    ///   - seconds: at most so much from the beginning; nil for all.
    ///   - rate: samples per second of the result.
    /// - Returns: samples of full scale ±1 (a file of floating-point samples may exceed it).
    /// - Throws: ``AudioFileError`` if the file ends early, cannot be decoded, is longer than its limits, or
    ///   has samples that are no numbers.
    package func read(seconds: Double? = nil, at rate: Int) throws -> [Float] {
        guard limits.sampleRates.contains(rate) else {
            throw AudioFileError(
                name, "cannot be resampled to \(rate) Hz; \(limits.sampleRates) are possible")
        }
        if let seconds, !(seconds >= 0) {
            throw AudioFileError(name, "cannot read \(seconds) seconds of it")
        }
        let isLimited = seconds ?? .infinity <= limits.seconds
        guard isLimited || duration <= limits.seconds else { throw tooLong() }
        let wanted = min(seconds ?? .infinity, limits.seconds)
        var samples = SampleSink(limit: Int((wanted * Double(rate)).rounded(.down)))
        // A header that lies must not reserve more than a file can need; what is missing grows on the way.
        samples.reserve(Int(min(duration * Double(rate), 16_777_216)) + 1)
        var power = (mixed: 0.0, channel: 0.0)
        for index in parts.indices where !samples.isFull || !isLimited {
            try decode(index, at: rate, power: &power) { block in
                if !isLimited, block.count > samples.room { throw tooLong() }
                samples.append(block)
                return !isLimited || !samples.isFull
            }
        }
        guard !samples.values.isEmpty || wanted == 0 else { throw AudioFileError(name, "it holds no audio") }
        if wanted > 0 { judge(power) }
        return samples.values
    }

    private func tooLong() -> AudioFileError {
        let length = duration > limits.seconds ? " (about \(Int(duration)) s)" : ""
        return AudioFileError(
            name, "it is longer than \(Int(limits.seconds)) s\(length); say how many seconds to read")
    }

    /// What was asked for, and cannot be heard.
    private func judge(_ power: (mixed: Double, channel: Double)) {
        if power.channel == 0 {
            warn("it is silent, as far as it was read")
        } else if power.mixed < power.channel * 1e-4 {
            warn(
                "its channels cancel each other when they are mixed to one (one is the other upside down); "
                    + "give one alone: ffmpeg -i \(ShellWords.quote(name)) -af 'pan=mono|c0=c0' one.wav")
        }
    }

    private func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }

    /// Hands over all of the audio as one channel, at the rate of the file's first part, in blocks: memory stays the
    /// same for any length. May be called again, and then starts again.
    ///
    /// - Parameter body: gets at least one sample, to be used before it returns.
    /// - Throws: ``AudioFileError`` as ``read(seconds:at:)`` does, except for the length.
    package func forEachBlock(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
        var power = (mixed: 0.0, channel: 0.0)
        for index in parts.indices {
            try decode(index, at: sampleRate, power: &power) { block in
                if !block.isEmpty { try body(block) }
                return true
            }
        }
    }

    /// Reads a part of the audio as one channel, at the file's own rate, in memory for that part alone.
    ///
    /// - Parameter range: samples of each channel; silence lies around the recording.
    /// - Throws: ``AudioFileError`` if the file cannot be read from there, or as ``read(seconds:at:)`` does.
    package func read(_ range: Range<Int>) throws -> [Float] {
        var samples = [Float](repeating: 0, count: range.count)
        let wanted = range.clamped(to: 0..<frames)
        guard !wanted.isEmpty else { return samples }
        func take(_ block: UnsafeBufferPointer<Float>, from first: Int) {
            for place in wanted.clamped(to: first..<first + block.count) {
                samples[place - range.lowerBound] = block[place - first]
            }
        }
        guard parts.count == 1 else {
            var first = 0
            try forEachBlock {
                take($0, from: first)
                first += $0.count
            }
            return samples
        }
        // Where a seek ends in the last packet of a Vorbis stream, its first samples are others.
        let start = max(0, wanted.lowerBound - 8192)
        guard sf_seek(open.part.file, sf_count_t(start), SEEK_SET) == start else {
            throw AudioFileError(name, "cannot be read from \(open.part.describe(start)) on")
        }
        open.isAtStart = false
        let source = MonoSource(open.part, from: start)
        while source.framesRead < wanted.upperBound, let block = try source.nextBlock() {
            take(block, from: source.framesRead - block.count)
        }
        return samples
    }

    /// Decodes a part, until `body` says that it has enough.
    private func decode(
        _ index: Int, at rate: Int, power: inout (mixed: Double, channel: Double),
        _ body: (UnsafeBufferPointer<Float>) throws -> Bool
    ) throws {
        let part = try opened(index)
        let source = MonoSource(part)
        defer {
            power.mixed += source.power.mixed
            power.channel += source.power.channel
            if source.hasTail, !parts[index].hasEmptyTail {
                warn("what follows its end is no audio that is known here, and is not read")
            }
        }
        if part.sampleRate == rate {
            while let block = try source.nextBlock() {
                guard try body(block) else { return }
            }
        } else {
            try resample(source, of: part, at: rate, body)
        }
    }

    private func resample(
        _ source: MonoSource, of part: OpenPart, at rate: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Bool
    ) throws {
        let resampler = try Resampler(from: part.sampleRate, to: rate, path: name)
        var given = 0
        var isWanted = true
        while isWanted, let block = try source.nextBlock() {
            try resampler.process(block) {
                given += $0.count
                if isWanted { isWanted = try body($0) }
            }
        }
        guard isWanted else { return }
        // The filter ends a sample early or late; the length is what the rates make it.
        var missing = Int((Double(source.framesRead) * Double(rate) / Double(part.sampleRate)).rounded()) - given
        try resampler.finish {
            let piece = UnsafeBufferPointer(rebasing: $0.prefix(max(0, missing)))
            missing -= piece.count
            if isWanted, !piece.isEmpty { isWanted = try body(piece) }
        }
        guard isWanted, missing > 0 else { return }
        _ = try [Float](repeating: 0, count: missing).withUnsafeBufferPointer { try body($0) }
    }
}

/// libsndfile keeps the reason of a failed opening in a global variable.
let openingLock = Mutex(())

/// Lets a pointer out of ``openingLock``.
struct OpaqueFile: @unchecked Sendable {  // the lock's body makes it and hands it to one owner
    let pointer: OpaquePointer?
    init(_ pointer: OpaquePointer?) { self.pointer = pointer }
}

extension String {
    var withoutFullStop: Substring {
        hasSuffix(".") ? dropLast() : self[...]
    }
}

/// Collects samples up to a limit.
private struct SampleSink {
    let limit: Int
    private(set) var values: [Float] = []

    init(limit: Int) {
        self.limit = limit
    }

    var isFull: Bool { room <= 0 }

    /// Samples that it still takes.
    var room: Int { limit - values.count }

    mutating func reserve(_ count: Int) {
        values.reserveCapacity(min(count, limit))
    }

    mutating func append(_ samples: UnsafeBufferPointer<Float>) {
        values.append(contentsOf: samples.prefix(room))
    }
}
