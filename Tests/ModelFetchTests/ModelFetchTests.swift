import Foundation
import TestSupport
import Testing

@testable import ModelFetch

@Suite(.enabled(if: FileServer.hasCurl, "there is no curl here"))
struct ModelFetchTests {
    private let fixture = "\(TestModel.fixtures)/lyrics-single"
    private let files = ["vqvae", "prior_level_0", "prior_level_1", "prior_level_2"].map { "\($0).pth.tar" }
    private let lists = ["v2_artist_ids.txt", "v2_genre_ids.txt", "v3_artist_ids.txt", "v3_genre_ids.txt"]

    /// Fetches and checks.
    private func bring(
        _ source: String, base: String? = nil, into folder: String
    ) throws -> (files: [ModelFetch.File], survey: ModelFetch.Survey) {
        let client = QuickClient().client()
        let plan = try FetchPlan(ModelSource(source), base: base, client: client)
        let fetch = ModelFetch(plan, into: folder, client: client)
        let survey = try fetch.survey()
        let files = try fetch.run { _ in }
        try fetch.check(fresh: Set(files.filter { !$0.wasThere }.map(\.name))) { _, _ in }
        return (files, survey)
    }

    private func refusal(_ source: String, base: String? = nil, into folder: String) -> String {
        do {
            _ = try bring(source, base: base, into: folder)
            return ""
        } catch { return "\(error)" }
    }

    private func content(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

    @Test func `a folder's model comes whole, and is not fetched again`() throws {
        let (server, folder) = (try FileServer.serving(fixture), try TestFolder.place("model"))
        let first = try bring(server.address + "/", into: folder)
        #expect(first.files.map(\.name) == files + lists && first.files.allSatisfy { !$0.wasThere })
        for name in files + lists + ["hparams.json"] {
            #expect(content("\(folder)/\(name)") == content("\(fixture)/\(name)"), "\(name)")
        }
        #expect(first.survey.bytes == first.files.reduce(0) { $0 + $1.bytes })
        let before = server.requests.count
        let again = try bring(server.address + "/", into: folder)
        #expect(again.files.allSatisfy(\.wasThere) && again.survey.missing.isEmpty && again.survey.bytes == 0)
        #expect(!server.requests[before...].contains { $0.method == "GET" && $0.path.hasSuffix(".pth.tar") })
        // One that is gone comes alone.
        #expect(unlink("\(folder)/\(files[1])") == 0)
        #expect(try bring(server.address, into: folder).survey.missing == [files[1]])
    }

    @Test func `a damaged file that is there is named`() throws {
        let (server, folder) = (try FileServer.serving(fixture), try TestFolder.place("model"))
        _ = try bring(server.address, into: folder)
        let path = "\(folder)/\(files[2])"
        let size = content(path)?.count ?? 0
        #expect(truncate(path, size - 1000) == 0)
        let told = refusal(server.address, into: folder)
        #expect(told.contains(files[2]) && told.contains("remove that file"), "\(told)")
    }

    @Test func `files of another geometry are found`() throws {
        // The mirror of OpenAI's files has another model's.
        let mirror = try TestFolder.make("mirror")
        for (place, names) in [("5b", Array(files[..<3])), ("1b_lyrics", [files[3]]), ("ids", lists)] {
            try FileManager.default.createDirectory(atPath: "\(mirror)/\(place)", withIntermediateDirectories: true)
            for name in names {
                try FileManager.default.copyItem(atPath: "\(fixture)/\(name)", toPath: "\(mirror)/\(place)/\(name)")
            }
        }
        try "Noncommercial Use License".write(toFile: "\(mirror)/LICENSE", atomically: true, encoding: .utf8)
        let (server, folder) = (try FileServer.serving(mirror), try TestFolder.place("1b"))
        let told = refusal("1b_lyrics", base: server.address, into: folder)
        #expect(told.contains("vqvae.pth.tar") && told.contains("remove that file"), "\(told)")
        // All that the model needs was fetched, from where the original looks for it.
        let got = server.requests.filter { $0.method == "GET" }.map(\.path)
        #expect(
            got == ["/LICENSE", "/5b/vqvae.pth.tar", "/5b/prior_level_0.pth.tar", "/5b/prior_level_1.pth.tar"]
                + ["/1b_lyrics/prior_level_2.pth.tar"] + lists.map { "/ids/\($0)" })
        #expect(content("\(folder)/hparams.json") != nil && content("\(folder)/LICENSE") != nil)
    }

