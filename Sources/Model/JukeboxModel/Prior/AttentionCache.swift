import Tensor

/// The keys and values of one layer for one sequence: only what the layer's pattern can still see.
struct AttentionCache {
    let pattern: AttentionPattern
    private let blockLength: Int
    private let blocks: Int
    private let capacity: Int
    let width: Int
    let type: ScalarType
    private let keys: Buffer<UInt8>
    private let values: Buffer<UInt8>

    init(pattern: AttentionPattern, shape: TransformerShape, type: ScalarType) {
        self.pattern = pattern
        self.type = type
        blockLength = shape.blockLength
        blocks = shape.length / shape.blockLength
        width = shape.stateWidth
        capacity = Self.rows(pattern, shape)
        keys = Buffer(count: max(1, capacity * width * type.byteCount))
        values = Buffer(count: max(1, capacity * width * type.byteCount))
    }

    /// Rows that a pattern needs at most.
    private static func rows(_ pattern: AttentionPattern, _ shape: TransformerShape) -> Int {
        switch pattern {
        case .dense, .transposeBlock: shape.length
        case .block: shape.blockLength
        case .previousBlock: 2 * shape.blockLength
        case .prime: min(shape.primeLength, shape.length)
        case .lyricEncoder: shape.encoderLength
        }
    }

    static func byteCount(pattern: AttentionPattern, shape: TransformerShape, type: ScalarType) -> Int {
        2 * rows(pattern, shape) * shape.stateWidth * type.byteCount
    }

    /// Puts small numbers where a position looks, or everywhere: for benchmarks.
    func fill(seenFrom position: Int?) {
        let rows = position.map(visible(from:)) ?? 0..<capacity
        let (first, count) = (rows.lowerBound * width * type.byteCount, rows.count * width * type.byteCount)
        (keys.pointer + first).update(repeating: 0x2C, count: count)
        (values.pointer + first).update(repeating: 0x2C, count: count)
    }

    /// Where a position is kept; nil when no later position of this pattern sees it.
    private func row(of position: Int) -> Int? {
        switch pattern {
        case .dense, .lyricEncoder: position
        case .block: position % blockLength
        // By column, so that what a position sees is contiguous.
        case .transposeBlock: position % blockLength * blocks + position / blockLength
        case .previousBlock: position % (2 * blockLength)
        case .prime: position < capacity ? position : nil
        }
    }

    func store(position: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>) {
        if let row = row(of: position) { store(row: row, key: key, value: value) }
    }

    func store(row: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>) {
        keep(key, at: keys.pointer + row * width * type.byteCount)
        keep(value, at: values.pointer + row * width * type.byteCount)
    }

    private func keep(_ numbers: UnsafePointer<Float>, at place: UnsafeMutablePointer<UInt8>) {
        Kernels.active.keep(numbers, as: type, at: place, count: width)
    }

    /// The address of an element of a row's key.
    func key(_ row: Int, _ column: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(keys.pointer + (row * width + column) * type.byteCount)
    }

    /// The address of an element of a row's value.
    func value(_ row: Int, _ column: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(values.pointer + (row * width + column) * type.byteCount)
    }

    /// The rows that a position sees, in order; empty for the first block of `previousBlock`, which sees zeros.
    func visible(from position: Int) -> Range<Int> {
        switch pattern {
        case .dense: return 0..<position + 1
        case .block: return 0..<position % blockLength + 1
        case .transposeBlock:
            let first = position % blockLength * blocks
            return first..<first + position / blockLength + 1
        case .previousBlock:
            let block = position / blockLength
            guard block > 0 else { return 0..<0 }
            let first = (block - 1) % 2 * blockLength
            return first..<first + blockLength
        case .prime: return 0..<min(position + 1, capacity)
        case .lyricEncoder: return 0..<capacity
        }
    }
}
