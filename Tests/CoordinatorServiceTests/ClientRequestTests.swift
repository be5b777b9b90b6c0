import ClusterProtocol
import Foundation
import ModelTestSupport
import SongFiles
import Testing

/// A coordinator as clients meet it, over the in-memory transport.
@Suite(.serialized) struct ClientRequestTests {
    @Test func `a request of another protocol version, and one without content, are answered with a reason`() throws {
        let coordinator = try ServedCoordinator()
        #expect(try coordinator.ask(nil).error.contains("newer release"))
        #expect(try coordinator.ask(nil, version: 99).error.contains("version 99"))
        let refusals = try coordinator.ask(.status(WireStatusQuery())).status.refusals
        #expect(refusals.map(\.count) == [1] && refusals[0].reason.contains("version 99"))
        coordinator.finish()
    }

    @Test func `an answer that no message can hold is a smaller one, and stops nobody`() throws {
        let coordinator = try ServedCoordinator()
        // Almost a whole message, and the answer repeats it.
        let long = String(repeating: "x", count: TransportLimits.maximumMessageSize - 200)
        var query = WireStatusQuery()
        query.song = long
        #expect(try coordinator.ask(.status(query)).error.contains("there is no song x"))
        var list = WireListFiles()
        list.song = long
        #expect(try coordinator.ask(.list(list)).error.contains("there is no song x"))
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name, hello.slots) = (ProtocolVersion.current, "w", long, 0)
        try coordinator.send(WireToCoordinator(kind: .hello(hello)).payload())
        // Refused in the turn in which it is heard, and shown from then on.
        _ = try coordinator.ask(.status(WireStatusQuery()))
        let refusal = try coordinator.ask(.status(WireStatusQuery())).status.refusals.first
        #expect(refusal?.reason.contains("slots") == true)
        // As many songs as are shown, each with warnings and labels: all of them in one answer, or the newest.
        for number in 0..<3 {
            let samples = Array(repeating: #"{"artist":"\#(String(repeating: "a", count: 150))"}"#, count: 250)
            let request =
                #"{"model":"two-level-unlabelled","sample_length":256,"samples":[\#(samples.joined(separator: ","))]}"#
            #expect(try coordinator.submit("song-\(number)", request).error.isEmpty)
        }
        #expect(try coordinator.ask(.status(WireStatusQuery())).status.songs.count == 3)
        coordinator.finish()
    }

    @Test func `songs with impossible names, formats and requests are refused with the reason`() throws {
        let coordinator = try ServedCoordinator()
        for id in ["", "a/b", "..", "a b", String(repeating: "a", count: 65), "\u{E9}"] {
            #expect(
                try coordinator.submit(id, #"{"model":"two-level-unlabelled"}"#).error.contains("1 to 64 letters"),
                "\(id)")
        }
        #expect(
            try coordinator.submit("s", #"{"model":"two-level-unlabelled"}"#, format: "mp3").error.contains(
                "wav, flac, ogg"))
        #expect(try coordinator.submit("s", #"{"model":"x"}"#).error.contains("no model is called x"))
        #expect(try coordinator.submit("s", #"{"modle":"x"}"#).error.contains("no field modle"))
        #expect(
            try coordinator.submit("s", #"{"model":"two-level-unlabelled","sample_length":100}"#).error.contains("256"))
        #expect(
            try coordinator.submit("s", #"{"model":"two-level-unlabelled","mode":"primed","prompt":"/etc/passwd"}"#)
                .error
                .contains("send it first"))
        #expect(try coordinator.ask(.status(WireStatusQuery())).status.songs.isEmpty)
        coordinator.finish()
    }

