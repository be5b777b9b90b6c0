import AudioFile
package import Foundation
import SongPlan
import SystemErrors
import Tensor

/// The decoded beginning of one level of one sample: raw 32-bit floats, little-endian, in a file that only grows.
///
/// It grows by the VQ-VAE's pieces, each decoded with the tokens on both sides that decide it. So it is, sample for
/// sample, the beginning of the finished file, which is made of it.
package struct SoundSoFar {
    package let file: URL
    /// Audio samples of a token.
    package let samplesPerToken: Int
    /// Tokens whose audio is in the file.
    package private(set) var tokens: Int
    private let output: OutputFile

    /// Opens the file, or makes it. What a crash left of a piece is cut off.
    ///
    /// - Parameters:
    ///   - piece: tokens of a whole piece.
    ///   - total: tokens of the whole level; the last piece ends there.
    init(_ file: URL, samplesPerToken: Int, piece: Int, total: Int) throws {
        self.file = file
        self.samplesPerToken = samplesPerToken
        output = try RawSound.open(file)
        let whole = try output.seekToEnd() / (4 * samplesPerToken)
        tokens = whole >= total ? total : whole / piece * piece
        try output.truncate(to: tokens * samplesPerToken * 4)
        try output.seekToEnd()
    }

    /// Adds the audio of the next tokens.
    package mutating func append(_ audio: UnsafeBufferPointer<Float>) throws {
        try output.write(UnsafeRawBufferPointer(audio))
        tokens += audio.count / samplesPerToken
    }

    /// Writes the audio in a format for people, and lets the raw file go.
    func finish(as writer: AudioWriter) throws {
        try RawSound.copy(file, samples: tokens * samplesPerToken, to: writer)
        try writer.finish()
        try output.close()
        try FileManager.default.removeItem(at: file)
    }
}

/// A file of raw sound that is written from a place on.
final class RawSound {
    private let output: OutputFile
    private var samples: Int

    /// - Parameter samples: those before what is appended.
    init(_ file: URL, after samples: Int) throws {
        self.samples = samples
        output = try Self.open(file)
        try output.seek(to: samples * 4)
    }

    func append(_ audio: UnsafeBufferPointer<Float>) throws {
        try output.write(UnsafeRawBufferPointer(audio))
        samples += audio.count
    }

    /// - Returns: the samples up to here.
    func close() throws -> Int {
        try output.close()
        return samples
    }

    /// Opens a file for reading and writing, or makes it.
    static func open(_ file: URL) throws -> OutputFile {
        try OutputFolder.make(file.deletingLastPathComponent().path)
        return try OutputFile(file.path)
    }

    /// The first `samples` of a raw file, in blocks.
    static func copy(_ file: URL, samples: Int, to writer: AudioWriter) throws {
        let reader = try FileHandle(forReadingFrom: file)
        defer { try? reader.close() }
        var left = samples
        while left > 0 {
            guard let data = try reader.read(upToCount: min(left, 1 << 16) * 4), data.count >= 4 else {
                throw SongError("\(file.path) became shorter while it was read")
            }
            try data.withUnsafeBytes { try writer.append($0.bindMemory(to: Float.self)) }
            left -= data.count / 4
        }
    }
}
