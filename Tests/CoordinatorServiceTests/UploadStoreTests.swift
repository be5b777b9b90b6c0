import Digest
import Foundation
import ModelTestSupport
import SongFiles
import Testing

@testable import CoordinatorService

@Suite struct UploadStoreTests {
    private let folder: TemporaryFolder
    private let store: UploadStore
    private let content: [UInt8]
    private let digest: String

    init() throws {
        folder = try TemporaryFolder()
        store = try UploadStore(folder: folder.file("deep/uploads"))
        var random = SplitMix64(seed: 1)
        content = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        digest = content.withUnsafeBytes { Digest.sha256($0) }
    }

    private func upload(_ range: Range<Int>, digest: String? = nil, ending: String = "wav") -> UploadPiece {
        UploadPiece(
            digest: digest ?? self.digest, ending: ending, size: UInt64(content.count),
            offset: UInt64(range.lowerBound), data: Data(content[range]))
    }

    private var reference: String { UploadName.make(digest: digest, ending: "wav", name: "my song|v2.wav") }

    private func complete() throws {
        for begin in stride(from: 0, to: content.count, by: FilePiece.size) {
            _ = try store.add(upload(begin..<min(content.count, begin + FilePiece.size)))
        }
    }

    @Test func `a file arrives in pieces, and is then found under its name`() throws {
        #expect(try store.add(upload(0..<0)) == 0)
        #expect(try store.add(upload(0..<40_000)) == 40_000)
        #expect(unlessError("my song|v2.wav was not sent completely") { _ = try store.locate(reference) } == nil)
        #expect(try store.add(upload(40_000..<80_000)) == 80_000)
        #expect(try store.add(upload(80_000..<100_000)) == 100_000)
        let path = try store.locate(reference)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content))
        #expect(path.hasSuffix(".wav"))
        #expect(UploadName.original(of: reference) == "my song|v2.wav")
    }

    @Test func `a file that was removed is told as that, and can be sent again`() throws {
        try complete()
        try FileManager.default.removeItem(atPath: store.locate(reference))
        #expect(
            unlessError("my song|v2.wav is not in the coordinator's folder of uploads") {
                _ = try store.locate(reference)
            } == nil)
        try complete()
        #expect(throws: Never.self) { try store.locate(reference) }
    }

    @Test func `a piece that comes twice, or too early, changes nothing; the answer says where to go on`() throws {
        _ = try store.add(upload(0..<40_000))
        #expect(try store.add(upload(0..<40_000)) == 40_000)
        #expect(try store.add(upload(60_000..<80_000)) == 40_000)
        #expect(try store.add(upload(20_000..<60_000)) == 40_000)
        _ = try store.add(upload(40_000..<80_000))
        #expect(try store.add(upload(80_000..<100_000)) == 100_000)
        #expect(throws: Never.self) { try store.locate(reference) }
    }

    @Test func `another process goes on where the first stopped`() throws {
        _ = try store.add(upload(0..<40_000))
        let second = try UploadStore(folder: folder.file("deep/uploads"))
        #expect(try second.add(upload(0..<0)) == 40_000)
        _ = try second.add(upload(40_000..<80_000))
        _ = try second.add(upload(80_000..<100_000))
        #expect(throws: Never.self) { try store.locate(reference) }
    }

    @Test func `a file that is there need not be sent again`() throws {
        try complete()
        #expect(try store.add(upload(0..<0)) == 100_000)
        #expect(try store.add(upload(0..<100)) == 100_000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: store.locate(reference))) == Data(content))
    }

    @Test func `content that does not have the digest is thrown away, and can be sent anew`() throws {
        var first = upload(0..<40_000)
        first.data[7] ^= 1
        _ = try store.add(first)
        _ = try store.add(upload(40_000..<80_000))
        #expect(unlessError("digest", "send it again") { _ = try store.add(upload(80_000..<100_000)) } == nil)
        #expect(try store.add(upload(0..<0)) == 0)
        try complete()
        #expect(throws: Never.self) { try store.locate(reference) }
    }

    @Test func `an empty file is a file`() throws {
        let digest = [UInt8]().withUnsafeBytes { Digest.sha256($0) }
        let upload = UploadPiece(digest: digest, ending: "txt", size: 0, offset: 0, data: Data())
        #expect(try store.add(upload) == 0)
        #expect(throws: Never.self) {
            try store.locate(UploadName.make(digest: digest, ending: "txt", name: "x"))
        }
    }

    @Test func `a piece beyond the announced size is not taken`() throws {
        var upload = upload(0..<40_000)
        upload.size = 39_999
        #expect(try store.add(upload) == 0)
    }

    @Test func `files and pieces that are too large are refused`() throws {
        var large = upload(0..<10)
        large.size = UploadStore.maximumSize + 1
        #expect(unlessError("too large", "\(UploadStore.maximumSize)") { _ = try store.add(large) } == nil)
        #expect(unlessError("too large") { _ = try store.add(upload(0..<FilePiece.size + 1)) } == nil)
    }

    @Test(arguments: [
        ("../../etc/passwd", "wav"), (String(repeating: "a", count: 63), "wav"),
        (String(repeating: "g", count: 64), "wav"),
        ("", "wav"), (String(repeating: "a", count: 64), ""), (String(repeating: "a", count: 64), "../x"),
        (String(repeating: "a", count: 64), "wav.part"),
        (String(repeating: "a", count: 64), String(repeating: "1", count: 40)),
        (String(repeating: "\u{FF11}", count: 64), "wav"),
    ])
    func `names that would lead out of the folder are refused`(_ digest: String, _ ending: String) throws {
        var upload = upload(0..<10, digest: digest, ending: ending)
        upload.size = 10
        #expect(unlessError("malformed") { _ = try store.add(upload) } == nil)
        let reference = UploadName.make(digest: digest, ending: ending, name: "x")
        #expect(unlessError("not the name of an upload") { _ = try store.locate(reference) } == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("deep/uploads").path).isEmpty)
    }

    @Test func `only uploads can be named from outside`() throws {
        let secret = try folder.write("x", "secret.wav")
        for name in [secret, "secret.wav", "/etc/passwd", "upload", ""] {
            #expect(unlessError("not here", "send it first") { _ = try store.locate(name) } == nil)
        }
        #expect(UploadName.original(of: "plain.wav") == "plain.wav")
    }

    @Test func `a file keeps its ending unless it has none or a strange one`() {
        for (name, ending) in [
            ("take.FLAC", "flac"), ("take", "bin"), ("take.", "bin"), ("take.\u{FC}", "bin"), ("a.b-c", "bin"),
            ("a." + String(repeating: "x", count: 17), "bin"),
        ] { #expect(UploadName.ending(of: URL(fileURLWithPath: "/a/\(name)")) == ending, "\(name)") }
    }

    @Test func `uploads go that no song has needed for a day, and no others`() throws {
        let place = folder.file("deep/uploads")
        let (day, now) = (86_400.0, Date())
        for (name, age) in [
            ("old.wav", 2 * day), ("needed.wav", 2 * day), ("young.wav", day / 2), ("old.wav.part", 2 * day),
        ] {
            let path = place.appendingPathComponent(name).path
            try Data([1]).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.modificationDate: now.addingTimeInterval(-age)], ofItemAtPath: path)
        }
        #expect(store.removeUnused({ $0.hasPrefix("needed") }, now: now) == 2)
        let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
        #expect(Set(left) == ["needed.wav", "young.wav"])
    }
}
