import Testing

@testable import Checkpoint

struct CodesFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `codes that are written are read again`() throws {
        let codes = [[[1, 2, 3, 4], [5, 6, 7, 8]], [[9], [2047]], [[], []]]
        let path = folder.file("codes.safetensors")
        try CodesFile.write(codes, to: path, metadata: ["seed": "7"])
        #expect(try CodesFile.read(path) == codes)
        let checkpoint = try Checkpoint.open(path: path)
        #expect(checkpoint.names.sorted() == ["z0", "z1", "z2"] && checkpoint.metadata["seed"] == "7")
        #expect(checkpoint.tensors["z0"]?.type == .int64 && checkpoint.tensors["z0"]?.shape == [2, 4])
    }

    @Test func `samples of different lengths or numbers cannot be written`() {
        let path = folder.file("codes.safetensors")
        expectError("level 0") { try CodesFile.write([[[1], [1, 2]]], to: path) }
        expectError("level 1") { try CodesFile.write([[[1], [1]], [[1]]], to: path) }
    }

    @Test func `levels that are left out are empty`() throws {
        let path = try write([("z2", .int64, [2, 1], littleEndian([Int64(4), 5]))])
        #expect(try CodesFile.read(path) == [[[], []], [[], []], [[4], [5]]])
    }

    @Test func `the original's data file is read, sliced tensors too`() throws {
        let object = PickleBuilder.build { builder in
            builder.emptyDictionary()
            builder.string("zs")
            builder.emptyList()
            builder.mark()
            builder.tensor("LongStorage", key: "a", count: 6, shape: [2, 2], strides: [3, 1])
            builder.tensor("LongStorage", key: "b", count: 2, shape: [2, 1], strides: [1, 1])
            builder.op("e")
            builder.op("s")
            builder.string("sampling_kwargs")
            builder.emptyDictionary()
            builder.op("s")
        }
        let a = littleEndian([Int64(1), 2, 99, 3, 4, 99])
        let file = PickleBuilder.legacyFile(
            object: object, storages: [("a", 6, a), ("b", 2, littleEndian([Int64(7), 8]))])
        let path = try folder.write(file, "data.pth.tar")
        #expect(try CodesFile.read(path) == [[[1, 2], [3, 4]], [[7], [8]]])
        expectError("holds no weights") { _ = try Checkpoint.open(path: path) }
    }

    @Test func `files that are no codes are refused`() throws {
        for (tensors, fragment) in [
            ([("z0", .float32, [1, 1], littleEndian([Float(1)]))], "integers"),
            ([("z0", .int64, [1], littleEndian([Int64(1)]))], "[samples, tokens]"),
            ([("z0", .int64, [1, 2], littleEndian([Int64(1), -3]))], "token 1 is -3"),
            ([("w", .int64, [1, 1], littleEndian([Int64(1)]))], "tensor w"),
            ([("z99", .int64, [1, 1], littleEndian([Int64(1)]))], "tensor z99"),
            (
                [
                    ("z0", .int64, [1, 1], littleEndian([Int64(1)])),
                    ("z1", .int64, [2, 1], littleEndian([Int64(1), 2])),
                ], "with 1 samples"
            ),
            ([("z0", .int64, [1 << 60, 0], [])], "samples"),
            ([], "no codes"),
        ] as [([(String, ElementType, [Int], [UInt8])], String)] {
            let path = try write(tensors)
            expectError(path, fragment) { _ = try CodesFile.read(path) }
        }
        let weights = Fixtures.path("no-lyrics/prior_level_0.pth.tar")
        expectError(weights, "zs") { _ = try CodesFile.read(weights) }
        expectError("unknown format") { _ = try CodesFile.read(try folder.write([1, 2, 3], "x")) }
    }

    private func write(_ tensors: [(String, ElementType, [Int], [UInt8])]) throws -> String {
        let path = folder.file("codes.safetensors")
        let writer = try SafetensorsWriter(
            path: path, entries: tensors.map { .init(name: $0.0, type: $0.1, shape: $0.2) })
        for (name, _, _, bytes) in tensors where !bytes.isEmpty { try writer.write(bytes, to: name) }
        try writer.finish()
        return path
    }
}
