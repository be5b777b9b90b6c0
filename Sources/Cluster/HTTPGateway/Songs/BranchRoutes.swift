import ClusterClient
import Foundation
import SongFiles
import SongPlan
import SystemErrors

/// Songs that come from others, and what users call songs.
struct BranchRoutes {
    let cluster: ClusterAccess
    let watch: SongWatch
    /// The gateway's own, for the codes that branches keep.
    let folder: URL

    private static let largestBody = 1 << 20
    /// Bytes of a parent's codes: the gateway may be in the coordinator's process, whose memory others need.
    private static let largestCodes: UInt64 = 256 << 20
    private static let largestNote = 64 << 10

    var routes: [Route] {
        let song = SongRoutes.ofSong
        return [
            Route("PATCH", song, role: .editor, answer: note),
            Route("POST", "\(song)/branches", role: .editor, answer: branch),
            Route("GET", "\(song)/tree", role: .viewer) { request in
                let song = try request.song()
                return HTTPResponse(
                    json: JSON.bytes(TreeDocument(try await self.cluster.askSlowly { try $0.tree(of: song) })))
            },
            Route("GET", "\(song)/specification", role: .viewer) { request in
                let song = try request.song()
                return HTTPResponse(
                    json: Array(try await self.cluster.ask { try $0.specification(of: song) }.utf8))
            },
        ]
    }

    @Sendable private func branch(_ request: RouteRequest) async throws -> HTTPResponse {
        let parent = try request.song()
        let body = try BranchBody(try await request.json(limit: Self.largestBody))
        let key = request.request.fields["Idempotency-Key"]
        let keyed = try body.id == nil ? key.map { try Submission.id(of: $0, request.caller) } : nil
        let song = body.id ?? keyed ?? String(UUID().uuidString.prefix(8)).lowercased()
        let scratch = folder.appendingPathComponent(UUID().uuidString)
        try OutputFolder.make(scratch.path)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let document: Submission.Document
        do {
            document = try await cluster.askSlowly { client in
                // Drawn from the id, so that a request which is sent again without a seed is the same song.
                let made = try client.branch(
                    body.request, of: parent, chance: Submission.seed(of: song), format: body.format,
                    largest: Self.largestCodes, scratch: scratch)
                let taken = try client.submit(made, song: song, priority: body.priority)
                if let name = body.name { try client.note(NoteUpdate(name: name), of: song) }
                return Submission.Document(
                    song: song, seed: made.specification.seed, tokens: taken.tokens, warnings: taken.warnings)
            }
        } catch let error as SongError {
            throw Problem(.unprocessableContent, error.description)
        } catch let error as ClientError where error.kind == .conflict && keyed != nil && error.names(song) {
            throw Problem(
                .conflict, "this Idempotency-Key was used before, for a song with other contents; use another key")
        }
        return HTTPResponse(
            .accepted, json: JSON.bytes(document), fields: ["Location": "\(SongRoutes.path)/\(song)"])
    }

    @Sendable private func note(_ request: RouteRequest) async throws -> HTTPResponse {
        let song = try request.song()
        let update = try NoteUpdate(json: try await request.json(limit: Self.largestNote))
        let progress = try await cluster.ask { client in
            try client.note(update, of: song)
            return try client.progress(of: song)
        }
        await watch.note(progress)
        return HTTPResponse(json: JSON.bytes(SongDocument(progress)))
    }
}

extension ClientError {
    fileprivate func names(_ song: String) -> Bool { description.contains(song) }
}

extension NoteUpdate {
    /// - Throws: `Problem` for a field that is unknown, or holds something else than it must.
    fileprivate init(json: [UInt8]) throws {
        guard let fields = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any] else {
            throw Problem(.badRequest, "the body is not a JSON object, such as {\"name\": \"the slow one\"}")
        }
        self.init()
        func text(_ value: Any, _ name: String) throws -> String {
            if value is NSNull { return "" }
            guard let text = value as? String else { throw Submission.wrong(name, "text, or null") }
            return text
        }
        func flag(_ value: Any, _ name: String) throws -> Bool {
            guard let number = value as? NSNumber, String(cString: number.objCType) == "c" else {
                throw Submission.wrong(name, "true or false")
            }
            return number.boolValue
        }
        for (field, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch field {
            case "name": name = try text(value, field)
            case "note": note = try text(value, field)
            case "starred": isStarred = try flag(value, field)
            case "hidden": isHidden = try flag(value, field)
            default:
                throw Problem(
                    .unprocessableContent,
                    "the request: there is no field \(Text.shown(field)); the fields are name, note, starred, hidden")
            }
        }
    }
}