    @Test func `what is not there is told before a large file is fetched`() throws {
        let mirror = try TestFolder.make("mirror")
        let server = try FileServer.serving(mirror)
        let told = refusal("5b", base: server.address, into: try TestFolder.place("5b"))
        #expect(told.contains("/5b/vqvae.pth.tar"), "\(told)")
        #expect(!server.requests.contains { $0.method == "GET" && $0.path != "/LICENSE" })
        let none = refusal(server.address, into: try TestFolder.place("none"))
        #expect(none.contains("no hparams.json") && none.contains("hf:OWNER/NAME"), "\(none)")
    }

    @Test func `one fetch works in a folder`() throws {
        let (server, folder) = (try FileServer.serving(fixture), try TestFolder.make("model"))
        let lock = open(folder, O_RDONLY)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(refusal(server.address, into: folder).contains("another fetch works in"))
    }

    // MARK: Hugging Face

    private let repository = "\(TestModel.fixtures)/hf-lyrics-single"

    /// A server of Hugging Face's form with one repository, whose files lie on another server.
    private func hub(_ more: [String: Int] = [:], tampered: Bool = false) throws -> (hub: FileServer, store: FileServer)
    {
        let folder = repository
        let store = try FileServer { request, _ in
            let name = String(request.path.dropFirst())
            guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
                return FileServer.Reply(404)
            }
            var bytes = Array(data)
            if tampered, name.hasSuffix(".safetensors") { bytes[bytes.count - 1] ^= 1 }
            return .file(bytes, tag: name, to: request)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let siblings = try names.map { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            let digest = try Transfer.sha256("\(folder)/\(name)")
            let large =
                name.hasSuffix(".safetensors") ? #", "lfs": {"sha256": "\#(digest)", "size": \#(data.count)}"# : ""
            return #"{"rfilename": "\#(name)", "size": \#(data.count)\#(large)}"#
        }
        let extra = more.map { #"{"rfilename": "\#($0)", "size": \#($1)}"# }
        let sha = String(repeating: "a", count: 40)
        let list =
            #"{"sha": "\#(sha)", "cardData": {"license": "other"}, "siblings": [\#((siblings + extra).joined(separator: ","))]}"#
        let address = store.address
        let hub = try FileServer { request, _ in
            if request.path == "/api/models/me/jukebox?blobs=true" {
                return FileServer.Reply(200, ["Content-Type": "application/json"], body: Array(list.utf8))
            }
            let prefix = "/me/jukebox/resolve/\(sha)/"
            guard request.path.hasPrefix(prefix) else { return FileServer.Reply(404) }
            return FileServer.Reply(302, ["Location": "\(address)/\(request.path.dropFirst(prefix.count))"])
        }
        return (hub, store)
    }

    @Test func `a repository's model comes whole, and only what it needs`() throws {
        let (hub, store) = try hub(["../../evil": 5, "a/b.bin": 5, "flax_model.msgpack": 5, "pytorch_model.bin": 5])
        let folder = try TestFolder.place("hf")
        let files = try bring("hf:me/jukebox", base: hub.address, into: folder).files.map(\.name)
        #expect(files.sorted() == (try FileManager.default.contentsOfDirectory(atPath: repository)).sorted())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == files.sorted())
        #expect(!store.requests.isEmpty)
    }

    @Test func `one changed bit is found by the digest`() throws {
        let (hub, store) = try hub(tampered: true)
        defer { store.stop() }
        let told = refusal("https://huggingface.co/me/jukebox", base: hub.address, into: try TestFolder.place("hf"))
        #expect(told.contains("SHA-256"), "\(told)")
    }

    @Test func `a model that the disk has no room for is not begun`() throws {
        let (hub, store) = try hub()
        defer { store.stop() }
        let body =
            #"{"siblings": [{"rfilename": "config.json", "size": 9}, {"rfilename": "model.safetensors", "size": 562949953421312}]}"#
        let large = try FileServer { _, _ in
            FileServer.Reply(200, ["Content-Type": "application/json"], body: Array(body.utf8))
        }
        let told = refusal("hf:me/jukebox", base: large.address, into: try TestFolder.place("hf"))
        #expect(told.contains("make room"), "\(told)")
        let unknown = refusal("hf:me/other", base: hub.address, into: try TestFolder.place("hf"))
        #expect(unknown.contains("no repository me/other"), "\(unknown)")
    }

    @Test func `what is no model is refused with what there is`() {
        for text in ["6b", "hf:alone", "hf:a/../b", "https://huggingface.co/", "ftp://x/y", "hf:a/b c"] {
            #expect(throws: FetchError.self, "\(text)") { try ModelSource(text) }
        }
        #expect(try! ModelSource("https://huggingface.co/a/b/tree/main") == .huggingFace(owner: "a", name: "b"))
        #expect(try! ModelSource("1b_lyrics") == .published("1b_lyrics"))
    }
}
