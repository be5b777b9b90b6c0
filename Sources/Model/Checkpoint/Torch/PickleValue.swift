/// What a pickle describes, as plain data. Nothing in it was executed.
package enum PickleValue: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer that does not fit `Int`: little-endian two's complement.
    case bigInteger([UInt8])
    case float(Double)
    case string(String)
    /// A Python 2 string that is not UTF-8.
    case bytes([UInt8])
    case list(PickleList)
    case tuple(PickleTuple)
    case dictionary(PickleDictionary)
    case storage(StorageRecord)
    case tensor(TensorRecord)
    /// A class or function by name, such as `torch.FloatStorage`.
    case global(String)
    /// An object that is known to be harmless and is not interpreted, by the name of its maker (numpy's).
    case opaque(String)
}

/// A Python list. It changes only while the pickle is read.
// Unchecked: written by the machine that made it alone, before anyone else can see it.
package final class PickleList: @unchecked Sendable {
    package fileprivate(set) var elements: [PickleValue] = []

    func append(_ value: PickleValue) { elements.append(value) }
    func removeAll() { elements = [] }
}

/// A Python tuple.
package final class PickleTuple: Sendable {
    package let elements: [PickleValue]
    /// How deep tuples are nested in it, itself included.
    let depth: Int

    init(_ elements: [PickleValue]) {
        self.elements = elements
        depth =
            1 + (elements.lazy.map { if case .tuple(let inner) = $0 { inner.depth } else { 0 } }.max() ?? 0)
    }
}

/// A Python dict or OrderedDict, in order of insertion. It changes only while the pickle is read.
// Unchecked: written by the machine that made it alone, before anyone else can see it.
package final class PickleDictionary: @unchecked Sendable {
    package fileprivate(set) var pairs: [(key: PickleValue, value: PickleValue)] = []
    private var positions: [String: Int] = [:]

    /// The value under a string key.
    package subscript(key: String) -> PickleValue? { positions[key].map { pairs[$0].value } }

    /// The string keys, in order.
    package var names: [String] {
        pairs.compactMap { if case .string(let name) = $0.key { name } else { nil } }
    }

    func set(_ key: PickleValue, _ value: PickleValue) {
        if case .string(let name) = key {
            if let position = positions[name] {
                pairs[position].value = value
                return
            }
            positions[name] = pairs.count
        }
        pairs.append((key, value))
    }

    func removeAll() {
        pairs = []
        positions = [:]
    }
}

/// A block of elements that tensors view, as a pickle names it.
package final class StorageRecord: Sendable {
    /// The name of the data, unique in its file.
    package let key: String
    package let type: ElementType
    /// Elements of the whole data.
    package let count: Int
    /// The part of the data that this storage covers; all of it, unless the file says otherwise.
    package let window: Range<Int>

    init(key: String, type: ElementType, count: Int, window: Range<Int>) {
        self.key = key
        self.type = type
        self.count = count
        self.window = window
    }
}

/// A tensor as a pickle describes it: a storage and a view of it. Its numbers are not checked yet.
package final class TensorRecord: Sendable {
    package let storage: StorageRecord
    /// The first element, counted in the storage.
    package let offset: Int
    package let shape: [Int]
    /// Steps in elements, one a dimension.
    package let strides: [Int]

    init(storage: StorageRecord, offset: Int, shape: [Int], strides: [Int]) {
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
    }
}

extension PickleValue {
    package var dictionaryValue: PickleDictionary? {
        if case .dictionary(let value) = self { value } else { nil }
    }

    package var intValue: Int? {
        if case .int(let value) = self { value } else { nil }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of a list or a tuple.
    package var elements: [PickleValue]? {
        switch self {
        case .list(let list): list.elements
        case .tuple(let tuple): tuple.elements
        default: nil
        }
    }

    /// What it is, for messages.
    var kindName: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .int, .bigInteger: "an integer"
        case .float: "a float"
        case .string: "a string"
        case .bytes: "bytes"
        case .list: "a list"
        case .tuple: "a tuple"
        case .dictionary: "a dict"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .global(let name): "the global \(name)"
        case .opaque(let name): "an object of \(name)"
        }
    }
}
