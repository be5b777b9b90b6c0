import CSndFile

/// Recordings for prompts.
package enum TestAudio {
    package enum Format: Sendable {
        case wav, flac, ogg

        fileprivate var code: Int32 {
            switch self {
            case .wav: Int32(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
            case .flac: Int32(SF_FORMAT_FLAC | SF_FORMAT_PCM_16)
            case .ogg: Int32(SF_FORMAT_OGG | SF_FORMAT_VORBIS)
            }
        }
    }

    /// Writes tones and a little noise, stereo, at a rate that is not the model's.
    package static func write(_ path: String, format: Format, seconds: Double, rate: Int = 48_000) throws {
        var dice = Dice(seed: 5)
        let frames = Int(seconds * Double(rate))
        var samples: [Float] = []
        samples.reserveCapacity(2 * frames)
        for frame in 0..<frames {
            // Square waves of two pitches, a bell-like envelope twice a second.
            let envelope = 1 - Float(frame % (rate / 2)) / Float(rate / 2)
            let left: Float = frame * 2 * 220 / rate % 2 == 0 ? 0.4 : -0.4
            let right: Float = frame * 2 * 331 / rate % 2 == 0 ? 0.3 : -0.3
            samples.append(left * envelope + Float.random(in: -0.02...0.02, using: &dice))
            samples.append(right * envelope + Float.random(in: -0.02...0.02, using: &dice))
        }
        var info = SF_INFO()
        info.samplerate = Int32(rate)
        info.channels = 2
        info.format = format.code
        guard let file = sf_open(path, Int32(SFM_WRITE), &info) else {
            throw TestSupportError("\(path) cannot be written as \(format)")
        }
        let written = sf_writef_float(file, samples, sf_count_t(frames))
        guard sf_close(file) == 0, written == frames else { throw TestSupportError("\(path) was not written whole") }
    }

    /// The first channel.
    package static func read(_ path: String) throws -> [Float] {
        var info = SF_INFO()
        guard let file = sf_open(path, Int32(SFM_READ), &info) else {
            throw TestSupportError("\(path) is not audio")
        }
        defer { sf_close(file) }
        let channels = Int(info.channels)
        var samples = [Float](repeating: 0, count: Int(info.frames) * channels)
        guard sf_readf_float(file, &samples, info.frames) == info.frames else {
            throw TestSupportError("\(path) could not be read whole")
        }
        return stride(from: 0, to: samples.count, by: channels).map { samples[$0] }
    }
}
