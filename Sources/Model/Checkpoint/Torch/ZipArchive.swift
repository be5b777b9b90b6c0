/// The table of a zip file whose entries are stored without compression, as torch.save writes them; zip64
/// too.
struct ZipArchive {
    struct Entry {
        let name: String
        /// Where the content lies in the file.
        let range: Range<Int>
        let crc: UInt32
    }

    /// The entries, in the table's order.
    let entries: [Entry]
    private let positions: [String: Int]

    subscript(name: String) -> Entry? { positions[name].map { entries[$0] } }

    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0x50, 0x4B, 0x03, 0x04])
    }

    /// Reads the table at the file's end and each entry's own header; the contents are not touched.
    init(_ file: MappedFile) throws {
        let directory = try ZipArchive.directory(file)
        var reader = ByteReader(file.bytes, path: file.path, position: directory.start)
        var entries: [Entry] = []
        var positions: [String: Int] = [:]
        for _ in 0..<directory.count {
            let entry = try ZipArchive.entry(&reader, file)
            guard positions.updateValue(entries.count, forKey: entry.name) == nil else {
                throw CheckpointError(.malformed, file.path, "the zip holds \(entry.name) twice")
            }
            entries.append(entry)
        }
        self.entries = entries
        self.positions = positions
    }

    /// Where the table lies and how many entries it has.
    private static func directory(_ file: MappedFile) throws -> (start: Int, count: Int) {
        guard let end = endRecord(file) else {
            throw CheckpointError(
                .truncated, file.path,
                "is a zip file without its table at the end: it is cut short, download or copy it again")
        }
        var reader = ByteReader(file.bytes, path: file.path, position: end + 10)
        var count = Int(try reader.integer(UInt16.self, "the zip's end record"))
        _ = try reader.integer(UInt32.self, "the zip's end record")
        var start = Int(try reader.integer(UInt32.self, "the zip's end record"))
        if end >= 20, try signature(file, end - 20) == 0x0706_4B50 {
            var locator = ByteReader(file.bytes, path: file.path, position: end - 20 + 8)
            let record = try locator.size("the zip64 locator")
            guard try signature(file, record) == 0x0606_4B50 else {
                throw CheckpointError(.malformed, file.path, "the zip64 end record is not at byte \(record)")
            }
            guard let tail = checkedSum(record, 32) else {
                throw CheckpointError(.malformed, file.path, "the zip64 end record is not at byte \(record)")
            }
            reader = ByteReader(file.bytes, path: file.path, position: tail)
            count = try reader.size("the zip64 end record")
            _ = try reader.size("the zip64 end record")
            start = try reader.size("the zip64 end record")
        }
        // A table entry takes at least 46 bytes, so a larger count is a lie.
        guard count <= file.size / 46, start <= file.size else {
            throw CheckpointError(
                .malformed, file.path,
                "the zip claims \(count) entries, listed at byte \(start) of \(file.size)")
        }
        return (start, count)
    }

    /// The last end record, which only a comment of up to 65,535 bytes may follow.
    private static func endRecord(_ file: MappedFile) -> Int? {
        var position = file.size - 22
        let lowest = max(0, position - 65_535)
        while position >= lowest {
            if file.bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian == 0x0605_4B50 {
                return position
            }
            position -= 1
        }
        return nil
    }

    private static func signature(_ file: MappedFile, _ position: Int) throws -> UInt32 {
        var reader = ByteReader(file.bytes, path: file.path, position: position)
        return try reader.integer(UInt32.self, "a zip header")
    }

    /// One row of the table; leaves the reader behind it.
    private static func entry(_ reader: inout ByteReader, _ file: MappedFile) throws -> Entry {
        let place = reader.position
        guard try reader.integer(UInt32.self, "the zip's table") == 0x0201_4B50 else {
            throw CheckpointError(.malformed, file.path, "the zip's table is damaged at byte \(place)")
        }
        let fields = try reader.take(42, "the zip's table")
        func half(_ offset: Int) -> Int {
            Int(fields.loadUnaligned(fromByteOffset: offset - 4, as: UInt16.self).littleEndian)
        }
        func word(_ offset: Int) -> UInt32 {
            fields.loadUnaligned(fromByteOffset: offset - 4, as: UInt32.self).littleEndian
        }
        let name = String(decoding: try reader.take(half(28), "a name in the zip's table"), as: UTF8.self)
        let extra = try reader.take(half(30), "the zip's table")
        _ = try reader.take(half(32), "the zip's table")
        guard half(8) & 1 == 0 else {
            throw CheckpointError(.unsupported, file.path, "entry \(name) is encrypted")
        }
        guard half(10) == 0 else {
            throw CheckpointError(
                .unsupported, file.path,
                "entry \(name) is compressed (method \(half(10))); torch.save stores entries as they are, so "
                    + "this zip was packed by another program: unpack it and use the files inside")
        }
        let wide = try wideFields([word(24), word(20), word(42)], extra, name, file.path)
        guard wide[0] == wide[1] else {
            throw CheckpointError(.malformed, file.path, "entry \(name) is stored, but its two sizes differ")
        }
        return Entry(
            name: name, range: try contentRange(name, header: wide[2], size: wide[0], file), crc: word(16))
    }

    /// Replaces 32-bit fields that are all ones by their 64-bit values in the zip64 extra field, in its
    /// order.
    private static func wideFields(
        _ fields: [UInt32], _ extra: UnsafeRawBufferPointer, _ name: String, _ path: String
    ) throws -> [Int] {
        var wide: ByteReader?
        var reader = ByteReader(extra, path: path)
        while reader.remaining >= 4 {
            let identifier = try reader.integer(UInt16.self, "an extra field of \(name)")
            let size = Int(try reader.integer(UInt16.self, "an extra field of \(name)"))
            let content = try reader.take(size, "an extra field of \(name)")
            if identifier == 0x0001 { wide = ByteReader(content, path: path) }
        }
        return try fields.map { field in
            guard field == .max else { return Int(field) }
            guard wide != nil else {
                throw CheckpointError(.malformed, path, "entry \(name) lacks its 64-bit sizes")
            }
            return try wide!.size("the 64-bit sizes of \(name)")
        }
    }

    /// Reads the entry's own header to find where its content starts.
    private static func contentRange(_ name: String, header: Int, size: Int, _ file: MappedFile) throws
        -> Range<Int>
    {
        var reader = ByteReader(file.bytes, path: file.path, position: header)
        guard try reader.integer(UInt32.self, "the header of \(name)") == 0x0403_4B50 else {
            throw CheckpointError(.malformed, file.path, "entry \(name) is not at byte \(header)")
        }
        let fields = try reader.take(26, "the header of \(name)")
        let nameLength = Int(fields.loadUnaligned(fromByteOffset: 22, as: UInt16.self).littleEndian)
        let extraLength = Int(fields.loadUnaligned(fromByteOffset: 24, as: UInt16.self).littleEndian)
        let ownName = String(decoding: try reader.take(nameLength, "the header of \(name)"), as: UTF8.self)
        guard ownName == name else {
            throw CheckpointError(
                .malformed, file.path, "entry \(name) is called \(ownName) in its own header")
        }
        _ = try reader.take(extraLength, "the header of \(name)")
        let start = reader.position
        _ = try reader.take(size, "entry \(name)")
        return start..<(start + size)
    }
}
