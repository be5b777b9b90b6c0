import CSndFile

/// Decodes a part of a file block by block and mixes its channels down to one.
final class MonoSource {
    /// Small enough for 64 channels, large enough for the calls to cost nothing.
    private static let blockFrames = 16_384

    /// Beyond any scale that programs give to samples, and far from overflow.
    private static let largestSample: Float = 1e6

    /// The place in the part.
    private(set) var framesRead: Int

    /// Mean powers times the samples so far: of the mix, and of a channel before it.
    private(set) var power = (mixed: 0.0, channel: 0.0)

    /// Whether something that is no audio follows the end.
    private(set) var hasTail = false

    private let part: OpenPart
    /// [blockFrames, channels]
    private let interleaved: UnsafeMutableBufferPointer<Float>
    /// [blockFrames]
    private let mono: UnsafeMutableBufferPointer<Float>
    private var isAtEnd = false

    /// - Parameter start: where the decoder is.
    init(_ part: OpenPart, from start: Int = 0) {
        self.part = part
        framesRead = start
        interleaved = .allocate(capacity: Self.blockFrames * part.channels)
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
        let count = Int(sf_readf_float(part.file, interleaved.baseAddress, sf_count_t(Self.blockFrames)))
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
        let advice = ". Get it whole; if what can be heard will do: \(ShellWords.conversion(of: part.name))"
        guard sf_error(part.file) == 0 else {
            if part.hasExactLength, frames >= part.frames {
                hasTail = true
                return
            }
            throw AudioFileError(
                part.name,
                "the file is truncated or damaged: it cannot be decoded after \(part.describe(frames)) "
                    + "(\(String(cString: sf_strerror(part.file)).withoutFullStop))" + advice)
        }
        guard frames >= part.frames || !part.hasExactLength else {
            throw AudioFileError(
                part.name,
                "the file is truncated or damaged: it ends after \(part.describe(frames)) "
                    + "of \(part.describe(part.frames))" + advice)
        }
    }

    private func mixDown(_ count: Int) throws {
        let channels = part.channels
        let scale = 1 / Float(channels)
        var (mixed, channel): (Float, Float) = (0, 0)
        for frame in 0..<count {
            var sum: Float = 0
            for index in 0..<channels {
                let sample = interleaved[frame * channels + index]
                // Not a number fails every comparison.
                guard abs(sample) <= Self.largestSample else {
                    throw AudioFileError(
                        part.name,
                        "the sample at \(part.describe(framesRead + frame)), channel \(index + 1), "
                            + "is \(sample); the file is damaged")
                }
                sum += sample
                channel += sample * sample
            }
            mono[frame] = channels == 1 ? sum : sum * scale
            mixed += mono[frame] * mono[frame]
        }
        power.mixed += Double(mixed)
        power.channel += Double(channel) / Double(channels)
    }
}
