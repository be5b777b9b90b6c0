/// Reads one pickle into plain values with an allow-list of opcodes and globals. It executes nothing.
///
/// Bounded against hostile input: values, string bytes and nesting have limits, and a structure that contains
/// itself is refused.
struct PickleMachine {
    /// Storages by key, as the pickle's persistent ids name them.
    private(set) var storages: [String: StorageRecord] = [:]
    /// Their keys in the order of first mention.
    private(set) var storageKeys: [String] = []

    private var reader: ByteReader
    /// Where `reader`'s bytes start in the file, for messages.
    private let origin: Int
    private var stack: [PickleValue] = []
    /// Heights of the stack at which MARK was met.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// Every list and dict made, so that a refused pickle's cycles can be taken apart.
    private var lists: [PickleList] = []
    private var dictionaries: [PickleDictionary] = []
    private var valueCount = 0
    private var textBytes = 0
    /// Where the opcode being read lies in the file.
    private var place = 0

    private static let valueLimit = 8_000_000
    private static let textLimit = 256_000_000
    private static let tupleDepthLimit = 64

    /// - Parameter origin: where `bytes` start in the file.
    private init(_ bytes: UnsafeRawBufferPointer, path: String, position: Int, origin: Int) {
        reader = ByteReader(bytes, path: path, position: position)
        self.origin = origin
    }

    /// A pickle's value, the storages it names, and the position behind it.
    struct Outcome {
        let value: PickleValue
        let storages: [String: StorageRecord]
        let storageKeys: [String]
        let end: Int
    }

    /// Reads the pickle that starts at `position` of `bytes`.
    static func read(
        _ bytes: UnsafeRawBufferPointer, path: String, position: Int = 0, origin: Int = 0
    ) throws -> Outcome {
        var machine = PickleMachine(bytes, path: path, position: position, origin: origin)
        do {
            let value = try machine.run()
            try PickleNesting.check(value, path: path)
            return Outcome(
                value: value, storages: machine.storages, storageKeys: machine.storageKeys,
                end: machine.reader.position)
        } catch {
            machine.takeApart()
            throw error
        }
    }

    /// Empties all containers one by one: no cycle keeps memory, and no long chain is freed by deep
    /// recursion.
    private mutating func takeApart() {
        stack = []
        memo = [:]
        for list in lists { list.removeAll() }
        for dictionary in dictionaries { dictionary.removeAll() }
    }

    private func wrong(_ problem: String) -> CheckpointError { wrong(.malformed, problem) }

    private func wrong(_ kind: CheckpointError.Kind, _ problem: String) -> CheckpointError {
        CheckpointError(kind, reader.path, "pickle at byte \(place): \(problem)")
    }

    // MARK: The loop

