import Digest
package import Foundation
import SystemErrors

/// What the JSON beside a recording's features says. Whoever finds it knows what the numbers are, and a run that goes on
/// knows that they are done.
package struct FeatureRecord: Codable, Sendable, Hashable {
    /// A window and its label vector.
    package struct Window: Codable, Sendable, Hashable {
        /// Audio samples into the excerpt.
        package var start: Int
        package var samples: Int
        package var rows: Int
        package var labels: [Int]
    }

    /// A file of numbers.
    package struct Output: Codable, Sendable, Hashable {
        package var file: String
        package var bytes: Int
        /// By name, the arrays in it.
        package var shapes: [String: [Int]]
    }

    /// Of this record.
    package var format = 1
    /// The program's version.
    package var version: String
    /// What was asked for, with the model: equal digests mean equal numbers of equal audio.
    package var requestDigest: String
    package var request: FeatureRequest
    package var model: String
    /// Of the layers that were computed, with the numeric profile.
    package var fingerprint: String
    /// Of the network that made tokens of the audio.
    package var codecFingerprint: String
    package var profile: String
    /// The recording as it was named, and a hash of its bytes.
    package var recording: String
    package var audioDigest: String
    /// Audio samples of the excerpt, and how many there are in a second.
    package var samples: Int
    package var sampleRate: Int
    package var resampler = "libsamplerate, medium sinc; mean of channels, then resampling, then division by the peak"
    /// Rows or frames a second; nil for means.
    package var framesPerSecond: Double?
    package var dataType = "float32"
    package var windows: [Window]
    package var outputs: [Output]

    /// The record at a path; nil where there is none that can be read.
    package static func read(_ path: String) -> FeatureRecord? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(FeatureRecord.self, from: data)
    }

    package func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.replace(path, with: encoder.encode(self))
    }

    /// Whether all its files lie in a folder, as long as they were.
    package func isComplete(in folder: URL) -> Bool {
        outputs.allSatisfy { output in
            let path = folder.appendingPathComponent(output.file).path
            let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
            return size == output.bytes
        }
    }
}

/// Which features of which model, in which files.
package struct FeatureJob: Sendable {
    package let request: FeatureRequest
    package let format: FeatureFormat
    package let model: String
    package let fingerprint: String
    package let codecFingerprint: String
    package let profile: String
    package let version: String
    package let digest: String

    package init(_ extractor: FeatureExtractor, format: FeatureFormat, model: String, profile: String, version: String)
        throws
    {
        (request, fingerprint, codecFingerprint) = (
            extractor.request, extractor.fingerprint, extractor.codecFingerprint
        )
        (self.format, self.model, self.profile, self.version) = (format, model, profile, version)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let stream = Digest.Stream()
        stream.update(String(decoding: try encoder.encode(extractor.request), as: UTF8.self))
        for text in [format.rawValue, fingerprint, codecFingerprint] { stream.update(text) }
        digest = stream.finish()
    }

    /// What is said of features that were made.
    ///
    /// - Parameter samples: of the excerpt.
    package func record(
        of recording: String, audioDigest: String, samples: Int, windows: [FeatureWindow], extractor: FeatureExtractor,
        outputs: [FeatureRecord.Output]
    ) -> FeatureRecord {
        FeatureRecord(
            version: version, requestDigest: digest, request: request, model: model, fingerprint: fingerprint,
            codecFingerprint: codecFingerprint, profile: profile, recording: recording, audioDigest: audioDigest,
            samples: samples, sampleRate: extractor.geometry.sampleRate, framesPerSecond: extractor.framesPerSecond,
            windows: windows.map {
                .init(start: $0.samples.lowerBound, samples: $0.samples.count, rows: $0.rows, labels: $0.labels)
            }, outputs: outputs)
    }

    /// A hash of a recording's bytes.
    package static func audioDigest(_ path: String) throws -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { throw SystemError(path) }
        defer { try? file.close() }
        let stream = Digest.Stream()
        while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
            block.withUnsafeBytes { stream.update($0) }
        }
        return stream.finish()
    }
}
