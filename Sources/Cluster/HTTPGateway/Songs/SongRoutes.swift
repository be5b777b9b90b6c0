import ClusterClient
import ClusterProtocol

/// Songs: the list, one of them, and what is done with it.
struct SongRoutes {
    let cluster: ClusterAccess
    let watch: SongWatch
    let files: SongFilesAccess

    static let path = "/api/v1/songs"
    static let ofSong = "/api/v1/songs/{song}"

    var routes: [Route] {
        [
            Route("GET", Self.path, role: .viewer, query: ["limit", "cursor", "order", "unfinished"], answer: list),
            Route("POST", Self.path, role: .editor, answer: submit),
            Route("GET", Self.ofSong, role: .viewer) { try await self.get($0) },
            Route("DELETE", Self.ofSong, role: .editor, query: ["force"], answer: remove),
            Route("POST", "\(Self.ofSong)/cancel", role: .editor) { request in
                try await self.change(request) { try $0.cancel(song: $1) }
            },
            Route("POST", "\(Self.ofSong)/resume", role: .editor) { request in
                try await self.change(request) { try $0.resume(song: $1) }
            },
        ]
    }

    private enum Order: String, CaseIterable { case oldest, newest }

    struct ListDocument: Encodable {
        var songs: [SongDocument]
        /// The cursor of the next page; nil after the last.
        var next: String?
    }

    @Sendable private func list(_ request: RouteRequest) async throws -> HTTPResponse {
        let limit = try request.query.number("limit", in: 1...100) ?? 20
        let order: Order = try request.query.choice("order") ?? .newest
        let (unfinished, cursor) = (try request.query.flag("unfinished"), request.query["cursor"])
        if let cursor, cursor.utf8.count > 200 || !PeerText.isClean(cursor) {
            throw Problem(.badRequest, "cursor is none; take next of the page before")
        }
        let page = try await cluster.ask {
            try $0.songs(cursor: cursor, limit: limit, newestFirst: order == .newest, unfinished: unfinished)
        }
        return HTTPResponse(json: JSON.bytes(ListDocument(songs: page.songs.map(SongDocument.init), next: page.next)))
    }

    private func get(_ request: RouteRequest) async throws -> HTTPResponse {
        let song = try request.song()
        return HTTPResponse(json: JSON.bytes(SongDocument(try await cluster.ask { try $0.progress(of: song) })))
    }

    @Sendable private func submit(_ request: RouteRequest) async throws -> HTTPResponse {
        let body = try await request.json(limit: Submission.largestBody)
        let submission = try Submission(
            body, key: request.request.fields["Idempotency-Key"], caller: request.caller)
        let taken: SubmittedSong
        do {
            taken = try await cluster.askSlowly {
                try $0.submit(
                    specification: submission.specification, format: submission.format, song: submission.song,
                    priority: submission.priority)
            }
        } catch let error as ClientError where error.kind == .conflict && submission.isKeyed {
            throw Problem(
                .conflict, "this Idempotency-Key was used before, for a song with other contents; use another key")
        }
        let document = Submission.Document(
            song: submission.song, seed: submission.seed, tokens: taken.tokens, warnings: taken.warnings)
        return HTTPResponse(
            .accepted, json: JSON.bytes(document), fields: ["Location": "\(Self.path)/\(submission.song)"])
    }

    struct ChangeDocument: Encodable {
        var song: String
        /// Whether the song was as it had to be for the change to mean anything.
        var changed: Bool
    }

    private func change(
        _ request: RouteRequest, _ body: @escaping @Sendable (ClusterClient, String) throws -> Bool
    ) async throws -> HTTPResponse {
        let song = try request.song()
        let changed = try await cluster.ask { try body($0, song) }
        return HTTPResponse(json: JSON.bytes(ChangeDocument(song: song, changed: changed)))
    }

    @Sendable private func remove(_ request: RouteRequest) async throws -> HTTPResponse {
        let (song, force) = (try request.song(), try request.query.flag("force"))
        do {
            _ = try await cluster.ask { try $0.remove(song: song, force: force) }
        } catch let error as ClientError where error.kind == .conflict {
            throw Problem(
                .conflict,
                "song \(song) has not ended; cancel it first, or give force=true, which cancels and removes it")
        }
        await files.forget(song)
        await watch.noteRemoval(of: song)
        return HTTPResponse(.noContent)
    }
}

extension RouteRequest {
    /// The song in the path.
    ///
    /// - Throws: `Problem` for what cannot be one's id.
    func song() throws -> String {
        let song = parameter("song")
        guard PeerText.isSongID(song) else {
            throw Problem(
                .notFound,
                "\(Text.shown(song)) is no song's id, which is 1 to 64 letters, digits and dashes; GET \(SongRoutes.path) lists the songs"
            )
        }
        return song
    }

    /// The body, which must be announced as JSON: what a form of another page sends is not.
    func json(limit: Int) async throws -> [UInt8] {
        let type = request.fields["Content-Type"]?.prefix { $0 != ";" }.lowercased()
        guard type == "application/json" else {
            throw Problem(.unsupportedMediaType, "the body must be JSON, announced as Content-Type: application/json")
        }
        return try await request.body.all(limit: limit)
    }
}
