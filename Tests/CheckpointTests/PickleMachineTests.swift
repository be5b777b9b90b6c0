import Testing

@testable import Checkpoint

struct PickleMachineTests {
    private func read(_ body: (inout PickleBuilder) -> Void) throws -> PickleValue {
        try PickleBuilder.build(body).withUnsafeBytes { try PickleMachine.read($0, path: "p").value }
    }

    @Test func `numbers of all widths are read`() throws {
        #expect(try read { $0.raw([0x4B, 200]) }.intValue == 200)
        #expect(try read { $0.raw([0x4D, 0xE9, 3]) }.intValue == 1001)
        #expect(try read { $0.int(-5) }.intValue == -5)
        #expect(try read { $0.raw([0x8A, 0]) }.intValue == 0)
        #expect(try read { $0.raw([0x8A, 1, 0xFF]) }.intValue == -1)
        #expect(try read { $0.raw([0x8A, 2, 0xFF, 0]) }.intValue == 255)
        #expect(try read { $0.int(.min) }.intValue == .min)
        if case .bigInteger(let bytes) = try read({ $0.raw([0x8A, 9] + [UInt8](repeating: 1, count: 9)) }) {
            #expect(bytes.count == 9)
        } else {
            Issue.record("a nine-byte integer is kept as bytes")
        }
        if case .float(let value) = try read({ $0.raw([0x47, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]) }) {
            #expect(value == 1.5)
        } else {
            Issue.record("no float")
        }
    }

