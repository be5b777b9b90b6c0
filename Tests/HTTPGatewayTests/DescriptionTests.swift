import ClusterProtocol
import Foundation
import HTTPGateway
import SongFiles
import SongPlan
import Testing

/// The API's description says what there is: all of it, and nothing else.
@Suite("OpenAPI")
struct DescriptionTests {
    /// Every field filled, so that what may be left out is there.
    private static func world() throws -> GatewayWorld {
        try GatewayWorld { kind, reply in
            switch kind {
            case .status(let query):
                var song = WireSongStatus()
                (song.song, song.songState) = ("waltz", .sampling)
                song.levels = [WireLevelStatus()]
                song.labels = [WireSampleLabels()]
                song.parent.operation = "cut"
                reply.status.songs = query.noSongs ? [] : [song]
                reply.status.next = query.onlySongs && query.song.isEmpty ? "newest 1 waltz" : ""
                var worker = WireWorkerStatus()
                worker.speeds = [WireLevelSpeed()]
                reply.status.workers = [worker]
                reply.status.setAside = [WireSetAside()]
                reply.status.refusals = [WireRefusal()]
                reply.status.troubles = ["a disk"]
            case .submit: reply.submitted.warnings = ["a name"]
            case .cancel: reply.cancelled.wasRunning = true
            case .resume: reply.resumed.wasAtRest = true
            case .note: reply.noted = WireNoted()
            case .releaseMachine: reply.released.wasSetAside = true
            case .drain: reply.drained.workers = ["w"]
            case .upload(let upload): reply.uploaded.have = upload.size
            case .models:
                reply.models.models = [WireModelEntry()]
                (reply.models.names, reply.models.more) = (["a"], true)
            default: reply.error = "not in this test"
            }
        }
    }

    private static func document(_ world: GatewayWorld) async throws -> [String: Any] {
        try await world.ask("GET", "/api/v1/openapi.json").object()
    }

    @Test func `every operation is described, and none that is not there, with its query`() async throws {
        let world = try Self.world()
        let paths = try #require(try await Self.document(world)["paths"] as? [String: [String: [String: Any]]])
        var described: [String: Set<String>] = [:]
        for (path, operations) in paths {
            for (method, operation) in operations {
                let parameters = operation["parameters"] as? [[String: Any]] ?? []
                func names(_ place: String) -> Set<String> {
                    Set(parameters.filter { $0["in"] as? String == place }.compactMap { $0["name"] as? String })
                }
                described["\(method.uppercased()) \(path)"] = names("query")
                let inPath = Set(
                    path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) })
                #expect(names("path") == inPath, "\(path)")
            }
        }
        let there = Dictionary(
            uniqueKeysWithValues: world.gateway.routes.map { ("\($0.method) \($0.template)", Set($0.query)) })
        #expect(described == there)
    }

    @Test func `a song's request has the fields of a song file`() async throws {
        let schemas = try await Self.schemas(Self.world())
        func fields(_ name: String) -> Set<String> {
            Set(((schemas[name] as? [String: Any])?["properties"] as? [String: Any] ?? [:]).keys)
        }
        let own: Set = ["id", "priority", "format"]
        #expect(fields("SongRequest") == own.union(SongSpecification.CodingKeys.allCases.map(\.stringValue)))
        #expect(fields("SampleRequest") == Set(SampleSpecification.CodingKeys.allCases.map(\.stringValue)))
    }

    private static func schemas(_ world: GatewayWorld) async throws -> [String: Any] {
        let components = try await document(world)["components"] as? [String: Any]
        return components?["schemas"] as? [String: Any] ?? [:]
    }

    @Test(arguments: [
        ("GET", "/api/v1/songs", "SongList"), ("GET", "/api/v1/songs/waltz", "Song"),
        ("POST", "/api/v1/songs", "Submitted"), ("PATCH", "/api/v1/songs/waltz", "Song"),
        ("GET", "/api/v1/songs/waltz/tree", "Tree"),
        ("POST", "/api/v1/songs/waltz/cancel", "Changed"), ("POST", "/api/v1/songs/waltz/resume", "Changed"),
        ("GET", "/api/v1/workers", "Workers"), ("POST", "/api/v1/machines/m/release", "Released"),
        ("POST", "/api/v1/workers/w/drain", "Drained"), ("POST", "/api/v1/workers/w/undrain", "Drained"),
        ("GET", "/api/v1/models", "ModelList"), ("GET", "/api/v1/models/m", "Model"),
        ("GET", "/api/v1/models/m/artists", "Names"), ("GET", "/api/v1/models/m/genres", "Names"),
        ("POST", "/api/v1/uploads", "Upload"), ("GET", "/readyz", "Health"), ("GET", "/livez", "Health"),
        ("GET", "/nothing", "Problem"),
    ])
    func `every field of an answer is described, and none that it has not`(
        method: String, path: String, schema: String
    ) async throws {
        let world = try Self.world()
        let answer = try await world.ask(method, path, json: ["POST", "PATCH"].contains(method) ? "{}" : nil).object()
        let schemas = try await Self.schemas(world)
        try Self.compare(answer, schemas, schema, at: schema)
    }

    private static func compare(_ value: [String: Any], _ schemas: [String: Any], _ name: String, at place: String)
        throws
    {
        let schema = try #require(schemas[name] as? [String: Any], "\(name)")
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        #expect(Set(value.keys) == Set(properties.keys), "\(place)")
        for (field, property) in properties {
            for case let link as String in (property["oneOf"] as? [[String: Any]] ?? []).map({ $0["$ref"] as Any }) {
                let element = try #require(value[field] as? [String: Any], "\(place).\(field) is empty")
                try compare(element, schemas, String(link.split(separator: "/").last ?? ""), at: "\(place).\(field)")
            }
            guard let items = property["items"] as? [String: Any], let link = items["$ref"] as? String else { continue }
            let element = String(link.split(separator: "/").last ?? "")
            // One, so that its fields are looked at.
            let first = try #require((value[field] as? [[String: Any]])?.first, "\(place).\(field) is empty")
            try compare(first, schemas, element, at: "\(place).\(field)")
        }
    }
}
