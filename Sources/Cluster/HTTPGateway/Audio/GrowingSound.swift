import ClusterClient
import Foundation
import SongFiles

/// Sound of a song that is not finished, as the WAV file that it will be. Who asks for all of it gets it as it comes.
struct GrowingSound: Sendable {
    private let files: SongFilesAccess
    private let song: String
    private let level: Int
    private let sample: Int
    private let entry: SongFileEntry
    /// Of the whole song, in samples.
    private let samples: Int
    private let rate: Int

    /// Between two looks at a sound that waits for tokens: each piece costs the system a write.
    private static let pause = Duration.seconds(1)

    /// - Throws: `Problem` when the coordinator does not say how long the song is, or no WAV file can be that long.
    init(
        files: SongFilesAccess, song: String, level: Int, sample: Int, entry: SongFileEntry, list: SongFileList
    ) throws {
        guard (1...1_000_000).contains(list.sampleRate), (1...2_147_000_000).contains(list.sampleLength) else {
            throw Problem(
                .conflict, "the sound of \(song) cannot be heard while it grows; ask again when it is finished")
        }
        (self.files, self.song, self.level, self.sample, self.entry) = (files, song, level, sample, entry)
        (samples, rate) = (list.sampleLength, list.sampleRate)
    }

    private var length: Int { WAVHeader.size + 2 * samples }

    func response(range: String?, name: String) -> HTTPResponse {
        let available = min(length, WAVHeader.size + Int(clamping: entry.size) / 4 * 2)
        return .ranged(range, length: length, available: available, type: "audio/wav", name: name) { part, writer in
            var offset = part.lowerBound
            if offset < WAVHeader.size {
                let header = WAVHeader.bytes(samples: samples, rate: rate)
                try await writer.write(Array(header[offset..<min(part.upperBound, header.count)]))
                offset = min(part.upperBound, WAVHeader.size)
            }
            while offset < part.upperBound {
                let bytes = try await bytes(from: offset).prefix(part.upperBound - offset)
                if bytes.isEmpty {
                    try await Task.sleep(for: Self.pause)
                } else {
                    try await writer.write(Array(bytes))
                    offset += bytes.count
                }
            }
        }
    }

    /// What there is from a place of the WAV file on; empty when it has to be waited for.
    ///
    /// - Throws: `ClientError` when the song has ended without it.
    private func bytes(from offset: Int) async throws -> [UInt8] {
        let place = offset - WAVHeader.size
        do {
            // From the sample on in which the place lies.
            let bytes = try await files.sound(entry, of: song, from: place / 2).dropFirst(place % 2)
            if !bytes.isEmpty { return Array(bytes) }
        } catch let error as ClientError where error.kind == .notFound {
            // It is complete, or gone.
        }
        let finished = try await files.list(song, soFar: false)
        if let file = finished.files.first(where: {
            SongFolderLayout.place(of: $0.path).map { $0 == (level, sample) } ?? false && $0.path.hasSuffix(".wav")
        }) {
            return try await files.read(file, of: song, from: offset, isFinal: true)
        }
        guard ["preparing", "sampling", "decoding"].contains(finished.state) || finished.state.hasPrefix("parked")
        else {
            throw ClientError("\(song) is \(finished.state): there will be no more of it")
        }
        return []
    }
}
