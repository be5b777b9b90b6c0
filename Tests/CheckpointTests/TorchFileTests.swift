import Foundation
import Testing

@testable import Checkpoint

struct TorchFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A legacy file with one float storage `k` of six elements, 0 to 5.
    private func legacy(
        type: String = "FloatStorage", count: Int = 6, announced: Int? = nil, keys: [String] = ["k"],
        offset: Int = 0,
        shape: [Int] = [2, 3], strides: [Int] = [3, 1], view: (Int, Int)? = nil, tail: [UInt8] = []
    ) throws -> String {
        let object = PickleBuilder.build { builder in
            builder.model("module.w") {
                $0.tensor(
                    type, key: "k", count: count, offset: offset, shape: shape, strides: strides, view: view)
            }
        }
        let data = littleEndian((0..<6).map(Float.init))
        let file = PickleBuilder.legacyFile(
            object: object, storages: keys.map { ($0, announced ?? count, data) })
        return try folder.write(file + tail, "f.pth.tar")
    }

    @Test func `a legacy file is read, with module. stripped`() throws {
        let checkpoint = try Checkpoint.open(path: try legacy())
        #expect(checkpoint.format == .torch(.legacy))
        #expect(checkpoint.names == ["w"])
        #expect(checkpoint.tensors["w"]?.shape == [2, 3])
        #expect(try checkpoint.tensors["w"]?.floats() == [0, 1, 2, 3, 4, 5])
    }

    @Test func `offsets, transposes and views of a storage are honoured`() throws {
        func values(_ path: String) throws -> [Float]? {
            try Checkpoint.open(path: path).tensors["w"]?.floats()
        }
        #expect(try values(legacy(offset: 2, shape: [3], strides: [1])) == [2, 3, 4])
        #expect(try values(legacy(shape: [3, 2], strides: [1, 3])) == [0, 3, 1, 4, 2, 5])
        #expect(try values(legacy(offset: 1, shape: [2], strides: [1], view: (2, 3))) == [3, 4])
        expectError("tensor w") { _ = try values(legacy(offset: 2, shape: [2], strides: [1], view: (2, 3))) }
    }

    @Test func `a zip is read, with 64-bit sizes too`() throws {
        for isZip64 in [false, true] {
            let path = try folder.write(ZipBuilder.torchFile([1, 2, 3], isZip64: isZip64), "f.pth")
            let checkpoint = try Checkpoint.open(path: path)
            #expect(checkpoint.format == .torch(.zip))
            #expect(try checkpoint.tensors["w"]?.floats() == [1, 2, 3])
        }
    }

    @Test func `a file that is cut short says how long it should be`() throws {
        let path = try legacy()
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(truncate(path, size - 5) == 0)
        let error = checkpointError { _ = try Checkpoint.open(path: path) }
        #expect(error?.kind == .truncated)
        for text in [path, "\(size) bytes are expected", "has \(size - 5)", "key k"] {
            #expect(error?.description.contains(text) == true, "\(String(describing: error))")
        }
    }

    @Test func `what follows the data does not matter`() throws {
        #expect(try Checkpoint.open(path: try legacy(tail: [1, 2, 3])).names == ["w"])
    }

    @Test func `tables that disagree are refused`() throws {
        expectError("6 elements are expected, 5 are announced") {
            _ = try Checkpoint.open(path: try legacy(announced: 5))
        }
        expectError("nothing uses it") { _ = try Checkpoint.open(path: try legacy(keys: ["x"])) }
        expectError("not listed") { _ = try Checkpoint.open(path: try legacy(keys: [])) }
        expectError("twice") { _ = try Checkpoint.open(path: try legacy(keys: ["k", "k"])) }
        expectError("too large") {
            _ = try Checkpoint.open(
                path: try legacy(count: Int.max / 4, announced: Int.max / 4, keys: ["k", "k"]))
        }
        expectError("cut short") { _ = try Checkpoint.open(path: try legacy(count: 1 << 40)) }
        expectError("global torch.QInt8Storage") {
            _ = try Checkpoint.open(path: try legacy(type: "QInt8Storage"))
        }
    }

    @Test(arguments: [
        ([-2, -3], [3, 1], 0), ([.max, .max], [1, 1], 0), ([7], [1], 0), ([2, 3], [3, -1], 0),
        ([2], [.max], 0),
        ([2], [1], -1), ([2], [1], .max), ([1 << 32, 1 << 32], [0, 0], 0), ([3, 3], [1, 0], 0),
    ])
    func `shapes and strides that cannot be are refused`(shape: [Int], strides: [Int], offset: Int) throws {
        let path = try legacy(offset: offset, shape: shape, strides: strides)
        expectError(path, "tensor w") { _ = try Checkpoint.open(path: path) }
    }

    @Test func `a zip that torch did not write like this is refused with the reason`() throws {
        func open(_ bytes: [UInt8]) throws { _ = try Checkpoint.open(path: try folder.write(bytes, "f.pth")) }
        expectError("compressed (method 8)") {
            var zip = ZipBuilder(method: 8)
            zip.add("a/data.pkl", [1])
            try open(zip.finish())
        }
        expectError("byte order is \"big\"") { try open(ZipBuilder.torchFile([1], byteOrder: "big")) }
        expectError("no NAME/data.pkl", "readme") {
            var zip = ZipBuilder()
            zip.add("readme", [1])
            try open(zip.finish())
        }
        expectError("checksum") {
            var zip = ZipBuilder()
            zip.add("a/data.pkl", PickleBuilder.build { $0.emptyDictionary() }, crc: 1)
            try open(zip.finish())
        }
        expectError("no entry a/data/k") {
            var zip = ZipBuilder()
            zip.add(
                "a/data.pkl",
                PickleBuilder.build { builder in
                    builder.tensor(
                        "FloatStorage", key: "k", count: 1, shape: [1], strides: [1], isLegacy: false)
                })
            try open(zip.finish())
        }
        expectError("a/data/k has 3 bytes") {
            var zip = ZipBuilder()
            zip.add(
                "a/data.pkl",
                PickleBuilder.build { builder in
                    builder.tensor(
                        "FloatStorage", key: "k", count: 1, shape: [1], strides: [1], isLegacy: false)
                })
            zip.add("a/data/k", [1, 2, 3])
            try open(zip.finish())
        }
        expectError("a/x twice") {
            var zip = ZipBuilder()
            zip.add("a/x", [1])
            zip.add("a/x", [1])
            try open(zip.finish())
        }
        expectError("TorchScript") {
            var zip = ZipBuilder()
            zip.add("a/data.pkl", [1])
            zip.add("a/constants.pkl", [1])
            try open(zip.finish())
        }
    }

    @Test func `the checksum is that of zip`() {
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32.checksum($0) } == 0xCBF4_3926)
    }

    @Test func `files that are no checkpoints are recognised`() throws {
        var tar = [UInt8](repeating: 0, count: 512)
        tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
        for (content, fragment) in [
            (tar, "real tar archive"), ([0x1F, 0x8B, 8, 0], "gzip"),
            (Array("<!DOCTYPE html>".utf8), "web page"),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "git lfs pull"),
            ([0x80, 2, 0x7D, 0x2E], "pickle"), ([1, 2, 3], "unknown format"),
        ] {
            let path = try folder.write(content, "f.pth.tar")
            expectError(path, fragment) { _ = try Checkpoint.open(path: path) }
        }
    }

    @Test func `an object without weights says what it holds`() throws {
        for (object, fragment) in [
            (PickleBuilder.build { $0.int(3) }, "holds an integer"),
            (PickleBuilder.build { $0.emptyDictionary() }, "holds no weights"),
            (
                PickleBuilder.build { builder in
                    builder.emptyDictionary()
                    builder.string("model")
                    builder.int(3)
                    builder.op("s")
                }, "`model` is an integer"
            ),
            (
                PickleBuilder.build { builder in
                    builder.model("w") { $0.int(3) }
                }, "an integer under w"
            ),
        ] {
            let path = try folder.write(PickleBuilder.legacyFile(object: object, storages: []), "f.pth.tar")
            expectError(path, fragment) { _ = try Checkpoint.open(path: path) }
        }
    }

    @Test func `a pickle in a file that asks for a command is refused, not run`() throws {
        let witness = folder.file("witness")
        let object = PickleBuilder.build { builder in
            builder.global("os", "system")
            builder.string("touch \(witness)")
            builder.raw([0x85])
            builder.reduce()
        }
        let path = try folder.write(PickleBuilder.legacyFile(object: object, storages: []), "f.pth.tar")
        let error = checkpointError { _ = try Checkpoint.open(path: path) }
        #expect(error?.kind == .forbidden && error?.description.contains("os.system") == true)
        #expect(!FileManager.default.fileExists(atPath: witness))
    }

    @Test func `a twelve-gigabyte legacy file opens without touching its data`() throws {
        let count = 3_000_000_000
        let path = try legacy(count: count, shape: [count], strides: [1])
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(truncate(path, size - 24 + count * 4) == 0)
        let started = ContinuousClock.now
        let tensor = try #require(try Checkpoint.open(path: path).tensors["w"])
        #expect(ContinuousClock.now - started < .milliseconds(500))
        #expect(tensor.byteCount == 12_000_000_000)
        try tensor.withBytes { #expect($0[4..<8].elementsEqual(littleEndian([Float(1)]))) }
    }
}
