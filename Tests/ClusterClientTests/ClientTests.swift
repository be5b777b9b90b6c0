import ClusterClient
import ClusterProtocol
import ClusterTestSupport
import Digest
import Foundation
import ModelTestSupport
import SongFiles
import SongPlan
import Synchronization
import Testing

@Suite("A client and its coordinator")
struct ClientTests {
    @Test func `following a song gives each look at it, and ends with the song`() async throws {
        let looks = Counter()
        let coordinator = ScriptedCoordinator { kind, reply in
            guard case .status(let query) = kind else { return }
            var song = WireSongStatus()
            song.song = query.song
            song.songState = [.preparing, .sampling, .sampling, .finished, .preparing][min(looks.next(), 4)]
            reply.status.songs = [song]
            reply.status.workers = [WireWorkerStatus()]
        }
        defer { coordinator.stop() }
        var states: [SongProgress.State] = []
        for try await update in coordinator.client().follow(song: "waltz") {
            #expect(update.song.song == "waltz")
            #expect(update.workers.count == 1)
            states.append(update.song.state)
        }
        #expect(states == [.preparing, .sampling, .sampling, .finished])
    }

    @Test func `following a song that there is not is an error, with the coordinator's words`() async throws {
        let coordinator = ScriptedCoordinator { _, reply in reply.error = "there is no song s" }
        defer { coordinator.stop() }
        let error = await #expect(throws: ClientError.self) {
            for try await _ in coordinator.client().follow(song: "s") {}
        }
        #expect(error?.description == "there is no song s")
    }

    @Test func `a file is sent in pieces that go on where the coordinator is, and named by its contents`() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("codes.bin")
        let contents = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try contents.write(to: file)
        let received = Mutex(Data())
        let coordinator = ScriptedCoordinator { kind, reply in
            switch kind {
            case .upload(let upload):
                reply.uploaded.have = received.withLock { data in
                    if Int(upload.offset) == data.count { data += upload.data }
                    return UInt64(data.count)
                }
            case .submit:
                reply.submitted.tokens = 7
                reply.submitted.warnings = ["there is no such artist"]
            default: reply.error = "not asked for"
            }
        }
        defer { coordinator.stop() }
        let request = SongRequest(
            specification: SongSpecification(model: "m", mode: .continue, codes: file.path), format: "flac")
        let told = Mutex<[FileTransfer]>([])
        let submitted = try coordinator.client().submit(request, song: "s", priority: -3) { transfer in
            told.withLock { $0.append(transfer) }
        }
        #expect(submitted.tokens == 7)
        #expect(submitted.warnings == ["there is no such artist"])
        #expect(received.withLock { $0 } == contents)
        guard case .submit(let submit) = coordinator.requests.last else {
            Issue.record("the song was not submitted")
            return
        }
        #expect((submit.song, submit.format, submit.priority) == ("s", "flac", -3))
        let digest = contents.withUnsafeBytes { Digest.sha256($0) }
        let sent = try SongSpecification(json: Data(submit.specification.utf8), source: "the test")
        #expect(sent.codes == UploadName.make(digest: digest, ending: "bin", name: file.path))
        let progress = told.withLock { $0 }
        #expect(progress.map(\.done) == [0, FilePiece.size, 2 * FilePiece.size, 100_000, 100_000])
        #expect(progress.map(\.isComplete) == [false, false, false, false, true])
    }

    @Test func `a song's files are copied whole, and none outside the folder`() throws {
        let contents = Data((0..<FilePiece.size + 10).map { UInt8(truncatingIfNeeded: $0) })
        let coordinator = ScriptedCoordinator { kind, reply in
            switch kind {
            case .list(let list):
                reply.files.files = (list.song == "good" ? ["level_0/sample_0.wav", "song.json"] : ["../passwd"]).map {
                    var entry = WireFileEntry()
                    (entry.path, entry.size) = ($0, UInt64(contents.count))
                    return entry
                }
            case .read(let read):
                let end = min(contents.count, Int(read.offset) + Int(read.length))
                reply.piece.data = contents.subdata(in: Int(read.offset)..<end)
            default: reply.error = "not asked for"
            }
        }
        defer { coordinator.stop() }
        let folder = try TemporaryFolder()
        let client = coordinator.client()
        #expect(try client.fetch(song: "good", into: folder.url) { $0 != "song.json" } == ["level_0/sample_0.wav"])
        #expect(try Data(contentsOf: folder.file("level_0/sample_0.wav")) == contents)
        #expect(!FileManager.default.fileExists(atPath: folder.file("song.json").path))
        let error = #expect(throws: ClientError.self) { _ = try client.fetch(song: "bad", into: folder.url) }
        #expect(error?.description.contains("outside the song's folder: ../passwd") == true)
    }

    @Test func `whoever has no use for the answer any more does not wait for it`() {
        struct Enough: Error {}
        let client = ClusterClient(
            ClientConnection(transport: InMemoryNetwork().makeClient(), place: "nowhere"), mayWait: { throw Enough() })
        #expect(throws: Enough.self) { _ = try client.status() }
    }

    @Test func `requests of tasks do not hold their threads, and come one after another`() async throws {
        let coordinator = ScriptedCoordinator { kind, reply in
            if case .cancel(let cancel) = kind { reply.cancelled.wasRunning = cancel.song == "running" }
        }
        defer { coordinator.stop() }
        let client = coordinator.client()
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for place in 0..<8 {
                group.addTask { try await client.perform { try $0.cancel(song: place < 3 ? "running" : "over") } }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(answers == 3)
    }
}
