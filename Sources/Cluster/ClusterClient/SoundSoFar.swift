import AudioFile
package import Foundation
import SongFiles
import SystemErrors

/// What can be heard of a song that is not finished.
package struct SoundReport: Sendable, Encodable {
    package struct Sound: Sendable, Encodable {
        package var sample: Int
        package var file: String
        package var seconds: Double
        /// Whether that is all of it.
        package var complete: Bool
    }
    package var folder: String
    package var level: Int
    /// Of the whole song.
    package var songSeconds: Double
    package var sounds: [Sound]

    enum CodingKeys: String, CodingKey {
        case folder, level, sounds
        case songSeconds = "song_seconds"
    }
}

extension ClusterClient {
    /// Copies what can be heard of one level already, as WAV files.
    ///
    /// - Parameter level: by default the lowest that has something.
    package func fetchSoFar(
        song: String, into folder: URL, level: Int?, progress: (FileTransfer) -> Void = { _ in }
    ) throws -> SoundReport {
        // Growing ones first: one that is completed meanwhile is then among the finished.
        let growing = try list(song: song, soFar: true)
        let finished = try list(song: song)
        let digests = try digests(of: song, finished)
        let damaged = digests.keys.filter { path in
            SongFolderLayout.place(of: path).map { level == nil || level == $0.level } == true
                && !finished.files.contains { $0.path == path }
        }
        // Another level is not what somebody wants who says nothing, only because the finest was damaged.
        guard damaged.isEmpty else { throw Self.damage(of: song, damaged.sorted(), finished) }
        let raw = growing.files.compactMap(Self.sound).filter { $0.entry.size >= 4 }
        let done = finished.files.compactMap(Self.sound)
        guard let level = level ?? (raw + done).map(\.level).min(), (raw + done).contains(where: { $0.level == level })
        else {
            let what = level.map { " at level \($0)" } ?? ""
            throw ClientError(
                "nothing of \(song) can be heard\(what) yet, it is \(finished.state); "
                    + "orchestrion watch \(song) shows how far it is")
        }
        guard (1...1_000_000).contains(finished.sampleRate) else {
            throw ClientError("the coordinator does not say how fast the sound of \(song) is")
        }
        let rate = Double(finished.sampleRate)
        let total = Double(finished.sampleLength) / rate
        var sounds: [SoundReport.Sound] = []
        for place in done where place.level == level {
            do {
                let digest = digests[place.entry.path]
                try fetch(place.entry, song: song, into: folder, digest: digest, progress: progress)
            } catch is DamagedFile {
                throw Self.damage(of: song, [place.entry.path], finished)
            }
            sounds.append(.init(sample: place.sample, file: place.entry.path, seconds: total, complete: true))
        }
        for place in raw where place.level == level && !sounds.contains(where: { $0.sample == place.sample }) {
            let file = SongFolderLayout.copyOfSoFar(level: level, sample: place.sample)
            let samples = try fetchRaw(
                place.entry, song: song, to: folder.appendingPathComponent(file), rate: Int(rate))
            sounds.append(
                .init(sample: place.sample, file: file, seconds: Double(samples) / rate, complete: false))
        }
        sounds.sort { $0.sample < $1.sample }
        return SoundReport(folder: folder.path, level: level, songSeconds: total, sounds: sounds)
    }

    /// The level and sample of an audio file.
    private static func sound(_ entry: SongFileEntry) -> (entry: SongFileEntry, level: Int, sample: Int)? {
        SongFolderLayout.place(of: entry.path).map { (entry, $0.level, $0.sample) }
    }

    /// Copies raw sound, as long as it was when it was listed, into a WAV file.
    ///
    /// - Returns: its audio samples.
    private func fetchRaw(_ entry: SongFileEntry, song: String, to file: URL, rate: Int) throws -> Int {
        try OutputFolder.make(file.deletingLastPathComponent().path)
        let writer = try AudioWriter(path: file.path, sampleRate: rate, format: .wav)
        let size = entry.size / 4 * 4
        var offset: UInt64 = 0
        while offset < size {
            let count = Int(min(UInt64(FilePiece.size / 4 * 4), size - offset))
            let data = try read(entry, of: song, from: offset, count: count)
            guard !data.isEmpty, data.count.isMultiple(of: 4) else {
                throw ClientError("level audio of \(song) was completed while it was fetched; try again")
            }
            let samples = data.withUnsafeBytes { bytes in
                (0..<data.count / 4).map {
                    Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self).littleEndian)
                }
            }
            try writer.append(samples)
            offset += UInt64(data.count)
        }
        try writer.finish()
        return Int(size / 4)
    }
}
