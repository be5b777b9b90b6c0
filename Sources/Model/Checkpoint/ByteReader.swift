/// A position in bytes with checked little-endian reads; running past the end is an error that names the
/// place.
struct ByteReader {
    let path: String
    let bytes: UnsafeRawBufferPointer
    var position: Int

    init(_ bytes: UnsafeRawBufferPointer, path: String, position: Int = 0) {
        self.bytes = bytes
        self.path = path
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    /// The next `count` bytes, or an error that says what was being read.
    mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws -> UnsafeRawBufferPointer {
        guard position >= 0, count >= 0, position <= bytes.count, count <= bytes.count - position else {
            throw CheckpointError(
                .truncated, path,
                "ends inside \(what()): \(count) bytes are needed at byte \(position), the end is at "
                    + "\(bytes.count); "
                    + "the file is cut short or damaged, download or copy it again")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _: Value.Type, _ what: @autoclosure () -> String
    ) throws -> Value {
        let raw = try take(MemoryLayout<Value>.size, what())
        return Value(littleEndian: raw.loadUnaligned(as: Value.self))
    }

    /// An unsigned 64-bit number that must fit `Int`.
    mutating func size(_ what: @autoclosure () -> String) throws -> Int {
        let place = position
        let value = try integer(UInt64.self, what())
        guard let size = Int(exactly: value) else {
            throw CheckpointError(
                .malformed, path, "\(what()) at byte \(place) is impossibly large (\(value))")
        }
        return size
    }

    /// The bytes up to a line feed, which is consumed.
    mutating func line(_ what: @autoclosure () -> String) throws -> UnsafeRawBufferPointer {
        guard position <= bytes.count, let end = bytes[position...].firstIndex(of: 0x0A) else {
            throw CheckpointError(.truncated, path, "ends inside \(what()) at byte \(position)")
        }
        defer { position = end + 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }
}