    private mutating func run() throws -> PickleValue {
        while true {
            place = origin + reader.position
            let byte = try reader.integer(UInt8.self, "a pickle")
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw wrong(
                    .forbidden,
                    "opcode \(PickleOpcode.name(byte)) (0x\(String(byte, radix: 16))) is not allowed; only "
                        + "plain tensor files are read. If you trust the file, save its tensors as "
                        + "safetensors with Python"
                )
            }
            if opcode == .stop { return try pop() }
            try step(opcode)
        }
    }

    private mutating func step(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .proto: try readProtocol()
        case .stop: break
        case .mark: marks.append(stack.count)
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binInt: try push(.int(Int(try reader.integer(Int32.self, "BININT"))))
        case .binInt1: try push(.int(Int(try reader.integer(UInt8.self, "BININT1"))))
        case .binInt2: try push(.int(Int(try reader.integer(UInt16.self, "BININT2"))))
        case .long1: try readLong()
        case .binFloat: try readFloat()
        case .binUnicode: try push(.string(try text(Int(try reader.integer(UInt32.self, "BINUNICODE")))))
        case .shortBinString: try readByteString()
        case .emptyList, .append, .appends: try stepList(opcode)
        case .emptyDictionary, .setItem, .setItems: try stepDictionary(opcode)
        case .emptyTuple: try pushTuple([])
        case .tuple: try pushTuple(try popToMark())
        case .tuple1: try pushTuple(try pop(1))
        case .tuple2: try pushTuple(try pop(2))
        case .tuple3: try pushTuple(try pop(3))
        case .binGet: try get(Int(try reader.integer(UInt8.self, "BINGET")))
        case .longBinGet: try get(Int(try reader.integer(UInt32.self, "LONG_BINGET")))
        case .binPut: try put(Int(try reader.integer(UInt8.self, "BINPUT")))
        case .longBinPut: try put(Int(try reader.integer(UInt32.self, "LONG_BINPUT")))
        case .global: try readGlobal()
        case .binPersistentID: try readPersistentID()
        case .reduce, .newObject: try call()
        case .build: try build()
        }
    }

    // MARK: Stack and memo

    private mutating func push(_ value: PickleValue) throws {
        valueCount += 1
        guard valueCount <= Self.valueLimit else { throw wrong("more than \(Self.valueLimit) values") }
        stack.append(value)
    }

    private mutating func pop() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw wrong("takes a value that is not there")
        }
        return value
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw wrong("takes a value that is not there") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw wrong("closes a group that was not opened") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    private func top() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw wrong("uses a value that is not there")
        }
        return value
    }

    private mutating func get(_ index: Int) throws {
        guard let value = memo[index] else { throw wrong("uses memo \(index), which was never set") }
        try push(value)
    }

    private mutating func put(_ index: Int) throws {
        memo[index] = try top()
    }

    private mutating func pushTuple(_ elements: [PickleValue]) throws {
        let tuple = PickleTuple(elements)
        guard tuple.depth <= Self.tupleDepthLimit else {
            throw wrong("tuples are nested deeper than \(Self.tupleDepthLimit)")
        }
        try push(.tuple(tuple))
    }

    // MARK: Numbers and texts

    private mutating func readProtocol() throws {
        let version = try reader.integer(UInt8.self, "PROTO")
        guard version <= 5 else { throw wrong("pickle protocol \(version) does not exist") }
    }

    private mutating func readLong() throws {
        let count = Int(try reader.integer(UInt8.self, "LONG1"))
        let bytes = try reader.take(count, "LONG1")
        guard count <= 8 else { return try push(.bigInteger(Array(bytes))) }
        var number: UInt64 = 0
        for byte in bytes.reversed() { number = number << 8 | UInt64(byte) }
        if count > 0, count < 8, bytes[count - 1] & 0x80 != 0 { number |= ~0 << (8 * UInt64(count)) }
        try push(.int(Int(truncatingIfNeeded: number)))
    }

    private mutating func readFloat() throws {
        // The one big-endian number in a pickle.
        let bits = try reader.integer(UInt64.self, "BINFLOAT").byteSwapped
        try push(.float(Double(bitPattern: bits)))
    }

    private mutating func text(_ count: Int) throws -> String {
        let bytes = try textSpan(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw wrong("a string is not valid UTF-8")
        }
        return text
    }

    private mutating func readByteString() throws {
        let bytes = try textSpan(Int(try reader.integer(UInt8.self, "SHORT_BINSTRING")))
        if let text = String(validating: bytes, as: UTF8.self) {
            try push(.string(text))
        } else {
            try push(.bytes(Array(bytes)))
        }
    }

    private mutating func textSpan(_ count: Int) throws -> UnsafeRawBufferPointer {
        let bytes = try reader.take(count, "a string")
        textBytes += count
        guard textBytes <= Self.textLimit else { throw wrong("more than \(Self.textLimit) bytes of strings") }
        return bytes
    }

    // MARK: Lists and dicts

    private mutating func stepList(_ opcode: PickleOpcode) throws {
        if opcode == .emptyList {
            let list = PickleList()
            lists.append(list)
            return try push(.list(list))
        }
        let values = opcode == .append ? [try pop()] : try popToMark()
        guard case .list(let list) = try top() else { throw wrong("appends to \(try top().kindName)") }
        for value in values { list.append(value) }
    }

    private mutating func stepDictionary(_ opcode: PickleOpcode) throws {
        if opcode == .emptyDictionary { return try pushDictionary([]) }
        let values = opcode == .setItem ? try pop(2) : try popToMark()
        guard values.count.isMultiple(of: 2) else { throw wrong("a dict is given a key without a value") }
        guard case .dictionary(let dictionary) = try top() else {
            throw wrong("sets an item of \(try top().kindName)")
        }
        for index in stride(from: 0, to: values.count, by: 2) {
            dictionary.set(values[index], values[index + 1])
        }
    }

    private mutating func pushDictionary(_ pairs: [(PickleValue, PickleValue)]) throws {
        let dictionary = PickleDictionary()
        dictionaries.append(dictionary)
        for (key, value) in pairs { dictionary.set(key, value) }
        try push(.dictionary(dictionary))
    }

    // MARK: Globals and what stands for calling them

    private mutating func readGlobal() throws {
        let module = String(decoding: try reader.line("GLOBAL"), as: UTF8.self)
        let member = String(decoding: try reader.line("GLOBAL"), as: UTF8.self)
        let name = "\(module).\(member)"
        guard PickleGlobal(name) != nil else {
            throw wrong(
                .forbidden,
                "global \(name) is not allowed; only plain tensor files are read, and nothing in them is "
                    + "executed. If you trust the file, save its tensors as safetensors with Python")
        }
        try push(.global(name))
    }

    private mutating func call() throws {
        let operands = try pop(2)
        guard case .global(let name) = operands[0], let global = PickleGlobal(name),
            case .tuple(let arguments) = operands[1]
        else { throw wrong("calls \(operands[0].kindName) with \(operands[1].kindName)") }
        let values = arguments.elements
        switch global {
        case .orderedDictionary: try callOrderedDictionary(values)
        case .rebuildTensor: try push(.tensor(try rebuiltTensor(values, name)))
        case .rebuildParameter:
            guard case .tensor? = values.first else { throw wrong("\(name) is called without a tensor") }
            try push(values[0])
        case .size:
            guard values.count == 1, let sizes = values[0].elements else {
                throw wrong("\(name) is called wrongly")
            }
            try pushTuple(sizes)
        case .storageClass: throw wrong(.forbidden, "calls \(name), which is only read as a type")
        case .inert: try push(.opaque(name))
        }
    }

    private mutating func callOrderedDictionary(_ arguments: [PickleValue]) throws {
        guard arguments.count <= 1, let items = arguments.isEmpty ? [] : arguments[0].elements else {
            throw wrong("OrderedDict is called wrongly")
        }
        try pushDictionary(
            try items.map { item in
                guard let pair = item.elements, pair.count == 2 else {
                    throw wrong("OrderedDict is called wrongly")
                }
                return (pair[0], pair[1])
            })
    }

    private func rebuiltTensor(_ arguments: [PickleValue], _ name: String) throws -> TensorRecord {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0],
            let offset = arguments[1].intValue,
            let shape = integers(arguments[2]), let strides = integers(arguments[3]),
            shape.count == strides.count
        else { throw wrong("\(name) is called wrongly") }
        return TensorRecord(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard let elements = value.elements else { return nil }
        let numbers = elements.compactMap(\.intValue)
        return numbers.count == elements.count ? numbers : nil
    }

    /// BUILD sets attributes of an object. Those of an OrderedDict (`_metadata`) and of inert objects are
    /// dropped.
    private mutating func build() throws {
        _ = try pop()
        switch try top() {
        case .dictionary, .opaque: break
        case let other: throw wrong(.forbidden, "sets attributes of \(other.kindName)")
        }
    }

    // MARK: Storages

    /// A persistent id: ('storage', class, key, location, number of elements), and in legacy files a sixth
    /// entry, None or (key of the view, offset, number of elements).
    private mutating func readPersistentID() throws {
        guard let id = try pop().elements, id.count == 5 || id.count == 6, id[0].stringValue == "storage",
            case .global(let className) = id[1], case .storageClass(let type)? = PickleGlobal(className),
            let key = id[2].stringValue ?? id[2].intValue.map(String.init), let count = id[4].intValue
        else { throw wrong("a persistent id is not that of a storage") }
        guard count >= 0, checkedProduct([count, type.size]) != nil else {
            throw wrong("storage \(key) claims \(count) elements")
        }
        var window = 0..<count
        if id.count == 6, case .tuple(let view) = id[5] {
            guard view.elements.count == 3, let start = view.elements[1].intValue,
                let size = view.elements[2].intValue, start >= 0, size >= 0, start <= count,
                size <= count - start
            else { throw wrong("storage \(key) is a view outside of its \(count) elements") }
            window = start..<(start + size)
        }
        if let known = storages[key] {
            guard known.type == type, known.count == count else {
                throw wrong("storage \(key) is described in two ways")
            }
            // Most mentions are equal, and sharing the record keeps one a storage instead of one a tensor.
            if known.window == window { return try push(.storage(known)) }
        } else {
            storages[key] = StorageRecord(key: key, type: type, count: count, window: 0..<count)
            storageKeys.append(key)
        }
        try push(.storage(StorageRecord(key: key, type: type, count: count, window: window)))
    }
}
