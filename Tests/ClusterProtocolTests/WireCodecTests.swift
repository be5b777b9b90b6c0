import ClusterProtocol
import Foundation
import ModelTestSupport
import SongPlan
import Testing

/// Messages as bytes and back.
@Suite struct WireCodecTests {
    static let task = TaskID(stream: StreamID(song: "song-1", sample: 3, level: 2), window: 41)

    private static var lease: WireLease {
        var lease = WireLease()
        lease.task = WireTask(task)
        lease.epoch = .max
        lease.acknowledged = 7
        return lease
    }

    static var chunk: WireChunk {
        var chunk = WireChunk()
        chunk.task = WireTask(task)
        chunk.epoch = 5
        chunk.start = 128
        chunk.tokens = (0..<128).map { UInt32($0 * 511 % 65_536) }
        chunk.hash = chunk.expectedHash
        return chunk
    }

    /// One of each kind, with every field set.
    static var toCoordinator: [WireToCoordinator] {
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name, hello.model) = (1, "w", "host \u{E9}", "5b")
        hello.fingerprints = [0: "a", 2: "b"]
        (hello.slots, hello.tokensPerSecond, hello.held) = (32, 12.5, [lease, lease])
        var heartbeat = WireHeartbeat()
        (heartbeat.held, heartbeat.tokensPerSecond) = ([lease], 0.25)
        var failed = WireTaskFailed()
        (failed.task, failed.epoch, failed.reason) = (WireTask(task), 9, "because")
        return [
            .init(kind: .hello(hello)), .init(kind: .heartbeat(heartbeat)), .init(kind: .chunk(chunk)),
            .init(kind: .failed(failed)), .init(kind: .goodbye(WireGoodbye())),
        ] + requests.map { .init(kind: .request($0)) }
    }

    static var requests: [WireClientRequest] {
        var upload = WireUpload()
        (upload.digest, upload.ending, upload.size, upload.offset) = ("d", "flac", 1 << 31, 1 << 30)
        upload.data = .init((0..<1000).map { UInt8(truncatingIfNeeded: $0) })
        var submit = WireSubmit()
        (submit.song, submit.specification, submit.format) = ("s", "{}", "ogg")
        var status = WireStatusQuery()
        status.song = "s"
        var cancel = WireCancel()
        cancel.song = "s"
        var list = WireListFiles()
        list.song = "s"
        var read = WireReadFile()
        (read.song, read.path, read.offset, read.length) = ("s", "level_0/sample_0.wav", 1 << 40, 48 << 10)
        let kinds: [WireClientRequest.OneOf_Kind] = [
            .upload(upload), .submit(submit), .status(status), .cancel(cancel), .list(list), .read(read),
        ]
        return kinds.map {
            var request = WireClientRequest()
            (request.number, request.version, request.kind) = (77, 1, $0)
            return request
        }
    }

    static var fromCoordinator: [WireFromCoordinator] {
        var welcome = WireWelcome()
        (welcome.version, welcome.heartbeatMilliseconds, welcome.leaseMilliseconds) = (1, 1000, 5000)
        var refused = WireRefused()
        refused.reason = "no"
        var assignment = WireAssignment()
        (assignment.task, assignment.epoch, assignment.fingerprint) = (WireTask(task), 3, "f")
        (assignment.seed, assignment.start, assignment.end) = (.max, 100, 8292)
        (assignment.tokens, assignment.prime, assignment.above) = ([1, 2, 65_535], 2, [3, 4])
        assignment.labels = WireLabels(
            SongLabels(totalLength: 9_000_000, offset: 5, artist: 6, genres: [7, 8], lyrics: [9, 10, 79]))
        (assignment.temperature, assignment.topK, assignment.topP) = (0.99, 5, 0.5)
        var acknowledged = WireChunkAcknowledged()
        (acknowledged.task, acknowledged.epoch, acknowledged.acknowledged) = (WireTask(task), 3, 256)
        var revoke = WireRevoke()
        (revoke.task, revoke.epoch, revoke.reason) = (WireTask(task), 3, "cancelled")
        var reply = WireClientReply()
        reply.number = 77
        reply.uploaded.have = 1 << 33
        return [
            .init(kind: .welcome(welcome)), .init(kind: .refused(refused)),
            .init(kind: .helloWanted(WireHelloWanted())),
            .init(kind: .assignment(assignment)), .init(kind: .acknowledged(acknowledged)),
            .init(kind: .revoke(revoke)),
            .init(kind: .reply(reply)),
        ]
    }

    @Test func `every kind of message comes back as it was`() throws {
        for message in Self.toCoordinator {
            let payload = try message.payload()
            #expect(try WireToCoordinator(payload: payload) == message)
        }
        for message in Self.fromCoordinator {
            let payload = try message.payload()
            #expect(try WireFromCoordinator(payload: payload) == message)
        }
    }

    @Test func `a message without a kind, and one of no bytes, is empty and not an error`() throws {
        #expect(try WireToCoordinator(payload: []).kind == nil)
        #expect(try WireFromCoordinator(payload: []).kind == nil)
        #expect(try WireToCoordinator(payload: WireToCoordinator().payload()).kind == nil)
    }

    @Test func `fields of a newer release are ignored`() throws {
        let bare = try WireFromCoordinator(kind: .helloWanted(WireHelloWanted())).payload().dropLast(10)
        let newer = Array(bare) + [0xF8, 0x7F, 0x01]  // field 2047, varint 1
        // Newer releases seal; what has no seal and an unknown field is a message whose seal was changed.
        #expect(throws: WireError.self) { try WireFromCoordinator(payload: newer) }
        let payload = MessageSeal.sealed(newer)
        #expect(try WireFromCoordinator(payload: payload).kind == .helloWanted(WireHelloWanted()))
    }

    @Test func `task names survive the wire`() {
        #expect(WireTask(Self.task).taskID == Self.task)
        let last = TaskID(
            stream: StreamID(song: String(repeating: "x", count: 64), sample: 255, level: 15), window: Int(UInt32.max))
        #expect(WireTask(last).taskID == last)
    }

    @Test func `labels survive the wire; what they cannot express is clamped`() {
        let labels = SongLabels(
            totalLength: 26_460_000, offset: 44_100, artist: 7897, genres: [1, 2, 3], lyrics: [0, 79, 5])
        #expect(WireLabels(labels).songLabels == labels)
        let odd = WireLabels(SongLabels(totalLength: .max, offset: -1, artist: -1, genres: [], lyrics: [])).songLabels
        #expect(odd.totalLength == Int(UInt32.max) && odd.offset == 0 && odd.artist == 0)
    }

    @Test func `the largest assignment of a published model fits into a message`() throws {
        var assignment = WireAssignment()
        assignment.task = WireTask(Self.task)
        (assignment.epoch, assignment.seed, assignment.end) = (.max, .max, .max)
        assignment.fingerprint = String(repeating: "f", count: 64)
        assignment.tokens = Array(repeating: 2047 + 79, count: 8191)
        assignment.above = Array(repeating: 2047, count: 2048)
        assignment.labels = WireLabels(
            SongLabels(
                totalLength: 26_459_999, offset: 26_000_000, artist: 4110, genres: [119, 119, 119, 119, 119],
                lyrics: Array(repeating: 79, count: 20_000)))
        #expect(
            try WireFromCoordinator(kind: .assignment(assignment)).payload().count <= TransportLimits.maximumMessageSize
        )
    }
}
