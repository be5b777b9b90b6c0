import ClusterClient
import SongFiles

/// Which sound of a song is wanted.
struct AudioRequest: Sendable {
    enum Format: String, Sendable, CaseIterable {
        case wav, flac, ogg

        static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

        var mediaType: String {
            switch self {
            case .wav: "audio/wav"
            case .flac: "audio/flac"
            case .ogg: "audio/ogg"
            }
        }
    }

    static let query = ["level", "sample", "format"]

    var song: String
    /// nil: the lowest of which something can be heard.
    var level: Int?
    var sample: Int
    /// Three samples as one sound: left, middle, right.
    var isStereo: Bool
    var format: Format

    init(_ request: RouteRequest) throws {
        song = try request.song()
        level = try request.query.number("level", in: 0...15)
        isStereo = request.query["sample"] == Self.stereo
        sample = isStereo ? 0 : try request.query.number("sample", in: 0...255) ?? 0
        format = try request.query.choice("format") ?? .wav
    }

    private static let stereo = "stereo"

    func name(level: Int) -> String {
        "\(song)-level\(level)-\(isStereo ? Self.stereo : "sample\(sample)").\(format.rawValue)"
    }

    /// The level of a file that is what is wanted; nil for any other.
    func level(of path: String) -> Int? {
        guard !path.hasSuffix(".svg") else { return nil }
        let found: Int?
        if isStereo {
            found = SongFolderLayout.stereoPlace(of: path).flatMap { $0.number == 0 ? $0.level : nil }
        } else {
            found = SongFolderLayout.place(of: path).flatMap { $0.sample == sample ? $0.level : nil }
        }
        return found.flatMap { level == nil || level == $0 ? $0 : nil }
    }
}

/// Where the wanted sound is.
enum AudioPlace: Sendable {
    /// A file, in whichever format.
    case finished(SongFileEntry, level: Int)
    /// Raw sound that grows.
    case growing(SongFileEntry, level: Int)

    var level: Int {
        switch self {
        case .finished(_, let level), .growing(_, let level): level
        }
    }

    /// - Returns: nil when nothing of it can be heard yet.
    static func find(_ request: AudioRequest, growing: SongFileList, finished: SongFileList) -> AudioPlace? {
        func places(_ list: SongFileList) -> [(entry: SongFileEntry, level: Int)] {
            list.files.compactMap { entry in request.level(of: entry.path).map { (entry, $0) } }
        }
        let (whole, raw) = (places(finished), places(growing).filter { $0.entry.size >= 4 })
        guard let level = (whole + raw).map(\.level).min() else { return nil }
        if let file = whole.first(where: { $0.level == level }) { return .finished(file.entry, level: level) }
        return raw.first { $0.level == level }.map { .growing($0.entry, level: level) }
    }
}
