import SystemErrors

/// Writes arrays of float32 as numpy reads them: `.npy` (one array, format 1.0) and `.npz` (a zip of such, stored as
/// they are).
package enum NumpyFile {
    /// An array to write, row-major.
    package struct Array {
        package let name: String
        package let shape: [Int]
        /// Of float32.
        package let bytes: UnsafeRawBufferPointer

        /// - Parameter bytes: live as long as the array is used.
        package init(name: String, shape: [Int], bytes: UnsafeRawBufferPointer) {
            precondition(shape.reduce(4, *) == bytes.count, "the shape \(shape) is not of \(bytes.count) bytes")
            (self.name, self.shape, self.bytes) = (name, shape, bytes)
        }
    }

    /// Bytes that a zip without extensions can hold, some of which are headers.
    package static let largestArchive = Int(UInt32.max) - (1 << 20)

    /// A file of one array; it appears when all of it is on the disk.
    package static func write(_ array: Array, to path: String) throws {
        try OutputFile.replace(path) { file in
            try file.write(header(array.shape))
            try file.write(array.bytes)
        }
    }

    /// A file of several arrays, by name; it appears when all of it is on the disk.
    ///
    /// - Throws: `CheckpointError` when they are larger than `largestArchive`.
    package static func writeArchive(_ arrays: [Array], to path: String) throws {
        let size = arrays.reduce(0) { $0 + $1.bytes.count }
        guard size <= largestArchive else {
            throw CheckpointError(.unsupported, path, "\(size) bytes are more than an .npz holds; write safetensors")
        }
        try OutputFile.replace(path) { file in
            var directory: [UInt8] = []
            var offset = 0
            for array in arrays {
                let header = header(array.shape)
                let entry = ZipEntry(
                    name: "\(array.name).npy", size: header.count + array.bytes.count,
                    checksum: CRC32.checksum(array.bytes, after: header.withUnsafeBytes { CRC32.checksum($0) }))
                directory += entry.directoryRecord(at: offset)
                try file.write(entry.localRecord)
                try file.write(header)
                try file.write(array.bytes)
                offset += entry.localRecord.count + entry.size
            }
            try file.write(directory)
            try file.write(ZipEntry.end(entries: arrays.count, directory: directory.count, at: offset))
        }
    }

    /// What stands before the numbers: a multiple of 64 bytes.
    private static func header(_ shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = Swift.Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
        let start = 10
        text += repeatElement(0x20, count: (64 - (start + text.count + 1) % 64) % 64) + [0x0A]
        return [0x93] + Swift.Array("NUMPY".utf8) + [1, 0] + bytes(UInt16(text.count)) + text
    }
}

/// A file in a zip, stored as it is.
private struct ZipEntry {
    let name: String
    let size: Int
    let checksum: UInt32

    /// Version 2.0, no flags, stored, 1 January 1980.
    private var common: [UInt8] {
        bytes(UInt16(20)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(0x21))
            + bytes(checksum) + bytes(UInt32(size)) + bytes(UInt32(size)) + bytes(UInt16(name.utf8.count))
            + bytes(UInt16(0))
    }

    /// What stands before its bytes.
    var localRecord: [UInt8] { bytes(UInt32(0x0403_4B50)) + common + Array(name.utf8) }

    /// Its place in the list at the end.
    func directoryRecord(at offset: Int) -> [UInt8] {
        bytes(UInt32(0x0201_4B50)) + bytes(UInt16(20)) + common + bytes(UInt16(0)) + bytes(UInt16(0))
            + bytes(UInt16(0)) + bytes(UInt32(0)) + bytes(UInt32(offset)) + Array(name.utf8)
    }

    /// The list's end.
    static func end(entries: Int, directory: Int, at offset: Int) -> [UInt8] {
        bytes(UInt32(0x0605_4B50)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(entries))
            + bytes(UInt16(entries)) + bytes(UInt32(directory)) + bytes(UInt32(offset)) + bytes(UInt16(0))
    }
}

private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
