import ClusterClient
import Digest
import Foundation
import SongFiles

/// The sound of songs: finished, and while it grows.
struct AudioRoutes {
    let files: SongFilesAccess
    let derived: DerivedFiles

    var routes: [Route] {
        [Route("GET", "\(SongRoutes.ofSong)/audio", role: .viewer, query: AudioRequest.query, answer: audio)]
    }

    /// How long one waits for a song of which nothing can be heard yet.
    private static let patience = Duration.seconds(60)

    /// Where the sound is, and the song's finished files. Who asks right after submitting hears the song from its beginning.
    private func find(
        _ wanted: AudioRequest, patience: Duration
    ) async throws -> (place: AudioPlace?, finished: SongFileList) {
        let deadline = ContinuousClock.now + patience
        while true {
            // What grows first: a level that is completed meanwhile is then among the finished.
            let growing = try await files.list(wanted.song, soFar: true)
            let finished = try await files.list(wanted.song, soFar: false)
            let place = AudioPlace.find(wanted, growing: growing, finished: finished)
            let isUnderWay = ["preparing", "sampling", "decoding"].contains(finished.state)
            if place != nil || !isUnderWay || ContinuousClock.now >= deadline { return (place, finished) }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    private static func damage(of song: String, _ list: SongFileList) -> Problem {
        Problem(
            .serviceUnavailable, "the sound of \(song) is not whole: it is \(list.state)",
            fields: ["Retry-After": "\(Problem.pause)"])
    }

    @Sendable private func audio(_ request: RouteRequest) async throws -> HTTPResponse {
        let wanted = try AudioRequest(request)
        let range = request.request.fields["If-Range"] == nil ? request.request.fields["Range"] : nil
        let (place, finished) = try await find(wanted, patience: range == nil ? Self.patience : .zero)
        switch place {
        case .finished(let entry, let level)?:
            let digests = try await files.digests(of: wanted.song, finished)
            // A coarser level is not what somebody wants who says nothing, only because the finest was damaged.
            let isFinest = !digests.keys.compactMap(SongFolderLayout.place(of:)).contains {
                $0.sample == wanted.sample && $0.level < level
            }
            guard wanted.level != nil || isFinest else { throw Self.damage(of: wanted.song, finished) }
            if entry.path.hasSuffix(".\(wanted.format.rawValue)") {
                let source = FileSource(
                    files: files, song: wanted.song, entry: entry, digest: digests[entry.path])
                return source.response(
                    range: range, type: wanted.format.mediaType, name: wanted.name(level: level))
            }
            guard !wanted.isStereo else {
                throw Problem(
                    .conflict, "the sound in stereo is a WAV; ask for format=wav")
            }
            let file = try await derived.converted(wanted, entry, level: level)
            return try file.response(range: range, type: wanted.format.mediaType, name: wanted.name(level: level))
        case .growing(let entry, let level)?:
            guard wanted.format == .wav else {
                throw Problem(
                    .conflict,
                    "level \(level) of \(wanted.song) grows still, and a growing one is WAV; ask for format=wav, or again when it is complete"
                )
            }
            let sound = try GrowingSound(
                files: files, song: wanted.song, level: level, sample: wanted.sample, entry: entry, list: finished)
            return sound.response(range: range, name: wanted.name(level: level))
        case nil where finished.isDamaged: throw Self.damage(of: wanted.song, finished)
        case nil:
            let what = wanted.level.map { " at level \($0)" } ?? ""
            guard finished.state != "finished" else {
                let sound = wanted.isStereo ? "sound in stereo" : "sound of a sample \(wanted.sample)"
                throw Problem(.notFound, "\(wanted.song) has no \(sound)\(what)")
            }
            throw Problem(
                .notFound,
                "nothing of sample \(wanted.sample) of \(wanted.song) can be heard\(what) yet, it is \(finished.state); "
                    + "GET \(SongRoutes.path)/\(wanted.song)/events tells how far it is",
                fields: ["Retry-After": "1"])
        }
    }
}

/// A file of a song that is complete.
struct FileSource: Sendable {
    let files: SongFilesAccess
    let song: String
    let entry: SongFileEntry
    /// SHA-256 of what it must be; nil where nobody knows.
    let digest: String?

    /// - Parameters:
    ///   - range: the header.
    ///   - name: what a browser calls the file when it is kept.
    func response(range: String?, type: String, name: String) -> HTTPResponse {
        let size = Int(clamping: entry.size)
        let (files, song, entry, digest) = (files, song, entry, digest)
        return .ranged(range, length: size, available: size, type: type, name: name) { part, writer in
            var offset = part.lowerBound
            let hash = part.count == size ? digest.map { _ in RunningHash() } : nil
            while offset < part.upperBound {
                let piece = try await files.read(entry, of: song, from: offset, isFinal: true)
                guard !piece.isEmpty else { throw ClientError("\(entry.path) became shorter while it was read") }
                let bytes = Array(piece.prefix(part.upperBound - offset))
                offset += bytes.count
                hash?.update(bytes)
                // The last piece shows whether all of it was whole: without that, nobody takes it for all.
                if offset >= part.upperBound, let hash, hash.finish() != digest {
                    await files.forget(song)
                    throw ClientError("\(entry.path) of \(song) is damaged: it is not what was written", .unavailable)
                }
                try await writer.write(bytes)
            }
        }
    }
}

/// SHA-256 of what is sent, piece by piece, by one task.
// Unchecked because one task alone uses it, one call after another.
private final class RunningHash: @unchecked Sendable {
    private var stream: Digest.SHA256Stream? = Digest.SHA256Stream()

    func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { stream?.update($0) } }

    func finish() -> String? { stream.take()?.finish() }
}

extension HTTPResponse {
    /// A body of which parts can be asked for.
    ///
    /// - Parameters:
    ///   - length: of the whole.
    ///   - available: bytes that are there already. Without a range all of it is sent, when it comes.
    static func ranged(
        _ range: String?, length: Int, available: Int, type: String, name: String,
        send: @escaping @Sendable (Range<Int>, HTTPWriter) async throws -> Void
    ) -> HTTPResponse {
        var fields: HTTPFields = [
            "Content-Type": type, "Accept-Ranges": "bytes",
            "Content-Disposition": "inline; filename=\"\(name)\"",
            "Cache-Control": "no-cache",
        ]
        switch ByteRange(range, length: length, available: available) {
        case .whole:
            return HTTPResponse(.ok, fields: fields, body: .stream(length: length) { try await send(0..<length, $0) })
        case .part(let part):
            fields["Content-Range"] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(length)"
            return HTTPResponse(
                .partialContent, fields: fields, body: .stream(length: part.count) { try await send(part, $0) })
        case .unsatisfiable:
            return Problem(
                .rangeNotSatisfiable,
                available < length
                    ? "there are \(available) of \(length) bytes yet" : "there are \(length) bytes, and none of those",
                fields: ["Content-Range": "bytes */\(length)"]
            ).response
        }
    }
}
