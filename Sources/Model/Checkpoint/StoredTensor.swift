import Foundation

/// A tensor that lies in a file: a name, an element type, a shape, and where the bytes are; they are read when they are used.
///
/// Contiguous tensors (all of a published checkpoint) are read where they lie, row-major. A view with other
/// strides, such as a transposed matrix or a slice of saved codes, is put in order each time it is read.
package struct StoredTensor: Sendable {
    package let name: String
    package let type: ElementType
    /// Sizes of the dimensions, outermost first; empty for a scalar.
    package let shape: [Int]
    /// Number of elements: the product of `shape`.
    package let count: Int
    /// The mapping that holds the bytes; kept alive by this value.
    package let file: MappedFile

    /// Where element [0, 0, …] lies in the file, in bytes.
    private let start: Int
    /// Steps in elements for each dimension; nil when row-major and without gaps.
    private let strides: [Int]?

    /// Bytes the elements take in row-major order.
    package var byteCount: Int { count * type.size }
    package var path: String { file.path }
    package var isContiguous: Bool { strides == nil }

    /// Where the row-major bytes lie in ``file``; nil for a view that must be put in order first.
    ///
    /// Torch's legacy files and safetensors do not align data: the range may start at any byte.
    package var byteRange: Range<Int>? { isContiguous ? start..<(start + byteCount) : nil }

    /// A view of `storageCount` elements that start at byte `storageStart` of the file.
    ///
    /// - Parameters:
    ///   - offset: the view's first element, counted from the storage's start.
    ///   - strides: steps in elements, one a dimension; nil means row-major.
    /// - Throws: `CheckpointError` naming the tensor if any element lies outside of storage or file, if a
    ///   size is negative or overflows, or if the view repeats elements.
    package init(
        name: String, type: ElementType, shape: [Int], strides: [Int]? = nil, offset: Int = 0,
        file: MappedFile, storageStart: Int, storageCount: Int
    ) throws {
        func wrong(_ problem: String) -> CheckpointError {
            CheckpointError(.malformed, file.path, "tensor \(name) of shape \(shape): \(problem)")
        }
        guard let count = checkedProduct(shape), checkedProduct([count, type.size]) != nil else {
            throw wrong("its sizes are negative or their product is too large")
        }
        guard let storageBytes = checkedProduct([storageCount, type.size]), storageStart >= 0,
            let storageEnd = checkedSum(storageStart, storageBytes), storageEnd <= file.size
        else {
            throw wrong(
                "its storage of \(storageCount) elements does not lie inside the file's \(file.size) bytes")
        }
        guard offset >= 0, count <= storageCount else {
            throw wrong("it has \(count) elements at offset \(offset), its storage has \(storageCount)")
        }
        let steps =
            try strides ?? StoredTensor.rowMajorStrides(shape) ?? { throw wrong("strides overflow") }()
        if count > 0 {
            guard let last = StoredTensor.lastIndex(shape, steps, offset), last < storageCount else {
                throw wrong(
                    "with strides \(steps) and offset \(offset) it reaches past its storage of "
                        + "\(storageCount) elements"
                )
            }
        }
        self.name = name
        self.type = type
        self.shape = shape
        self.count = count
        self.file = file
        self.start = count > 0 ? storageStart + offset * type.size : storageStart
        // A dimension of size 1 may come with any stride; it is never stepped along.
        self.strides =
            StoredTensor.isRowMajor(shape, steps) ? nil : zip(shape, steps).map { $0 == 1 ? 0 : $1 }
    }

    private init(renaming other: StoredTensor, to name: String) {
        self.name = name
        (type, shape, count, file) = (other.type, other.shape, other.count, other.file)
        (start, strides) = (other.start, other.strides)
    }

    /// The same tensor under another name.
    package func renamed(_ name: String) -> StoredTensor { StoredTensor(renaming: self, to: name) }

    /// Calls `body` with the elements' bytes in row-major order, as the file has them now: in memory that lives as long as
    /// the call, and that nobody else changes.
    ///
    /// - Throws: `CheckpointError` when the file cannot be read or has become shorter; what `body` throws.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let strides else { return try file.withCopy(of: start..<(start + byteCount), body) }
        let last = StoredTensor.lastIndex(shape, strides, 0) ?? 0
        return try file.withCopy(of: start..<(start + (last + 1) * type.size)) { bytes in
            try gathered(strides, bytes).withUnsafeBytes(body)
        }
    }

    /// The elements of a strided view in row-major order.
    ///
    /// - Parameter bytes: from its first element on.
    private func gathered(_ strides: [Int], _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let size = type.size
        let (rank, total) = (shape.count, byteCount)
        return [UInt8](unsafeUninitializedCapacity: total) { target, initialized in
            var index = [Int](repeating: 0, count: rank)
            var source = bytes.baseAddress!
            var written = 0
            while written < total {
                memcpy(target.baseAddress! + written, source, size)
                written += size
                var dimension = rank - 1
                while dimension >= 0 {
                    index[dimension] += 1
                    source += strides[dimension] * size
                    if index[dimension] < shape[dimension] { break }
                    source -= strides[dimension] * size * shape[dimension]
                    index[dimension] = 0
                    dimension -= 1
                }
            }
            initialized = total
        }
    }

    private static func rowMajorStrides(_ shape: [Int]) -> [Int]? {
        var strides = [Int](repeating: 1, count: shape.count)
        for dimension in shape.indices.dropLast().reversed() {
            guard let step = checkedProduct([strides[dimension + 1], max(shape[dimension + 1], 1)]) else {
                return nil
            }
            strides[dimension] = step
        }
        return strides
    }

    /// The largest element index that the view touches, or nil when it is negative or leaves `Int`.
    private static func lastIndex(_ shape: [Int], _ strides: [Int], _ offset: Int) -> Int? {
        guard strides.count == shape.count else { return nil }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            guard let reach = checkedProduct([size - 1, stride]), let next = checkedSum(last, reach) else {
                return nil
            }
            last = next
        }
        return last
    }

    private static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
        if shape.contains(0) { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
