import CSndFile
import Foundation
import Testing

/// Formats that a recording comes in.
enum Recording: String, CaseIterable, Sendable {
    case wav, flac, ogg, opus, mp3, aiff, au, caf, w64, rf64

    private var code: Int {
        switch self {
        case .wav: SF_FORMAT_WAV | SF_FORMAT_PCM_16
        case .flac: SF_FORMAT_FLAC | SF_FORMAT_PCM_16
        case .ogg: SF_FORMAT_OGG | SF_FORMAT_VORBIS
        case .opus: SF_FORMAT_OGG | SF_FORMAT_OPUS
        case .mp3: SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III
        case .aiff: SF_FORMAT_AIFF | SF_FORMAT_PCM_16
        case .au: SF_FORMAT_AU | SF_FORMAT_PCM_16
        case .caf: SF_FORMAT_CAF | SF_FORMAT_PCM_16
        case .w64: SF_FORMAT_W64 | SF_FORMAT_PCM_16
        case .rf64: SF_FORMAT_RF64 | SF_FORMAT_PCM_16
        }
    }

    /// A file of these samples.
    func bytes(_ samples: [Float], rate: Int, in folder: TemporaryFolder) throws -> [UInt8] {
        let path = folder.path("recording.\(rawValue)")
        try #require(writeWithLibrary(samples, rate: rate, format: code, to: path))
        return try AudioFileTests.bytes(of: path)
    }
}

extension [UInt8] {
    /// The same with other bytes at a place.
    func replacing(at place: Int, with bytes: [UInt8]) -> [UInt8] {
        Array(self[..<place]) + bytes + self[(place + bytes.count)...]
    }

    /// Where a text begins.
    func place(of text: String, after start: Int = 0) throws -> Int {
        let pattern = Array(text.utf8)
        return try #require((start...(count - pattern.count)).first { self[$0..<$0 + pattern.count] == pattern[...] })
    }

    /// Without the first frame of an MP3 of 44.1 kHz, which holds the note on how many follow.
    func withoutNote() throws -> [UInt8] {
        let rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        try #require(self[0] == 0xff && self[1] & 0xfe == 0xfa, "not MPEG 1 layer III")
        let length = 144_000 * rates[Int(self[2] >> 4)] / 44_100 + Int(self[2] >> 1 & 1)
        return Array(self[length...])
    }
}
