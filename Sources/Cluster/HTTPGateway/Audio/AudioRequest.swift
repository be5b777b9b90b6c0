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
    var format: Format

    init(_ request: RouteRequest) throws {
        song = try request.song()
        level = try request.query.number("level", in: 0...15)
        sample = try request.query.number("sample", in: 0...255) ?? 0
        format = try request.query.choice("format") ?? .wav
    }

    func name(level: Int) -> String { "\(song)-level\(level)-sample\(sample).\(format.rawValue)" }
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
            list.files.compactMap { entry in
                guard let place = SongFolderLayout.place(of: entry.path), place.sample == request.sample,
                    request.level.map({ $0 == place.level }) ?? true, !entry.path.hasSuffix(".svg")
                else { return nil }
                return (entry, place.level)
            }
        }
        let (whole, raw) = (places(finished), places(growing).filter { $0.entry.size >= 4 })
        guard let level = (whole + raw).map(\.level).min() else { return nil }
        if let file = whole.first(where: { $0.level == level }) { return .finished(file.entry, level: level) }
        return raw.first { $0.level == level }.map { .growing($0.entry, level: level) }
    }
}
