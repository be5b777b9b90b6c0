import CSndFile
import Glibc
import Synchronization

/// One audio file of any format that libsndfile reads (WAV, FLAC, OGG, MP3, AIFF, …), whoever made it: a file
/// that is damaged or made to do harm gives an error, at bounded cost.
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
    /// Hertz.
    package let sampleRate: Int
    package let channels: Int
    /// Samples of each channel, as the file's header has it. Some formats can only estimate it.
    package let frames: Int
    package let limits: Limits

    /// False for formats that only estimate it.
    let hasExactLength: Bool

    private let file: OpaquePointer
    private var isAtStart = true

    /// Seconds.
    package var duration: Double { Double(frames) / Double(sampleRate) }

    /// Reads the header.
    ///
    /// - Throws: ``AudioFileError`` if the file cannot be opened, is empty, truncated, no audio, or outside
    ///   the limits.
    package init(path: String, limits: Limits = Limits()) throws {
        self.path = path
        self.limits = limits
        let descriptor = try Self.openRegularFile(path)
        // libsndfile closes the descriptor, in failure too.
        var info = SF_INFO()
        let (file, failure) = openingLock.withLock { _ in
            let file = sf_open_fd(descriptor, Int32(SFM_READ), &info, 1)
            return (OpaqueFile(file), file == nil ? String(cString: sf_strerror(nil)) : "")
        }
        guard let file = file.pointer else {
            throw AudioFileError(
                path, "not audio of a format that is known here (\(failure.withoutFullStop))")
        }
        self.file = file
        sampleRate = Int(info.samplerate)
        channels = Int(info.channels)
        frames = Int(info.frames)
        hasExactLength = Int(info.format) & SF_FORMAT_TYPEMASK != SF_FORMAT_MPEG
        // From here on every property is set, so that deinit closes the file.
        try checkHeader()
    }

    deinit {
        sf_close(file)
    }

    private func checkHeader() throws {
        guard limits.channels.contains(channels) else {
            throw AudioFileError(
                path, "its header says \(channels) channels; \(limits.channels) are possible")
        }
        guard limits.sampleRates.contains(sampleRate) else {
            throw AudioFileError(
                path, "its header says \(sampleRate) Hz; \(limits.sampleRates) Hz are possible")
        }
        guard frames > 0 else { throw AudioFileError(path, "it holds no audio") }
        // A petabyte of audio: the header of a stream that never ended, or a lie.
        guard frames < 1 << 50 else {
            throw AudioFileError(path, "its header gives an impossible length (\(frames) samples)")
        }
    }

    /// Checks what libsndfile would read on through: what is no file, an empty one, and one with its end cut
    /// off.
    private static func openRegularFile(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw AudioFileError(path, String(cString: strerror(errno))) }
        do {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                throw AudioFileError(path, String(cString: strerror(errno)))
            }
            guard status.st_mode & S_IFMT == S_IFREG else { throw AudioFileError(path, "not a file") }
            guard status.st_size > 0 else { throw AudioFileError(path, "the file is empty") }
            if let missing = TruncationCheck(descriptor: descriptor, size: Int(status.st_size)).missingBytes() {
                throw AudioFileError(
                    path, "the file is truncated: at least \(missing) bytes are missing at its end")
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
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
                path, "cannot be resampled to \(rate) Hz; \(limits.sampleRates) are possible")
        }
        if let seconds, !(seconds >= 0) {
            throw AudioFileError(path, "cannot read \(seconds) seconds of it")
        }
        try rewind()
        let source = MonoSource(self, file: file)
        let wanted = min(seconds ?? .infinity, limits.seconds)
        var samples = SampleSink(limit: Int((wanted * Double(rate)).rounded(.down)))
        // A header that lies must not reserve more than a file can need; what is missing grows on the way.
        samples.reserve(Int(min(duration * Double(rate), 16_777_216)) + 1)
        if rate == sampleRate {
            while !samples.isFull, let block = try source.nextBlock() {
                samples.append(block)
            }
        } else {
            try resample(source, into: &samples, at: rate)
        }
        if seconds ?? .infinity > limits.seconds, samples.isFull, try source.nextBlock() != nil {
            throw AudioFileError(
                path, "it is longer than \(Int(limits.seconds)) s; say how many seconds to read")
        }
        guard source.framesRead > 0 || wanted == 0 else { throw AudioFileError(path, "it holds no audio") }
        return samples.values
    }

    /// Hands over all of the audio as one channel, at the file's own rate, in blocks: memory stays the same for any
    /// length. May be called again, and then starts again.
    ///
    /// - Parameter body: gets at least one sample, to be used before it returns.
    /// - Throws: ``AudioFileError`` as ``read(seconds:at:)`` does, except for the length.
    package func forEachBlock(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
        try rewind()
        let source = MonoSource(self, file: file)
        while let block = try source.nextBlock() { try body(block) }
    }

    /// Reads a part of the audio as one channel, at the file's own rate, in memory for that part alone.
    ///
    /// - Parameter range: samples of each channel; silence lies around the recording.
    /// - Throws: ``AudioFileError`` if the file cannot be read from there, or as ``read(seconds:at:)`` does.
    package func read(_ range: Range<Int>) throws -> [Float] {
        var samples = [Float](repeating: 0, count: range.count)
        let part = range.clamped(to: 0..<frames)
        guard !part.isEmpty else { return samples }
        // Where a seek ends in the last packet of a Vorbis stream, its first samples are others.
        let start = max(0, part.lowerBound - 8192)
        guard sf_seek(file, sf_count_t(start), SEEK_SET) == start else {
            throw AudioFileError(path, "cannot be read from \(describe(start)) on")
        }
        isAtStart = false
        let source = MonoSource(self, file: file, from: start)
        while source.framesRead < part.upperBound, let block = try source.nextBlock() {
            let first = source.framesRead - block.count
            for place in part.clamped(to: first..<source.framesRead) {
                samples[place - range.lowerBound] = block[place - first]
            }
        }
        return samples
    }

    private func resample(_ source: MonoSource, into samples: inout SampleSink, at rate: Int) throws {
        let resampler = try Resampler(from: sampleRate, to: rate, path: path)
        while !samples.isFull, let block = try source.nextBlock() {
            try resampler.process(block) { samples.append($0) }
        }
        guard !samples.isFull else { return }
        try resampler.finish { samples.append($0) }
        // The filter ends a sample early or late; the length is what the rates make it.
        let length = Int((Double(source.framesRead) * Double(rate) / Double(sampleRate)).rounded())
        samples.setCount(length)
    }

    /// A place in the file, for errors.
    func describe(_ frame: Int) -> String {
        let milliseconds = Int((Double(frame) / Double(sampleRate) * 1_000).rounded())
        let fraction = String(1_000 + milliseconds % 1_000).dropFirst()
        return "sample \(frame) (\(milliseconds / 1_000).\(fraction) s)"
    }

    private func rewind() throws {
        if !isAtStart, sf_seek(file, 0, SEEK_SET) != 0 {
            throw AudioFileError(path, "cannot be read from its beginning again; open it again")
        }
        isAtStart = false
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

    var isFull: Bool { values.count >= limit }

    mutating func reserve(_ count: Int) {
        values.reserveCapacity(min(count, limit))
    }

    mutating func append(_ samples: UnsafeBufferPointer<Float>) {
        values.append(contentsOf: samples.prefix(limit - values.count))
    }

    /// Cuts, or fills up with silence, but not beyond the limit.
    mutating func setCount(_ count: Int) {
        let count = min(count, limit)
        if values.count > count {
            values.removeLast(values.count - count)
        } else {
            values.append(contentsOf: repeatElement(0, count: count - values.count))
        }
    }
}