    @Test func `a song is taken on, shown, and cancelled`() throws {
        let coordinator = try ServedCoordinator()
        let request = #"{"model":"two-level-unlabelled","sample_length":32768,"samples":[{},{}]}"#
        let accepted = try coordinator.submit("song-1", request)
        #expect(accepted.error.isEmpty && accepted.submitted.song == "song-1")
        #expect(accepted.submitted.tokens == 2 * (1024 + 128))
        // Submitting again is the same as once; other contents are not.
        #expect(try coordinator.submit("song-1", request).submitted.song == "song-1")
        #expect(
            try coordinator.submit("song-1", #"{"model":"two-level-unlabelled","sample_length":256}"#).error.contains(
                "other contents"))
        var query = WireStatusQuery()
        query.song = "song-1"
        let status = try #require(try coordinator.ask(.status(query)).status.songs.first)
        #expect(status.songState == .sampling)
        #expect(status.state == "sampling" && status.samples == 2 && status.wantedTokens == 2304)
        #expect(status.levels.map(\.total) == [2048, 256] && status.levels.map(\.windows) == [14, 6])
        #expect(status.ageSeconds > 0 && status.ageSeconds < 60)
        var cancel = WireCancel()
        cancel.song = "song-1"
        #expect(try coordinator.ask(.cancel(cancel)).cancelled.wasRunning)
        #expect(try !coordinator.ask(.cancel(cancel)).cancelled.wasRunning)
        #expect(try coordinator.ask(.status(query)).status.songs.first?.state == "cancelled")
        #expect(try coordinator.ask(.status(query)).status.songs.first?.songState == .cancelled)
        var resume = WireResume()
        resume.song = "song-1"
        #expect(try coordinator.ask(.resume(resume)).resumed.wasAtRest)
        #expect(try !coordinator.ask(.resume(resume)).resumed.wasAtRest)
        #expect(try coordinator.ask(.status(query)).status.songs.first?.songState == .sampling)
        var note = WireNote()
        (note.song, note.name, note.starred) = ("song-1", "the slow one", true)
        #expect(try coordinator.ask(.note(note)).error.isEmpty)
        (note.name, note.hidden) = ("", true)
        note.clearName()
        #expect(try coordinator.ask(.note(note)).error.isEmpty)
        let noted = try #require(try coordinator.ask(.status(query)).status.songs.first)
        #expect(noted.name == "the slow one" && noted.starred && noted.hidden && noted.seconds > 0)
        note.name = String(repeating: "n", count: 201)
        #expect(try coordinator.ask(.note(note)).error.contains("at most 200"))
        note.name = "two\nlines"
        #expect(try coordinator.ask(.note(note)).error.contains("cannot be shown"))
        var asked = WireRequestQuery()
        asked.song = "song-1"
        #expect(try coordinator.ask(.request(asked)).request.specification.contains("\"sample_length\""))
        resume.song = "nobody"
        #expect(try coordinator.ask(.resume(resume)).error.contains("there is no song nobody"))
        coordinator.finish()
    }

    @Test func `songs that do not exist are named`() throws {
        let coordinator = try ServedCoordinator()
        var (query, cancel, list, read) = (WireStatusQuery(), WireCancel(), WireListFiles(), WireReadFile())
        query.song = "x"
        cancel.song = "x"
        list.song = "x"
        read.song = "x"
        for kind in [WireClientRequest.OneOf_Kind.status(query), .cancel(cancel), .list(list), .read(read)] {
            #expect(try coordinator.ask(kind).error.contains("no song x"))
        }
        coordinator.finish()
    }

    @Test func `only files of the song can be read`() throws {
        let coordinator = try ServedCoordinator()
        _ = try coordinator.submit("song", #"{"model":"two-level-unlabelled","sample_length":256}"#)
        let place = coordinator.folder.file("state/songs/song")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) }).write(to: place.appendingPathComponent("a.wav"))
        try Data().write(to: place.appendingPathComponent("b.wav.partial-1"))
        try Data("secret".utf8).write(to: coordinator.folder.file("state/songs/secret"))
        var list = WireListFiles()
        list.song = "song"
        #expect(try coordinator.ask(.list(list)).files.files.map(\.path) == ["a.wav"])
        func read(_ path: String, from offset: UInt64 = 0, length: UInt32 = .max) throws -> WireClientReply {
            var read = WireReadFile()
            (read.song, read.path, read.offset, read.length) = ("song", path, offset, length)
            return try coordinator.ask(.read(read))
        }
        let first = try read("a.wav").piece
        #expect(first.size == 100_000 && first.data.count == FilePiece.size)
        #expect(try read("a.wav", from: 99_990).piece.data.count == 10)
        #expect(try read("a.wav", from: .max).piece.data.isEmpty)
        #expect(try read("a.wav", length: 3).piece.data == Data([0, 1, 2]))
        for path in ["../secret", "x/../../secret", "/etc/passwd", ".."] {
            #expect(try read(path).error.contains("is not a file of the song"), "\(path)")
        }
        #expect(try read("none.wav").error.contains("no file none.wav"))
        coordinator.finish()
    }

    @Test func `bytes that are no message do not stop the coordinator`() throws {
        let coordinator = try ServedCoordinator()
        for payload in [[], [0xFF], [UInt8](repeating: 0x0A, count: 65_536)] { try coordinator.send(payload) }
        #expect(try coordinator.ask(.status(WireStatusQuery())).error.isEmpty)
        coordinator.finish()
    }
}
