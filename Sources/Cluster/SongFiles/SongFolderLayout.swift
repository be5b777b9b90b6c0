package import Foundation

/// The names of a song's files in its folder: the audio, the codes, and what they are.
package struct SongFolderLayout: Sendable, Hashable {
    package let folder: URL

    package init(_ folder: URL) { self.folder = folder }

    /// Written last: what says that all of a song is there.
    package static let descriptionName = "song.json"
    package static let codesName = "codes.safetensors"
    package static let timelineName = "timeline.json"
    /// The folder of raw sound of streams that are not finished.
    package static let soFarName = "so_far"

    package var description: URL { folder.appendingPathComponent(Self.descriptionName) }
    package var codes: URL { folder.appendingPathComponent(Self.codesName) }
    package var timeline: URL { folder.appendingPathComponent(Self.timelineName) }
    /// Which song the files are of; not listed.
    package static let ownerName = "owner"
    package var owner: URL { folder.appendingPathComponent(Self.ownerName) }
    /// Machines of which the song has tokens that no other machine compared; not listed.
    package static let witnessName = "unwitnessed"
    package var unwitnessed: URL { folder.appendingPathComponent(Self.witnessName) }
    /// Where a damaged file is made again; not listed.
    package var again: URL { folder.appendingPathComponent("again.partial", isDirectory: true) }
    package var soFar: URL { folder.appendingPathComponent(Self.soFarName) }

    /// Which VQ-VAE makes the sound. Its name is one of those that are not listed and go when the song is finished.
    package var decoder: URL { soFar.appendingPathComponent("decoder.partial") }

    /// All files go but the timeline: the song is made again.
    package func discard() throws {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where name != Self.timelineName && name != Self.ownerName {
            try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
    }

    /// Whether the folder has a finished song.
    package var isFinished: Bool { FileManager.default.fileExists(atPath: description.path) }

    // MARK: audio

    private static let (level, sample) = ("level_", "sample_")

    private static func audio(_ place: (level: Int, sample: Int), _ ending: String) -> String {
        "\(levelFolder(place.level))\(sample)\(place.sample)\(ending)"
    }

    /// What the names of one level's audio begin with.
    package static func levelFolder(_ number: Int) -> String { "\(level)\(number)/" }

    /// The path below the folder.
    ///
    /// - Parameter fileExtension: of the format: wav, flac or ogg.
    package static func audioPath(level: Int, sample: Int, fileExtension: String) -> String {
        audio((level, sample), ".\(fileExtension)")
    }

    /// - Parameter fileExtension: of the format: wav, flac or ogg.
    package func audio(level: Int, sample: Int, fileExtension: String) -> URL {
        folder.appendingPathComponent(Self.audioPath(level: level, sample: sample, fileExtension: fileExtension))
    }

    /// Three samples as one sound.
    ///
    /// - Parameter number: counts them.
    package func stereo(level: Int, number: Int) -> URL {
        folder.appendingPathComponent("\(Self.levelFolder(level))\(Self.stereoName)\(number).wav")
    }

    private static let stereoName = "stereo_"

    /// The level and number of a path of sound in stereo below the folder; nil for any other.
    package static func stereoPlace(of path: String) -> (level: Int, number: Int)? {
        let parts = path.split(separator: "/")
        guard parts.count == 2, parts[0].hasPrefix(level), parts[1].hasPrefix(stereoName),
            let level = Int(parts[0].dropFirst(level.count)),
            let number = Int(parts[1].dropFirst(stereoName.count).prefix { $0 != "." })
        else { return nil }
        return (level, number)
    }

    /// The score of a sample's seams, drawn.
    package func seams(level: Int, sample: Int) -> URL {
        folder.appendingPathComponent(Self.audio((level, sample), "_seams.svg"))
    }

    /// Raw sound that grows: 32-bit floats, little-endian.
    package func rawSound(level: Int, sample: Int) -> URL {
        soFar.appendingPathComponent(Self.audio((level, sample), ".f32"))
    }

    /// What a client makes of raw sound that it copied.
    package static func copyOfSoFar(level: Int, sample: Int) -> String { audio((level, sample), ".so-far.wav") }

    // MARK: what a name means

    /// Whether a path below the folder is that of raw sound.
    package static func isSoFar(_ path: String) -> Bool { path.hasPrefix("\(soFarName)/") }

    /// Whether a path below the folder is audio, of a song of any length, of one level.
    package static func isOf(level: Int, _ path: String) -> Bool { path.hasPrefix(levelFolder(level)) }

    /// The level and sample of a path of audio below the folder, or of raw sound; nil for any other.
    package static func place(of path: String) -> (level: Int, sample: Int)? {
        let path = isSoFar(path) ? path.dropFirst(soFarName.count + 1) : path[...]
        let parts = path.split(separator: "/")
        guard parts.count == 2, parts[0].hasPrefix(level), parts[1].hasPrefix(sample),
            let number = Int(parts[0].dropFirst(level.count)),
            let place = Int(parts[1].dropFirst(sample.count).prefix { $0 != "." })
        else { return nil }
        return (number, place)
    }

    /// Whether a name is that of a file which a process that was killed did not complete.
    package static func isUnfinished(_ path: String) -> Bool {
        path.hasSuffix(".partial") || path.hasPrefix("\(codesName).partial-")
    }
}
