import AudioFile
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan

/// Recordings and requests for tests.
enum Make {
    /// A WAV file of noise under a tone.
    static func recording(_ name: String, samples: Int, rate: Int = 44_100, in folder: TemporaryFolder) throws -> String
    {
        var random = SplitMix64(seed: UInt64(samples))
        let values = (0..<samples).map { index in
            Float(sin(Double(index) * 0.07) * 0.4) + Float.random(in: -0.1...0.1, using: &random)
        }
        let path = folder.file(name).path
        let writer = try AudioWriter(path: path, sampleRate: rate, format: .wav)
        try writer.append(values)
        try writer.finish()
        return path
    }

    static func song(
        _ mode: SongMode = .ancestral, _ change: (inout SongSpecification) -> Void = { _ in }
    ) -> SongSpecification {
        var song = SongSpecification(model: "m", mode: mode)
        change(&song)
        return song
    }
}

/// The first number after `words` in an error's text.
func number(after words: String, in text: String) -> Double? {
    guard let range = text.range(of: words) else { return nil }
    let rest = text[range.upperBound...].drop { !$0.isNumber }
    return Double(String(rest.prefix { $0.isNumber || $0 == "." || $0 == "e" || $0 == "-" }).trimmingSuffix("."))
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String { last == suffix ? String(dropLast()) : self }
}
