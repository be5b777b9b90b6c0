import AudioFile
import Foundation

/// Three renditions of one top level, as left, middle and right of one sound.
enum StereoSound {
    /// The middle is heard from both sides as loudly as the others from theirs; nothing is louder than full scale.
    private static let middle = Float(0.5).squareRoot()
    private static let frames = 8192

    /// - Parameters:
    ///   - paths: left, middle, right; of equal length.
    static func write(_ paths: [URL], to file: URL) throws {
        let readers = try paths.map { try AudioReader(path: $0.path) }
        let length = readers.map(\.frames).min() ?? 0
        let writer = try AudioWriter(
            path: file.path, sampleRate: readers[0].sampleRate, format: .wav, channels: 2)
        for begin in stride(from: 0, to: length, by: frames) {
            let range = begin..<min(begin + frames, length)
            let parts = try readers.map { try $0.read(range) }
            // A file may end before its header says.
            let count = parts.map(\.count).min() ?? 0
            var block = [Float](repeating: 0, count: 2 * count)
            for frame in 0..<count {
                let centre = middle * parts[1][frame]
                block[2 * frame] = (parts[0][frame] + centre) / (1 + middle)
                block[2 * frame + 1] = (parts[2][frame] + centre) / (1 + middle)
            }
            try block.withUnsafeBufferPointer { try writer.append($0) }
        }
        try writer.finish()
    }
}

extension SongOutput {
    /// Writes every three samples of a song that asks for it as one sound, a WAV, at each level that has audio.
    package func writeStereo() throws {
        for place in stereoPlaces {
            let file = layout.stereo(level: place.level, number: place.number)
            guard !FileManager.default.fileExists(atPath: file.path) else { continue }
            let samples = (0..<3).map { audioFile(level: place.level, sample: 3 * place.number + $0) }
            guard samples.allSatisfy({ FileManager.default.fileExists(atPath: $0.path) }) else { continue }
            try StereoSound.write(samples, to: file)
        }
    }
}
