import AudioFile
import ClusterProtocol
import Foundation
import ModelTestSupport
import Synchronization
import Testing

@testable import HTTPGateway

@Suite("Sound over HTTP")
struct AudioTests {
    @Test(
        arguments: [
            (nil, 100, ByteRange.whole), ("bytes=0-9", 100, .part(0..<10)), ("bytes=90-", 100, .part(90..<100)),
            ("bytes=-5", 100, .part(95..<100)), ("bytes=90-999", 100, .part(90..<100)),
            ("bytes=100-", 100, .unsatisfiable),
            ("bytes=-0", 100, .unsatisfiable), ("bytes=-500", 100, .part(0..<100)), ("bytes=5-4", 100, .whole),
            ("bytes=0-1,5-6", 100, .whole), ("lines=1-2", 100, .whole), ("bytes=x-", 100, .whole),
            ("bytes=-", 100, .whole),
            ("bytes=0-9", 4, .part(0..<4)), ("bytes=4-9", 4, .unsatisfiable),
            ("bytes=0-99999999999999999999", 100, .part(0..<100)),
            ("bytes=99999999999999999999-", 100, .unsatisfiable),
        ] as [(String?, Int, ByteRange)])
    func `a range is what there is of it`(header: String?, available: Int, range: ByteRange) {
        #expect(ByteRange(header, length: 100, available: available) == range)
    }

    /// A song of some samples. After the first look a quarter of it is there, and another one whenever somebody has read to the
    /// end, until the finished file is there.
    private final class GrowingSong: Sendable {
        let raw: [UInt8]
        let wav: [UInt8]
        let samples: Int
        private let shown = Mutex(0)
        private let hasEnded: Bool

        init(samples: Int, endsEarly: Bool = false) throws {
            // Louder than full scale here and there, as decoded sound is.
            let sound = (0..<samples).map { Float(sin(Double($0) * 0.01) * 1.2) }
            let folder = try TemporaryFolder()
            let file = folder.file("a.wav").path
            let writer = try AudioWriter(path: file, sampleRate: 44_100, format: .wav)
            try writer.append(sound)
            try writer.finish()
            wav = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
            raw = sound.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
            self.samples = samples
            hasEnded = endsEarly
        }

        private func grow() { shown.withLock { $0 = min(raw.count, $0 + raw.count / 4 / 4 * 4 + 4) } }

        func answer(_ kind: WireClientRequest.OneOf_Kind, _ reply: inout WireClientReply) {
            let bytes = shown.withLock { $0 }
            let isDone = bytes >= raw.count
            switch kind {
            case .list(let list):
                if bytes == 0 { grow() }
                reply.files.state = isDone ? "finished" : hasEnded && bytes > raw.count / 2 ? "cancelled" : "sampling"
                (reply.files.sampleRate, reply.files.sampleLength) = (44_100, UInt64(samples))
                var entry = WireFileEntry()
                if list.soFar, !isDone {
                    (entry.path, entry.size) = ("so_far/level_0/sample_0.f32", UInt64(bytes))
                    reply.files.files = [entry]
                } else if !list.soFar, isDone {
                    (entry.path, entry.size) = ("level_0/sample_0.wav", UInt64(wav.count))
                    reply.files.files = [entry]
                }
            case .read(let read):
                let isRaw = read.path.hasSuffix(".f32")
                guard isRaw != isDone, !(isRaw && hasEnded && bytes > raw.count / 2) else {
                    (reply.error, reply.errorKind) = ("the song has no such file", .notFound)
                    return
                }
                let all = isRaw ? Array(raw.prefix(bytes)) : wav
                reply.piece.data = Data(all.dropFirst(Int(read.offset)).prefix(Int(read.length)))
                reply.piece.size = UInt64(all.count)
                if isRaw, Int(read.offset) + Int(read.length) >= bytes { grow() }
            default: break
            }
        }
    }

    @Test func `what is heard while a song grows is the finished file, byte for byte`() async throws {
        let song = try GrowingSong(samples: 60_001)
        let world = try GatewayWorld { song.answer($0, &$1) }
        // At the first look there is nothing yet. Who wants all of it waits.
        let first = await world.ask("GET", "/api/v1/songs/waltz/audio", fields: ["Range": "bytes=0-0"])
        #expect(first.status == .notFound)
        try await Self.grown(world)
        let response = await world.ask("GET", "/api/v1/songs/waltz/audio?level=0&sample=0")
        #expect(response.status == .ok)
        guard case .stream(let length, _) = response.body else { throw CancellationError() }
        #expect(length == song.wav.count)
        #expect(try await response.bytes() == song.wav)
    }

    /// Waits until something can be heard.
    private static func grown(_ world: GatewayWorld) async throws {
        for _ in 0..<200 {
            if await world.ask("GET", "/api/v1/songs/waltz/audio", fields: ["Range": "bytes=0-0"]).status
                == .partialContent
            {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw FixtureError(description: "nothing can be heard")
    }

    @Test func `a range of a song that grows is of what there is`() async throws {
        let song = try GrowingSong(samples: 60_000)
        let world = try GatewayWorld { song.answer($0, &$1) }
        try await Self.grown(world)
        let response = await world.ask("GET", "/api/v1/songs/waltz/audio", fields: ["Range": "bytes=43-"])
        #expect(response.status == .partialContent)
        let range = try #require(response.fields["Content-Range"])
        #expect(range.hasSuffix("/\(song.wav.count)"))
        let bytes = try await response.bytes()
        #expect(bytes.count > 1000)
        #expect(bytes == Array(song.wav[43..<43 + bytes.count]))
    }

    @Test func `a song that ends early breaks off, so that nobody takes it for whole`() async throws {
        let song = try GrowingSong(samples: 60_000, endsEarly: true)
        let world = try GatewayWorld { song.answer($0, &$1) }
        try await Self.grown(world)
        let response = await world.ask("GET", "/api/v1/songs/waltz/audio")
        #expect(response.status == .ok)
        await #expect(throws: (any Error).self) { try await response.bytes() }
    }

    @Test func `a level that grows is WAV, and another format is told so`() async throws {
        let song = try GrowingSong(samples: 60_000)
        let world = try GatewayWorld { song.answer($0, &$1) }
        try await Self.grown(world)
        let response = await world.ask("GET", "/api/v1/songs/waltz/audio?format=flac")
        #expect(response.status == .conflict)
        #expect(try await response.detail().contains("format=wav"))
    }

    @Test func `silence stands for what is no number`() {
        let raw = [Float.nan, 2, -2, 0.5].flatMap { value in
            withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        #expect(WAVHeader.samples(raw + [1, 2]) == [0, 0, 0xFF, 0x7F, 0x00, 0x80, 0x00, 0x40])
    }

    @Test func `times of lyrics are told as players read them`() throws {
        let lyrics = try ScriptedTools().lyricTimes(of: URL(fileURLWithPath: "/"), sample: 0)
        #expect(
            String(decoding: LyricFormat.lrc.text(lyrics, sample: 0), as: UTF8.self)
                == "[00:00.00]sun & sea\n[01:01.25]sky\n")
        #expect(
            String(decoding: LyricFormat.vtt.text(lyrics, sample: 0), as: UTF8.self) == """
                WEBVTT

                00:00:00.000 --> 00:00:01.500
                sun &amp; sea

                00:01:01.250 --> 01:01:01.005
                sky

                """)
    }
}