    @Test func `a list keeps its identity through the memo`() throws {
        let elements = try #require(
            try read { builder in
                builder.mark()
                builder.emptyList()
                builder.put(0)
                builder.get(0)
                builder.int(5)
                builder.op("a")
                builder.tuple()
            }.elements)
        #expect(elements.map { $0.elements?.first?.intValue } == [5, 5])
    }

    @Test func `a dict keeps the last value of a key and the order of the first`() throws {
        let dictionary = try #require(
            try read { builder in
                builder.emptyDictionary()
                builder.mark()
                for (name, number) in [("b", 1), ("a", 2), ("b", 3)] {
                    builder.string(name)
                    builder.int(number)
                }
                builder.op("u")
            }.dictionaryValue)
        #expect(dictionary.names == ["b", "a"])
        #expect(dictionary["b"]?.intValue == 3)
    }

    @Test func `an ordered dict takes its attributes without looking at them`() throws {
        let value = try read { builder in
            builder.global("collections", "OrderedDict")
            builder.emptyTuple()
            builder.reduce()
            builder.string("a")
            builder.int(1)
            builder.op("s")
            builder.emptyDictionary()
            builder.op("b")
        }
        #expect(value.dictionaryValue?["a"]?.intValue == 1)
    }

    @Test func `numpy objects are inert`() throws {
        let value = try read { builder in
            builder.global("numpy.core.multiarray", "scalar")
            builder.mark()
            builder.global("numpy", "dtype")
            builder.mark()
            builder.string("f8")
            builder.tuple()
            builder.reduce()
            builder.emptyTuple()
            builder.op("b")
            builder.string("data")
            builder.tuple()
            builder.reduce()
        }
        if case .opaque(let name) = value {
            #expect(name == "numpy.core.multiarray.scalar")
        } else {
            Issue.record("\(value)")
        }
    }

    @Test(arguments: [
        ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch", "FloatStorage.from_file"),
        ("torch.storage", "_load_from_bytes"), ("collections", "OrderedDict.fromkeys"), ("", ""),
    ])
    func `a global that is not on the list is named in the error`(module: String, name: String) {
        expectError("byte 2", "global \(module).\(name)", "not allowed") {
            _ = try read { builder in
                builder.global(module, name)
                builder.string("rm -rf /")
                builder.raw([0x85])
                builder.reduce()
            }
        }
    }

    @Test(
        arguments: [
            (0x69, "INST"), (0x82, "EXT1"), (0x95, "FRAME"), (0x93, "STACK_GLOBAL"), (0x6F, "OBJ"),
            (0x94, "MEMOIZE"),
            (0x50, "PERSID"), (0x56, "UNICODE"), (0x8B, "LONG4"), (0x92, "NEWOBJ_EX"), (0x32, "DUP"),
            (0xFF, "unknown"),
        ] as [(UInt8, String)])
    func `an opcode that is not on the list is named in the error`(byte: UInt8, name: String) {
        let error = checkpointError { _ = try read { $0.raw([byte]) } }
        #expect(error?.kind == .forbidden)
        #expect(
            error?.description.contains("pickle at byte 2: opcode \(name)") == true,
            "\(String(describing: error))")
    }

    @Test func `a storage class cannot be called`() {
        expectError("torch.FloatStorage") {
            _ = try read { builder in
                builder.global("torch", "FloatStorage")
                builder.emptyTuple()
                builder.reduce()
            }
        }
    }

    @Test func `a missing value or mark is an error, never a trap`() {
        for byte in "Rbasuet\u{2E}Q".utf8 {
            expectError("pickle at byte 2") { _ = try read { $0.raw([byte]) } }
        }
        for byte: UInt8 in [0x85, 0x86, 0x87, 0x81] {
            expectError("byte 2") { _ = try read { $0.raw([byte]) } }
        }
        expectError("memo 7") { _ = try read { $0.get(7) } }
        expectError("uses a value") { _ = try read { $0.put(7) } }
        // What lies below a mark cannot be reached.
        expectError("takes a value") {
            _ = try read { builder in
                builder.emptyList()
                builder.mark()
                builder.op("a")
            }
        }
    }

    @Test func `a value that contains itself is refused`() {
        expectError("contains itself") {
            _ = try read { builder in
                builder.emptyList()
                builder.put(0)
                builder.get(0)
                builder.op("a")
            }
        }
        expectError("contains itself") {
            _ = try read { builder in
                builder.emptyDictionary()
                builder.put(0)
                builder.string("x")
                builder.get(0)
                builder.raw([0x85])
                builder.op("s")
            }
        }
    }

    @Test func `deep nesting is refused without a deep recursion`() {
        let depth = 50_000
        expectError("nested deeper") {
            _ = try read { $0.raw([0x29] + [UInt8](repeating: 0x85, count: depth)) }
        }
        expectError("nested deeper") {
            _ = try read { builder in
                for _ in 0..<depth { builder.emptyList() }
                for _ in 1..<depth { builder.op("a") }
            }
        }
        // Built from the outside in: each new list is appended to the one before it, which is already inside
        // another.
        expectError("nested deeper") {
            _ = try read { builder in
                builder.emptyList()
                builder.put(0)
                builder.put(1)
                for _ in 0..<depth {
                    builder.get(1)
                    builder.emptyList()
                    builder.put(1)
                    builder.op("a")
                }
                builder.mark()
                builder.get(0)
                builder.tuple()
            }
        }
    }

    @Test func `sharing that would unfold without end stays small`() throws {
        let value = try read { builder in
            builder.emptyTuple()
            for _ in 0..<60 {
                builder.put(0)
                builder.get(0)
                builder.raw([0x86])
            }
        }
        #expect(value.elements?.count == 2)
    }

    @Test func `strings that lie about their length or are not UTF-8 are refused`() {
        expectError("a string") { _ = try read { $0.raw([0x58, 0xFF, 0xFF, 0xFF, 0xFF]) } }
        expectError("UTF-8") { _ = try read { $0.raw([0x58, 1, 0, 0, 0, 0xFF]) } }
    }

    @Test func `persistent ids that are no storages are refused`() {
        expectError("persistent id") {
            _ = try read { builder in
                builder.string("x")
                builder.op("Q")
            }
        }
        for count in [-1, Int.max] {
            expectError("storage k claims") {
                _ = try read { $0.storage("FloatStorage", key: "k", count: count, isLegacy: true) }
            }
        }
        for view in [(0, 5), (5, 0), (-1, 2), (2, .max)] {
            expectError("is a view outside") {
                _ = try read { $0.storage("FloatStorage", key: "k", count: 4, view: view, isLegacy: true) }
            }
        }
        expectError("two ways") {
            _ = try read { builder in
                builder.storage("FloatStorage", key: "k", count: 4, isLegacy: true)
                builder.storage("HalfStorage", key: "k", count: 4, isLegacy: true)
                builder.raw([0x86])
            }
        }
    }
}
