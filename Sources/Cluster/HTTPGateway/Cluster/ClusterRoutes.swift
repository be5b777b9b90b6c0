import ClusterClient
import ClusterProtocol
import Foundation
import SongFiles
import SystemErrors

/// Workers, machines, models and plans.
struct ClusterRoutes {
    let cluster: ClusterAccess
    let derived: DerivedFiles

    var routes: [Route] {
        [
            Route("GET", "/api/v1/workers", role: .viewer, answer: workers),
            Route("POST", "/api/v1/machines/{machine}/release", role: .admin, answer: release),
            Route("POST", "/api/v1/workers/{worker}/drain", role: .admin) { try await self.drain($0, undo: false) },
            Route("POST", "/api/v1/workers/{worker}/undrain", role: .admin) { try await self.drain($0, undo: true) },
            Route("GET", "/api/v1/models", role: .viewer) { _ in
                let models = try await self.cluster.ask { try $0.models() }
                return HTTPResponse(json: JSON.bytes(ModelsDocument(models: models.map(ModelDocument.init))))
            },
            Route("GET", "/api/v1/models/{model}", role: .viewer) { request in
                let name = try request.model()
                return HTTPResponse(
                    json: JSON.bytes(ModelDocument(try await self.cluster.ask { try $0.model(name) })))
            },
            Route("GET", "/api/v1/models/{model}/artists", role: .viewer, query: Self.ofNames) {
                try await self.names(.artists, $0)
            },
            Route("GET", "/api/v1/models/{model}/genres", role: .viewer, query: Self.ofNames) {
                try await self.names(.genres, $0)
            },
            Route("POST", "/api/v1/plan", role: .viewer, query: ["workers"], answer: plan),
        ]
    }

    private static let ofNames = ["search", "after", "limit"]

    struct WorkersDocument: Encodable {
        var workers: [WorkerDocument]
        var setAside: [SetAsideDocument]
        /// What holds the coordinator up, or soon will.
        var troubles: [String]
        /// What is no trouble, and worth knowing.
        var notes: [String]
        /// Who was not let in; of an admin's token only.
        var refusals: [RefusalDocument]
        /// Of the coordinator.
        var uptimeSeconds: Double
    }

    @Sendable private func workers(_ request: RouteRequest) async throws -> HTTPResponse {
        let status = try await cluster.ask { try $0.workers() }
        return HTTPResponse(
            json: JSON.bytes(
                WorkersDocument(
                    workers: status.workers.map(WorkerDocument.init),
                    setAside: status.setAsides.map(SetAsideDocument.init), troubles: status.troubles,
                    notes: status.notes,
                    refusals: request.caller.role == .admin ? status.refusals.map(RefusalDocument.init) : [],
                    uptimeSeconds: status.uptimeSeconds.isFinite ? status.uptimeSeconds : 0)))
    }

    struct ReleaseDocument: Encodable {
        var machine: String
        /// Whether it was set aside.
        var changed: Bool
    }

    @Sendable private func release(_ request: RouteRequest) async throws -> HTTPResponse {
        let machine = request.parameter("machine")
        guard PeerText.isClean(machine) else {
            throw Problem(.notFound, "\(Text.shown(machine)) is no machine's name; GET /api/v1/workers tells them")
        }
        let changed = try await cluster.ask { try $0.release(machine: machine) }
        return HTTPResponse(json: JSON.bytes(ReleaseDocument(machine: machine, changed: changed)))
    }

    struct DrainDocument: Encodable {
        /// By their ids.
        var workers: [String]
        var drained: Bool
    }

    private func drain(_ request: RouteRequest, undo: Bool) async throws -> HTTPResponse {
        let who = request.parameter("worker")
        guard PeerText.isClean(who) else {
            throw Problem(.notFound, "\(Text.shown(who)) is no worker's name; GET /api/v1/workers tells them")
        }
        let workers = try await cluster.ask { try $0.drain(who, undo: undo) }
        return HTTPResponse(json: JSON.bytes(DrainDocument(workers: workers, drained: !undo)))
    }

    struct ModelDocument: Encodable {
        var model: String
        var levels: Int
        /// Audio samples a second.
        var sampleRate: Int
        /// How many names there are.
        var artists: Int
        var genres: Int
        /// Of lyrics, that a window of the top level reads; 0: none.
        var lyricCharacters: Int
        /// The step of a song's length, and the longest song.
        var stepSeconds: Double
        var longestSeconds: Double
        /// Of a window of the top level, which reads that much of the lyrics.
        var windowSeconds: Double

        init(_ model: ModelSummary) {
            self.model = model.name
            (levels, sampleRate, artists, genres) = (model.levels, model.sampleRate, model.artists, model.genres)
            lyricCharacters = model.lyricCharacters
            let rate = Double(max(1, model.sampleRate))
            windowSeconds = Double(model.window) / rate
            (stepSeconds, longestSeconds) = (Double(model.lengthUnit) / rate, Double(model.longest) / rate)
        }
    }

    struct ModelsDocument: Encodable { var models: [ModelDocument] }

    struct NamesDocument: Encodable {
        var names: [String]
        /// What the next page is after; nil after the last.
        var next: String?
    }

    private func names(_ kind: ClusterClient.NameKind, _ request: RouteRequest) async throws -> HTTPResponse {
        let model = try request.model()
        let limit = try request.query.number("limit", in: 1...1000) ?? 100
        let (search, after) = (request.query["search"] ?? "", request.query["after"] ?? "")
        guard search.unicodeScalars.count <= 200, after.unicodeScalars.count <= 400 else {
            throw Problem(.badRequest, "search and after are parts of a name, at most 200 and 400 signs long")
        }
        let answer = try await cluster.ask {
            try $0.names(kind, of: model, search: search, after: after, limit: limit)
        }
        return HTTPResponse(
            json: JSON.bytes(NamesDocument(names: answer.names, next: answer.hasMore ? answer.names.last : nil)))
    }

    @Sendable private func plan(_ request: RouteRequest) async throws -> HTTPResponse {
        let submission = try Submission(
            try await request.json(limit: Submission.largestBody), key: nil, caller: request.caller)
        let workers = request.query["workers"] ?? "1"
        guard workers.utf8.count <= 200 else { throw Problem(.badRequest, "workers is a short list, such as 8,2x0.1") }
        let tools = derived.tools
        let text = submission.specification
        do {
            return HTTPResponse(
                json: try await derived.compute {
                    try tools.plan(SongRequest(json: Data(text.utf8), format: "wav"), workers: workers)
                })
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.unprocessableContent, error.explanation)
        }
    }
}

extension RouteRequest {
    /// The model in the path.
    fileprivate func model() throws -> String {
        let name = parameter("model")
        guard PeerText.isClean(name), !name.contains("/"), !name.hasPrefix(".") else {
            throw Problem(.notFound, "\(Text.shown(name)) is no model's name; GET /api/v1/models lists them")
        }
        return name
    }
}
