import ClusterClient
import Foundation
import SongFiles

/// What there is of a song beside its sound.
struct FileRoutes {
    let cluster: ClusterAccess
    let files: SongFilesAccess
    let derived: DerivedFiles

    var routes: [Route] {
        let song = SongRoutes.ofSong
        return [
            Route("GET", "\(song)/song.json", role: .viewer) { request in
                // Parts of it are no JSON.
                try await self.file(
                    SongFolderLayout.descriptionName, type: "application/json", range: nil, request)
            },
            Route("GET", "\(song)/codes", role: .viewer) { request in
                try await self.file(
                    SongFolderLayout.codesName, type: "application/octet-stream",
                    range: request.request.fields["Range"], request)
            },
            Route("GET", "\(song)/timeline", role: .viewer, answer: timeline),
            Route("GET", "\(song)/picture", role: .viewer, query: ["level", "sample"], answer: picture),
            Route("GET", "\(song)/lyrics", role: .viewer, query: ["sample", "format"], answer: lyrics),
            Route("GET", "\(song)/seams", role: .viewer, query: ["level", "sample"], answer: seams),
        ]
    }

    private func file(
        _ path: String, type: String, range: String?, _ request: RouteRequest
    ) async throws -> HTTPResponse {
        let song = try request.song()
        let list = try await files.list(song, soFar: false)
        guard let entry = list.files.first(where: { $0.path == path }) else {
            if list.isDamaged {
                throw Problem(
                    .serviceUnavailable, "\(path) of \(song) cannot be had: the song is \(list.state)",
                    fields: ["Retry-After": "\(Problem.pause)"])
            }
            throw Problem(
                .conflict, "\(song) has no \(path) yet, it is \(list.state); ask again when it is finished",
                fields: ["Retry-After": "\(Problem.pause)"])
        }
        let digest = try await files.digests(of: song, list)[path]
        return FileSource(files: files, song: song, entry: entry, digest: digest).response(
            range: range, type: type, name: "\(song)-\(path)")
    }

    @Sendable private func timeline(_ request: RouteRequest) async throws -> HTTPResponse {
        let song = try request.song()
        let timeline = try await cluster.askSlowly { try $0.timeline(song: song) }
        return HTTPResponse(json: [UInt8](try timeline.json()))
    }

    private static func place(_ request: RouteRequest) throws -> (level: Int?, sample: Int) {
        (
            try request.query.number("level", in: 0...15),
            try request.query.number("sample", in: 0...255) ?? 0
        )
    }

    private static func isAudio(of sample: Int) -> @Sendable (String) -> Bool {
        { SongFolderLayout.place(of: $0)?.sample == sample }
    }

    private static let isDescription: @Sendable (String) -> Bool = {
        [SongFolderLayout.descriptionName, SongFolderLayout.codesName].contains($0)
    }

    @Sendable private func picture(_ request: RouteRequest) async throws -> HTTPResponse {
        let (song, (level, sample), tools) = (try request.song(), try Self.place(request), derived.tools)
        let isAudio = Self.isAudio(of: sample)
        let file = try await derived.file(
            "picture \(level.map(String.init) ?? "-") \(sample)", of: song,
            wants: { Self.isDescription($0) || isAudio($0) },
            make: { try tools.picture(of: $0, level: level, sample: sample, out: $1) })
        return try file.response(
            range: request.request.fields["Range"], type: "image/png", name: "\(song)-sample\(sample).png")
    }

    @Sendable private func lyrics(_ request: RouteRequest) async throws -> HTTPResponse {
        let (song, (_, sample), tools) = (try request.song(), try Self.place(request), derived.tools)
        let format: LyricFormat = try request.query.choice("format") ?? .json
        let file = try await derived.file(
            "lyrics \(format.rawValue) \(sample)", of: song, wants: Self.isDescription,
            make: { folder, out in
                let lyrics = try tools.lyricTimes(of: folder, sample: sample)
                try Data(format.text(lyrics, sample: sample)).write(to: out)
            })
        return try file.response(
            range: nil, type: format.mediaType, name: "\(song)-sample\(sample).\(format.rawValue)")
    }

    @Sendable private func seams(_ request: RouteRequest) async throws -> HTTPResponse {
        let (song, (level, sample), tools) = (try request.song(), try Self.place(request), derived.tools)
        let isAudio = Self.isAudio(of: sample)
        let file = try await derived.file(
            "seams \(level.map(String.init) ?? "-") \(sample)", of: song,
            wants: { Self.isDescription($0) || isAudio($0) },
            make: { try Data(tools.seams(of: $0, level: level, sample: sample)).write(to: $1) })
        return HTTPResponse(json: try file.bytes())
    }
}
