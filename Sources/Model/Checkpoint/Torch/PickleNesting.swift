/// Refuses values that contain themselves or are nested too deeply, before anyone walks or frees them.
struct PickleNesting {
    /// Deeper than any real checkpoint; far from what the recursion here, or freeing the value, could not
    /// take.
    private static let limit = 200

    /// Containers already walked, and how deep each goes; nil while it is being walked.
    private var heights: [ObjectIdentifier: Int?] = [:]
    private let path: String

    static func check(_ value: PickleValue, path: String) throws {
        var nesting = PickleNesting(path: path)
        _ = try nesting.height(value, depth: 0)
    }

    private init(path: String) { self.path = path }

    private mutating func height(_ value: PickleValue, depth: Int) throws -> Int {
        let identity: ObjectIdentifier
        switch value {
        case .list(let list): identity = ObjectIdentifier(list)
        case .tuple(let tuple): identity = ObjectIdentifier(tuple)
        case .dictionary(let dictionary): identity = ObjectIdentifier(dictionary)
        case .none, .bool, .int, .bigInteger, .float, .string, .bytes, .storage, .tensor, .global, .opaque:
            return 0
        }
        if let known = heights[identity] {
            guard let height = known else {
                throw CheckpointError(.malformed, path, "the pickle holds a value that contains itself")
            }
            try checkDepth(depth + height)
            return height
        }
        try checkDepth(depth)
        heights.updateValue(nil, forKey: identity)
        var tallest = 0
        switch value {
        case .dictionary(let dictionary):
            for (key, member) in dictionary.pairs {
                tallest = max(
                    tallest, try height(key, depth: depth + 1), try height(member, depth: depth + 1))
            }
        default:
            for element in value.elements ?? [] {
                tallest = max(tallest, try height(element, depth: depth + 1))
            }
        }
        heights.updateValue(tallest + 1, forKey: identity)
        return tallest + 1
    }

    private func checkDepth(_ depth: Int) throws {
        guard depth <= Self.limit else {
            throw CheckpointError(
                .malformed, path, "the pickle's values are nested deeper than \(Self.limit)")
        }
    }
}
