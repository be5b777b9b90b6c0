import ClusterProtocol
import CoordinatorService
import Foundation
import JukeboxModel
import ModelTestSupport
import Synchronization
import Testing

/// Who may do what at a coordinator, and what nobody may.
@Suite(.serialized) struct DoorTests {
    private let small = #"{"model":"two-level-unlabelled","sample_length":256}"#

    private func query(_ song: String = "", pages: Bool = false, cursor: String = "") -> WireClientRequest.OneOf_Kind {
        var query = WireStatusQuery()
        (query.song, query.pages, query.cursor) = (song, pages, cursor)
        return .status(query)
    }

    private func hello(_ name: String, slots: UInt32 = 1) -> WireWorkerHello {
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name) = (ProtocolVersion.current, name, name)
        (hello.slots, hello.tokensPerSecond) = (slots, 1)
        return hello
    }

    // MARK: roles

    @Test func `a client sees, fetches and cancels its own songs, and an admin all`() throws {
        let coordinator = try ServedCoordinator()
        let (anna, bert) = (
            coordinator.peer(key: "anna", roles: .client), coordinator.peer(key: "bert", roles: .client)
        )
        #expect(try coordinator.submit("annas", small, as: anna).error.isEmpty)
        #expect(try coordinator.submit("berts", small, as: bert).error.isEmpty)
        #expect(try coordinator.submit("annas", small, as: bert).error.contains("use another id"))
        func songs(_ peer: InMemoryClient?) throws -> [String] {
            try coordinator.ask(query(), as: peer).status.songs.map(\.song)
        }
        #expect(try songs(anna) == ["annas"] && songs(bert) == ["berts"] && songs(nil) == ["annas", "berts"])
        #expect(try coordinator.ask(query(pages: true), as: bert).status.songs.map(\.song) == ["berts"])
        var (cancel, list, read, timeline) = (WireCancel(), WireListFiles(), WireReadFile(), WireTimelineQuery())
        (cancel.song, list.song, read.song, timeline.song) = ("annas", "annas", "annas", "annas")
        for kind in [query("annas"), .cancel(cancel), .list(list), .read(read), .timeline(timeline)] {
            #expect(try coordinator.ask(kind, as: bert).error.contains("there is no song annas"))
        }
        #expect(try coordinator.ask(query("annas")).status.songs[0].state == "sampling")
        // Asked for once more it is the same song, whoever of those that may asks, and stays its owner's.
        #expect(try coordinator.submit("annas", small).error.isEmpty)
        #expect(try coordinator.ask(.cancel(cancel), as: anna).cancelled.wasRunning)
        coordinator.finish()
    }

    @Test func `a worker's key asks nothing, and a client's is no worker`() throws {
        let coordinator = try ServedCoordinator()
        let (worker, client) = (
            coordinator.peer(key: "w", roles: .worker), coordinator.peer(key: "c", roles: .client)
        )
        #expect(try coordinator.submit("s", small, as: worker).error.contains("as worker and not as client"))
        #expect(try coordinator.ask(query(), as: worker).error.contains("not as client"))
        try coordinator.send(WireToCoordinator(kind: .hello(hello("posing"))).payload(), from: client)
        let messages = try client.receive(timeout: .seconds(120), limit: 1)
        guard case .refused(let refused) = try WireFromCoordinator(payload: #require(messages.first).payload).kind
        else {
            Issue.record("a client's key is let in as a worker")
            return
        }
        #expect(refused.reason.contains("as client and not as worker"))
        let status = try coordinator.ask(query()).status
        #expect(status.songs.isEmpty && status.workers.isEmpty)
        #expect(status.refusals.map(\.key).sorted() == ["c", "w"] && status.refusals.contains { $0.name == "posing" })
        #expect(try coordinator.ask(query(), as: client).status.refusals.isEmpty)
        coordinator.finish()
    }

    // MARK: many

    @Test func `a status of many songs and workers comes in pages, and an older client is told what is missing`() throws
    {
        let coordinator = try ServedCoordinator()
        let (songs, workers) = (110, 260)
        for number in 0..<songs { #expect(try coordinator.submit("song-\(number)", small).error.isEmpty) }
        let fingerprints = try ModelRegistry().model(Fixture.twoLevel.folder.path).fingerprints()
        let peers = (0..<workers).map { coordinator.peer(key: "key\($0)", roles: .worker) }
        for (number, peer) in peers.enumerated() {
            var hello = hello("worker \(number) " + String(repeating: "x", count: 150))
            hello.fingerprints = Dictionary(uniqueKeysWithValues: fingerprints.map { (UInt32($0), $1) })
            try coordinator.send(WireToCoordinator(kind: .hello(hello)).payload(), from: peer)
        }
        let old = try coordinator.ask(query()).status
        #expect(old.songs.count <= 100 && old.workers.count <= 200 && old.next.isEmpty)
        #expect(old.refusals.first?.reason.contains("of \(songs) songs") == true)
        var (names, seen, cursor, pages) = (Set<String>(), [String](), "", 0)
        repeat {
            let status = try coordinator.ask(query(pages: true, cursor: cursor)).status
            seen += status.songs.map(\.song)
            names.formUnion(status.workers.map(\.worker))
            (cursor, pages) = (status.next, pages + 1)
        } while !cursor.isEmpty && pages < 100
        #expect(seen == (0..<songs).map { "song-\($0)" } && names.count == workers && pages > 2, "\(pages) pages")
        #expect(try coordinator.ask(query(pages: true, cursor: "elsewhere")).error.contains("ask again"))
        coordinator.finish()
    }

    @Test func `a hundred failed songs with long reasons are all shown`() throws {
        let coordinator = try ServedCoordinator()
        // What a recording is called by its client ends in the reason for which it cannot be read.
        let (digest, name) = (String(repeating: "0", count: 64), String(repeating: "long ", count: 600))
        for number in 0..<100 {
            let reply = try coordinator.submit(
                "song-\(number)",
                #"{"model":"two-level-unlabelled","mode":"primed","prompt":"upload:\#(digest).wav|\#(name)"}"#)
            #expect(reply.error.contains("was not sent completely") && reply.error.utf8.count <= 8000)
        }
        coordinator.finish()
    }

    @Test func `a flood of useless messages costs few lines of the log`() throws {
        let lines = Mutex<[String]>([])
        let coordinator = try ServedCoordinator(log: { line in lines.withLock { $0.append(line) } })
        let flood = coordinator.peer(key: "flood", roles: .admin)
        let begin = ContinuousClock.now
        var chunk = WireChunk()
        (chunk.task.song, chunk.tokens) = (String(repeating: "s", count: 5000), [1, 2, 3])
        for number in 0..<400 {
            var hello = hello("flood \(number)\n\u{1B}[2J" + String(repeating: "x", count: 5000), slots: 0)
            hello.fingerprints = [0: String(repeating: "f", count: 5000)]
            try coordinator.send(WireToCoordinator(kind: .hello(hello)).payload(), from: flood)
            try coordinator.send(WireToCoordinator(kind: .chunk(chunk)).payload(), from: flood)
            try coordinator.send([0xFF, UInt8(number & 0xFF)], from: flood)
        }
        #expect(try coordinator.ask(query()).error.isEmpty)
        coordinator.finish()
        let all = lines.withLock { $0 }
        // The log's bound is one a minute.
        let minutes = 1 + Int(begin.duration(to: .now) / .seconds(60))
        #expect(all.reduce(0) { $0 + $1.utf8.count } < 30_000 * minutes, "\(all.count) lines, \(minutes) minutes")
        #expect(all.allSatisfy { PeerText.isClean($0, limit: 4000) })
        #expect(all.contains { $0.contains("damaged on its way") })
    }

    // MARK: what costs much

    @Test func `plans that are too large are refused with the least that works`() throws {
        let coordinator = try ServedCoordinator()
        func submit(_ more: String) throws -> String {
            try coordinator.submit("s", #"{"model":"two-level-unlabelled",\#(more)}"#).error
        }
        let refusal = try submit(#""seconds":600,"hop_fraction":[0.03125,1]"#)
        #expect(refusal.contains("32768 are the most"), "\(refusal)")
        let fraction = try #require(refusal.firstMatch(of: /works there is ([0-9.]+)/)?.1)
        #expect(try submit(#""seconds":600,"hop_fraction":[\#(fraction),1]"#).isEmpty)
        let many = Array(repeating: "{}", count: 256).joined(separator: ",")
        #expect(try submit(#""seconds":3600,"hop_fraction":1,"samples":[\#(many)]"#).contains("in all"))
        #expect(try coordinator.ask(query()).status.songs.count == 1)
        coordinator.finish()
    }

    @Test func `a song names models that were given, or that lie in a given folder`() throws {
        let place = try TemporaryFolder()
        let other = place.file("models/other")
        try FileManager.default.createDirectory(at: place.file("models"), withIntermediateDirectories: true)
        for copy in [other, place.file("outside")] {
            try FileManager.default.copyItem(at: Fixture.noLyrics.folder, to: copy)
        }
        try FileManager.default.createSymbolicLink(
            at: place.file("models/link"), withDestinationURL: place.file("outside"))
        let registry = ModelRegistry(places: [place.file("models").path])
        try registry.add(path: Fixture.twoLevel.folder.path)
        for name in ["two-level-unlabelled", Fixture.twoLevel.folder.path, other.path, "other"] {
            #expect(throws: Never.self, "\(name)") { try registry.model(name) }
        }
        for name in [
            place.file("outside").path, place.file("models/../outside").path, place.file("models/link").path, "link",
            "/", "..", ".", "", "../outside", place.file("models").path, "/nowhere",
        ] {
            #expect(unlessError("no model is called", "--models") { _ = try registry.model(name) } == nil, "\(name)")
        }
    }

    @Test func `a model that has changed is hashed again, however small it is`() throws {
        let copy = try ModelCopy(.twoLevel)
        let registry = ModelRegistry()
        let model = try registry.add(path: copy.folder.path)
        let before = try registry.fingerprints(of: model)
        #expect(try registry.fingerprints(of: model) == before && before == model.fingerprints())
        let file = try #require(
            FileManager.default.contentsOfDirectory(at: copy.folder.url, includingPropertiesForKeys: nil).first {
                $0.lastPathComponent.hasPrefix("prior_level_0")
            })
        // The copy's file is a link to the fixture's.
        let bytes = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        try bytes.dropLast(100).write(to: file)
        #expect(throws: (any Error).self, "it is read again") { try registry.fingerprints(of: model) }
    }
}
