/// Writes pickles opcode by opcode, harmless ones and others.
struct PickleBuilder {
    private(set) var bytes: [UInt8] = []

    static func build(_ body: (inout PickleBuilder) -> Void) -> [UInt8] {
        var builder = PickleBuilder()
        builder.raw([0x80, 2])
        body(&builder)
        builder.raw([0x2E])
        return builder.bytes
    }

    mutating func raw(_ more: [UInt8]) { bytes += more }
    mutating func op(_ character: Character) { bytes.append(character.asciiValue!) }
    mutating func mark() { op("(") }
    mutating func tuple() { op("t") }
    mutating func emptyTuple() { op(")") }
    mutating func emptyDictionary() { op("}") }
    mutating func emptyList() { op("]") }
    mutating func reduce() { op("R") }
    mutating func put(_ index: UInt8) { raw([0x71, index]) }
    mutating func get(_ index: UInt8) { raw([0x68, index]) }

    mutating func string(_ text: String) {
        let utf8 = Array(text.utf8)
        raw([0x58] + littleEndian([UInt32(utf8.count)]) + utf8)
    }

    mutating func int(_ value: Int) {
        if let small = Int32(exactly: value) {
            raw([0x4A] + littleEndian([small]))
        } else {
            raw([0x8A, 8] + littleEndian([Int64(value)]))
        }
    }

    mutating func global(_ module: String, _ name: String) { raw(Array("c\(module)\n\(name)\n".utf8)) }

    mutating func ints(_ values: [Int]) {
        mark()
        for value in values { int(value) }
        tuple()
    }

    mutating func storage(_ type: String, key: String, count: Int, view: (Int, Int)? = nil, isLegacy: Bool) {
        mark()
        string("storage")
        global("torch", type)
        string(key)
        string("cpu")
        int(count)
        if isLegacy {
            if let view {
                mark()
                string("view")
                int(view.0)
                int(view.1)
                tuple()
            } else {
                op("N")
            }
        }
        tuple()
        op("Q")
    }

    mutating func tensor(
        _ type: String, key: String, count: Int, offset: Int = 0, shape: [Int], strides: [Int],
        view: (Int, Int)? = nil, isLegacy: Bool = true
    ) {
        global("torch._utils", "_rebuild_tensor_v2")
        mark()
        storage(type, key: key, count: count, view: view, isLegacy: isLegacy)
        int(offset)
        ints(shape)
        ints(strides)
        raw([0x89])
        global("collections", "OrderedDict")
        emptyTuple()
        reduce()
        tuple()
        reduce()
    }

    /// `{"model": {name: tensor}}`
    mutating func model(_ name: String, _ tensor: (inout PickleBuilder) -> Void) {
        emptyDictionary()
        string("model")
        emptyDictionary()
        string(name)
        tensor(&self)
        op("s")
        op("s")
    }

    /// A whole legacy file around an object's pickle.
    static func legacyFile(object: [UInt8], storages: [(key: String, count: Int, bytes: [UInt8])]) -> [UInt8] {
        var file: [UInt8] = [
            0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        file += build { $0.int(1001) }
        file += build { builder in
            builder.emptyDictionary()
            builder.string("little_endian")
            builder.raw([0x88])
            builder.op("s")
        }
        file += object
        file += build { builder in
            builder.emptyList()
            builder.mark()
            for storage in storages { builder.string(storage.key) }
            builder.op("e")
        }
        for storage in storages { file += littleEndian([UInt64(storage.count)]) + storage.bytes }
        return file
    }
}
