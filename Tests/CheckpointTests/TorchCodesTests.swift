import Testing

@testable import Checkpoint

/// What people save codes as besides the original's data file.
struct TorchCodesTests {
    private let folder: TemporaryFolder
    private let codes = [[[1, 2, 3, 4]], [[5, 6]], [[7]]]

    init() throws { folder = try TemporaryFolder() }

    private func tensor(
        _ builder: inout PickleBuilder, _ level: Int, type: String = "LongStorage", flat: Bool = false
    ) {
        let count = codes[level][0].count
        builder.tensor(
            type, key: "\(level)", count: count, shape: flat ? [count] : [1, count], strides: flat ? [1] : [count, 1])
    }

    /// A legacy file of an object that uses the storages of some levels.
    private func file(
        levels: [Int] = [0, 1, 2], isInt32: Bool = false, _ body: (inout PickleBuilder) -> Void
    ) throws -> String {
        let storages = levels.map { level in
            let row = codes[level][0]
            return (
                key: "\(level)", count: row.count,
                bytes: isInt32 ? littleEndian(row.map(Int32.init)) : littleEndian(row.map(Int64.init))
            )
        }
        return try folder.write(
            PickleBuilder.legacyFile(object: PickleBuilder.build(body), storages: storages), "codes.z")
    }

    private func list(
        _ builder: inout PickleBuilder, type: String = "LongStorage", flat: Bool = false
    ) {
        builder.emptyList()
        builder.mark()
        for level in codes.indices { tensor(&builder, level, type: type, flat: flat) }
        builder.op("e")
    }

    @Test func `a list of tensors is the levels, level 0 first`() throws {
        #expect(try CodesFile.read(file { list(&$0) }) == codes)
        #expect(try CodesFile.read(file(isInt32: true) { list(&$0, type: "IntStorage") }) == codes)
        #expect(try CodesFile.read(file { list(&$0, flat: true) }) == codes)
    }

    @Test func `a tuple, and a dict of the levels by name, are the same`() throws {
        let tuple = try file { builder in
            builder.mark()
            for level in codes.indices { tensor(&builder, level) }
            builder.tuple()
        }
        #expect(try CodesFile.read(tuple) == codes)
        let named = try file { builder in
            builder.emptyDictionary()
            for level in codes.indices {
                builder.string("z\(level)")
                tensor(&builder, level)
                builder.op("s")
            }
        }
        #expect(try CodesFile.read(named) == codes)
    }

    @Test func `levels that were not sampled may be None or empty tensors of any type`() throws {
        let path = try file(levels: [2]) { builder in
            builder.emptyList()
            builder.mark()
            builder.op("N")
            builder.op("N")
            tensor(&builder, 2)
            builder.op("e")
        }
        #expect(try CodesFile.read(path) == [[[]], [[]], [[7]]])
        let object = PickleBuilder.build { builder in
            builder.emptyList()
            builder.mark()
            builder.tensor("FloatStorage", key: "e", count: 0, shape: [1, 0], strides: [1, 1])
            builder.tensor("FloatStorage", key: "e", count: 0, shape: [0], strides: [1])
            tensor(&builder, 2)
            builder.op("e")
        }
        let empty = PickleBuilder.legacyFile(
            object: object, storages: [("e", 0, []), ("2", 1, littleEndian([Int64(7)]))])
        #expect(try CodesFile.read(folder.write(empty, "empty.z")) == [[[]], [[]], [[7]]])
    }

    @Test func `a tensor alone is the top level of a model whose levels are known`() throws {
        let path = try file(levels: [2]) { tensor(&$0, 2) }
        #expect(try CodesFile.read(path, levels: 3) == [[[]], [[]], [[7]]])
        expectError("one tensor", "level 0 first") { _ = try CodesFile.read(path) }
    }

    @Test func `what is no list of tensors says what is expected`() throws {
        expectError("zs[0] is a string", "[samples, tokens]") {
            _ = try CodesFile.read(
                file(levels: []) { builder in
                    builder.emptyList()
                    builder.string("x")
                    builder.op("a")
                })
        }
        expectError("holds a string", "level 0 first") { _ = try CodesFile.read(file(levels: []) { $0.string("x") }) }
        expectError("no codes") { _ = try CodesFile.read(file(levels: []) { $0.emptyList() }) }
        expectError("entries a", "zs") {
            _ = try CodesFile.read(
                file(levels: []) { builder in
                    builder.emptyDictionary()
                    builder.string("a")
                    builder.int(1)
                    builder.op("s")
                })
        }
    }
}
