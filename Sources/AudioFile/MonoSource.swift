import CSndFile

/// Decodes a file block by block and mixes its channels down to one.
final class MonoSource {
    /// Small enough for 64 channels, large enough for the calls to cost nothing.
    private static let blockFrames = 16_384

    /// Beyond any scale that programs give to samples, and far from overflow.
    private static let largestSample: Float = 1e6

    /// The place in the file.
    private(set) var framesRead: Int

    private let reader: AudioReader
    private let file: OpaquePointer
    /// [blockFrames, channels]
    private let interleaved: UnsafeMutableBufferPointer<Float>
    /// [blockFrames]
    private let mono: UnsafeMutableBufferPointer<Float>
    private var isAtEnd = false

    /// - Parameter start: where the file is.
    init(_ reader: AudioReader, file: OpaquePointer, from start: Int = 0) {
        self.reader = reader
        framesRead = start
        self.file = file
        interleaved = .allocate(capacity: Self.blockFrames * reader.channels)
        interleaved.initialize(repeating: 0)
        mono = .allocate(capacity: Self.blockFrames)
        mono.initialize(repeating: 0)
    }

    deinit {
        interleaved.deallocate()
        mono.deallocate()
    }

    /// The next samples, at least one, to be used before the next call; nil at the end.
    func nextBlock() throws -> UnsafeBufferPointer<Float>? {
        guard !isAtEnd else { return nil }
        let count = Int(sf_readf_float(file, interleaved.baseAddress, sf_count_t(Self.blockFrames)))
        if count < Self.blockFrames {
            isAtEnd = true
            try checkEnd(after: framesRead + max(count, 0))
        }
        guard count > 0 else { return nil }
        try mixDown(count)
        framesRead += count
        return UnsafeBufferPointer(rebasing: mono[..<count])
    }

    private func checkEnd(after frames: Int) throws {
        guard sf_error(file) == 0 else {
            throw AudioFileError(
                reader.path,
                "the file is truncated or damaged: it cannot be decoded after \(reader.describe(frames)) "
                    + "(\(String(cString: sf_strerror(file)).withoutFullStop))")
        }
        guard frames >= reader.frames || !reader.hasExactLength else {
            throw AudioFileError(
                reader.path,
                "the file is truncated or damaged: it ends after \(reader.describe(frames)) "
                    + "of \(reader.describe(reader.frames))")
        }
    }

    private func mixDown(_ count: Int) throws {
        let channels = reader.channels
        let scale = 1 / Float(channels)
        for frame in 0..<count {
            var sum: Float = 0
            for channel in 0..<channels {
                let sample = interleaved[frame * channels + channel]
                // Not a number fails every comparison.
                guard abs(sample) <= Self.largestSample else {
                    throw AudioFileError(
                        reader.path,
                        "the sample at \(reader.describe(framesRead + frame)), channel \(channel + 1), "
                            + "is \(sample); the file is damaged")
                }
                sum += sample
            }
            mono[frame] = channels == 1 ? sum : sum * scale
        }
    }
}
