import AudioFile
import CSndFile
import Foundation

/// A folder that goes with the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "audio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appending(path: name).path }

    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try Data(bytes).write(to: url.appending(path: name))
        return path(name)
    }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }
}

func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

func sine(_ frequency: Double, rate: Int, seconds: Double, amplitude: Double = 0.5) -> [Float] {
    (0..<Int(seconds * Double(rate))).map { index in
        Float(amplitude * sin(2 * .pi * frequency * Double(index) / Double(rate)))
    }
}

func write(_ samples: [Float], rate: Int, as format: AudioFormat, to path: String) throws {
    let writer = try AudioWriter(path: path, sampleRate: rate, format: format)
    try writer.append(samples)
    try writer.finish()
}

/// Decibels of a sine's power over the power of what differs from it, best gain and phase taken out. The
/// samples are a whole number of periods.
func purity(_ samples: ArraySlice<Float>, of frequency: Double, rate: Int) -> (
    decibels: Double, amplitude: Double
) {
    var sums = (sine: 0.0, cosine: 0.0, power: 0.0)
    for (index, sample) in samples.enumerated() {
        let phase = 2 * .pi * frequency * Double(index) / Double(rate)
        sums.sine += Double(sample) * sin(phase)
        sums.cosine += Double(sample) * cos(phase)
        sums.power += Double(sample) * Double(sample)
    }
    let count = Double(samples.count)
    let amplitude = 2 * hypot(sums.sine, sums.cosine) / count
    let signal = amplitude * amplitude / 2
    return (10 * log10(signal / max(sums.power / count - signal, 1e-30)), amplitude)
}

/// WAV by the book, so that a reader is not tested against its own library's writer only.
struct WAVFile {
    var channels: Int
    var rate: Int
    /// 1: 16-bit integers, 3: 32-bit floating point.
    var code: Int
    var data: [UInt8]
    var declaredDataSize: Int?

    init(_ interleaved: [Int16], channels: Int, rate: Int) {
        (self.channels, self.rate, code) = (channels, rate, 1)
        data = interleaved.flatMap { number(UInt64(UInt16(bitPattern: $0)), bytes: 2) }
    }

    init(_ interleaved: [Float], channels: Int, rate: Int) {
        (self.channels, self.rate, code) = (channels, rate, 3)
        data = interleaved.flatMap { number(UInt64($0.bitPattern), bytes: 4) }
    }

    var bytes: [UInt8] {
        let sampleBytes = code == 1 ? 2 : 4
        let format =
            number(UInt64(code), bytes: 2) + number(UInt64(channels), bytes: 2)
            + number(UInt64(rate), bytes: 4)
            + number(UInt64(rate &* channels &* sampleBytes) & 0xffff_ffff, bytes: 4)
            + number(UInt64(channels * sampleBytes) & 0xffff, bytes: 2)
            + number(UInt64(sampleBytes * 8), bytes: 2)
        let size = UInt64(declaredDataSize ?? data.count)
        return Array("RIFF".utf8) + number(UInt64(36 + data.count), bytes: 4) + Array("WAVEfmt ".utf8)
            + number(16, bytes: 4) + format + Array("data".utf8) + number(size, bytes: 4) + data
    }
}

private func number(_ value: UInt64, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

/// A format that the writer does not offer, for reading.
func writeWithLibrary(_ samples: [Float], rate: Int, format: Int, to path: String) -> Bool {
    var info = SF_INFO()
    info.samplerate = Int32(rate)
    info.channels = 1
    info.format = Int32(format)
    guard let file = sf_open(path, Int32(SFM_WRITE), &info) else { return false }
    let written = sf_writef_float(file, samples, sf_count_t(samples.count))
    return sf_close(file) == 0 && written == samples.count
}

/// Repeatable random numbers (SplitMix64).
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
