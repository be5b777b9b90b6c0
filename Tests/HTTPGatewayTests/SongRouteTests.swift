import ClusterProtocol
import ClusterTestSupport
import Foundation
import HTTPGateway
import Testing

@Suite("Songs over HTTP")
struct SongRouteTests {
    private static func takingSongs() throws -> GatewayWorld {
        try GatewayWorld { kind, reply in
            guard case .submit(let submit) = kind else { return }
            (reply.submitted.song, reply.submitted.tokens, reply.submitted.warnings) = (submit.song, 42, ["a word"])
        }
    }

    @Test func `a song is submitted with its own fields, and is answered with where it is`() async throws {
        let world = try Self.takingSongs()
        let response = await world.ask(
            "POST", "/api/v1/songs",
            json: #"{"id": "waltz-1", "seconds": 20, "seed": 7, "priority": -3, "format": "flac"}"#)
        #expect(response.status == .accepted)
        #expect(response.fields["Location"] == "/api/v1/songs/waltz-1")
        let object = try await response.object()
        #expect(object["song"] as? String == "waltz-1")
        #expect(object["tokens"] as? Int == 42)
        #expect(object["seed"] as? Int == 7)
        #expect(object["warnings"] as? [String] == ["a word"])
        let submit = try #require(world.submissions.first)
        #expect((submit.song, submit.format, submit.priority) == ("waltz-1", "flac", -3))
        #expect(submit.specification.contains("\"seconds\" : 20"))
        #expect(submit.specification.contains("\"model\" : \"music-box\""))
    }

    /// The gateway remembers nothing: what the coordinator is asked must follow from the key alone.
    @Test func `one Idempotency-Key is one song in any gateway, with its seed`() async throws {
        var all: [WireSubmit] = []
        for key in ["a", "a", "b"] {
            let world = try Self.takingSongs()
            let response = await world.ask(
                "POST", "/api/v1/songs", fields: ["Idempotency-Key": key], json: #"{"seconds": 20}"#)
            #expect(response.status == .accepted)
            all += world.submissions
        }
        #expect(all.count == 3)
        #expect(all[0] == all[1])
        #expect(all[0].song != all[2].song)
        #expect(all[0].specification != all[2].specification)
        #expect(PeerText.isSongID(all[0].song))
    }

    @Test func `without a key each submission is a song of its own`() async throws {
        let world = try Self.takingSongs()
        for _ in 0..<2 { _ = await world.ask("POST", "/api/v1/songs", json: "{}") }
        #expect(world.submissions.count == 2)
        #expect(Set(world.submissions.map(\.song)).count == 2)
    }

    @Test(arguments: [
        (#"{"prompt": "/etc/passwd", "mode": "primed"}"#, "/etc/passwd"),
        (#"{"codes": "codes.safetensors"}"#, "no upload"),
        (#"{"prompt": ["upload:x|a", "b.wav"]}"#, "b.wav"), (#"{"model": "/models/5b"}"#, "model's name"),
        (#"{"model": "../5b"}"#, "model's name"), (#"{"lenght": 3}"#, "no field lenght"),
        (#"{"priority": 5000}"#, "from -1000 to 1000"), (#"{"priority": true}"#, "from -1000 to 1000"),
        (#"{"format": "mp3"}"#, "wav, flac, ogg"), (#"{"id": "a/b"}"#, "letters, digits and dashes"),
    ])
    func `what is wrong with a song, or names a file, is refused before anybody is asked`(
        body: String, words: String
    ) async throws {
        let world = try Self.takingSongs()
        let response = await world.ask("POST", "/api/v1/songs", json: body)
        #expect(response.status == .unprocessableContent)
        #expect(try await response.detail().contains(words))
        #expect(world.submissions.isEmpty)
    }

    @Test(arguments: ["[]", "", "{", "\"x\""])
    func `what is no object is refused`(body: String) async throws {
        let world = try Self.takingSongs()
        #expect(await world.ask("POST", "/api/v1/songs", json: body).status == .badRequest)
    }

    @Test func `a form that a page sends is refused, and a body beyond the limit`() async throws {
        let world = try Self.takingSongs()
        let form = await world.ask("POST", "/api/v1/songs", fields: ["Content-Type": "text/plain"], json: "{}")
        #expect(form.status == .unsupportedMediaType)
        let long = "{\"x\": \"" + String(repeating: "x", count: 1 << 20) + "\"}"
        let response = await world.ask("POST", "/api/v1/songs", json: long)
        #expect(response.status == .contentTooLarge)
        #expect(response.endsConnection)
        #expect(world.submissions.isEmpty)
    }

    @Test(arguments: [
        (WireErrorKind.unspecified, HTTPStatus.unprocessableContent), (.notFound, .notFound), (.conflict, .conflict),
        (.busy, .tooManyRequests), (.forbidden, .forbidden), (.unavailable, .serviceUnavailable),
    ])
    func `a coordinator's no is a problem with its sentence`(kind: WireErrorKind, status: HTTPStatus) async throws {
        let world = try GatewayWorld { _, reply in (reply.error, reply.errorKind) = ("the very sentence", kind) }
        let response = await world.ask("POST", "/api/v1/songs/waltz/resume")
        #expect(response.status == status)
        #expect(response.fields["Content-Type"] == "application/problem+json")
        #expect(try await response.detail() == "the very sentence")
        #expect((response.fields["Retry-After"] != nil) == [.busy, .unavailable].contains(kind))
    }

    @Test func `a page of songs says where the next begins`() async throws {
        let world = try GatewayWorld { kind, reply in
            guard case .status(let query) = kind else { return }
            #expect(query.onlySongs && query.newestFirst && query.unfinished && query.limit == 2)
            var song = WireSongStatus()
            (song.song, song.songState) = ("s\(query.cursor.count)", .sampling)
            reply.status.songs = [song]
            reply.status.next = query.cursor.isEmpty ? "newest 4 s" : ""
        }
        let first = try await world.ask("GET", "/api/v1/songs?limit=2&unfinished=true").object()
        #expect((first["songs"] as? [[String: Any]])?.first?["song"] as? String == "s0")
        #expect(first["next"] as? String == "newest 4 s")
        let second = try await world.ask("GET", "/api/v1/songs?limit=2&unfinished=true&cursor=newest+4%20s").object()
        #expect((second["songs"] as? [[String: Any]])?.first?["song"] as? String == "s10")
        #expect(second["next"] == nil)
    }

    @Test(arguments: [
        "/api/v1/songs?limit=0", "/api/v1/songs?limit=101", "/api/v1/songs?limit=+3", "/api/v1/songs?order=up",
        "/api/v1/songs?unfinished=maybe", "/api/v1/songs?what=1", "/api/v1/songs?limit=1&limit=2",
        "/api/v1/songs?a=%zz",
    ])
    func `a query that means nothing is refused`(target: String) async throws {
        let world = try GatewayWorld()
        #expect(await world.ask("GET", target).status == .badRequest)
        #expect(world.coordinator.requests.isEmpty)
    }

    @Test func `other methods and paths are told what there is`() async throws {
        let world = try GatewayWorld()
        let patch = await world.ask("PATCH", "/api/v1/songs")
        #expect(patch.status == .methodNotAllowed)
        #expect(patch.fields["Allow"] == "GET, POST, HEAD, OPTIONS")
        #expect(await world.ask("OPTIONS", "/api/v1/songs").status == .noContent)
        for path in ["/api", "/api/v1/songs/", "/api/v1/songs/a/b", "/api/v1/songs/..%2f..", "/etc/passwd"] {
            #expect(await world.ask("GET", path).status == .notFound, "\(path)")
        }
    }

    @Test func `HEAD has the length of the body, and no body`() async throws {
        let world = try GatewayWorld()
        let response = await world.ask("HEAD", "/api/v1/openapi.json")
        guard case .stream(let length?, _) = response.body else { throw CancellationError() }
        #expect(length > 1000)
        #expect(try await response.bytes().isEmpty)
    }

    @Test func `a song that runs is removed only by force`() async throws {
        let world = try GatewayWorld { kind, reply in
            guard case .remove(let remove) = kind else { return }
            if remove.force {
                reply.removed.wasRunning = true
            } else {
                (reply.error, reply.errorKind) = ("no", .conflict)
            }
        }
        let refused = await world.ask("DELETE", "/api/v1/songs/waltz")
        #expect(refused.status == .conflict)
        #expect(try await refused.detail().contains("force=true"))
        #expect(await world.ask("DELETE", "/api/v1/songs/waltz?force=true").status == .noContent)
    }
}

@Suite("Branches over HTTP")
struct BranchRouteTests {
    @Test(arguments: [
        (#"{"operation": "grow"}"#, "one of go-on, vary, cut, upsample"), ("{}", "operation"),
        (#"{"operation": "vary", "at": "2"}"#, "at must be a number"),
        (#"{"operation": "vary", "att": 2}"#, "has no field"),
        (#"{"operation": "vary", "samples": [0.5]}"#, "samples must be a list of whole numbers"),
        (#"{"operation": "vary", "samples": true}"#, "samples must be"),
        (#"{"operation": "vary", "seed": -1}"#, "seed must be"),
        (#"{"operation": "vary", "seed": 1.5}"#, "seed must be"),
        (#"{"operation": "vary", "temperature": ["hot"]}"#, "temperature must be"),
        (#"{"operation": "vary", "top_k": 1.5}"#, "top_k must be"),
        (#"{"operation": "vary", "segments": 0}"#, "segments must be"),
        (#"{"operation": "vary", "id": "a/b"}"#, "letters, digits and dashes"),
        (#"{"operation": "vary", "format": "mp3"}"#, "wav, flac, ogg"),
        (#"{"operation": "upsample", "stereo": [1, 2, 3]}"#, "a list of texts"),
    ])
    func `what is wrong with a branch is refused before anybody is asked`(body: String, words: String) async throws {
        let world = try GatewayWorld()
        let response = await world.ask("POST", "/api/v1/songs/waltz/branches", json: body)
        #expect(response.status == .unprocessableContent)
        #expect(try await response.detail().contains(words))
        #expect(world.coordinator.requests.isEmpty)
    }

    @Test func `of a song that is not finished there are no branches yet`() async throws {
        let world = try GatewayWorld()
        let response = await world.ask("POST", "/api/v1/songs/waltz/branches", json: #"{"operation": "vary", "at": 1}"#)
        #expect(response.status == .conflict)
        #expect(try await response.detail().contains("not finished"))
    }

    @Test(arguments: [
        (#"{"name": 3}"#, "name must be text"), (#"{"starred": 1}"#, "true or false"),
        (#"{"nam": "x"}"#, "there is no field"),
    ])
    func `what cannot be noted is refused`(body: String, words: String) async throws {
        let world = try GatewayWorld()
        let response = await world.ask("PATCH", "/api/v1/songs/waltz", json: body)
        #expect(response.status == .unprocessableContent)
        #expect(try await response.detail().contains(words))
        #expect(world.coordinator.requests.isEmpty)
    }
}
