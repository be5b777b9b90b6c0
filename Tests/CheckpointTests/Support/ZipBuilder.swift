import Checkpoint

/// Writes zip files, right and wrong.
struct ZipBuilder {
    var method: UInt16 = 0
    var isZip64 = false
    private var file: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    init(isZip64: Bool = false, method: UInt16 = 0) {
        self.isZip64 = isZip64
        self.method = method
    }

    mutating func add(_ name: String, _ content: [UInt8], crc: UInt32? = nil) {
        let checksum = crc ?? content.withUnsafeBytes { CRC32.checksum($0) }
        let size = isZip64 ? UInt32.max : UInt32(content.count)
        let header = file.count
        let shared: [UInt8] =
            littleEndian([UInt16(0), method, 0, 0]) + littleEndian([checksum, size, size])
            + littleEndian([UInt16(name.utf8.count)])
        let localExtra =
            isZip64
            ? littleEndian([UInt16(1), 16]) + littleEndian([UInt64(content.count), UInt64(content.count)])
            : []
        file += [0x50, 0x4B, 3, 4] + littleEndian([UInt16(45)]) + shared
        file += littleEndian([UInt16(localExtra.count)]) + Array(name.utf8) + localExtra + content
        let extra =
            isZip64
            ? littleEndian([UInt16(1), 24])
                + littleEndian([UInt64(content.count), UInt64(content.count), UInt64(header)]) : []
        directory += [0x50, 0x4B, 1, 2] + littleEndian([UInt16(45), 45]) + shared
        directory += littleEndian([UInt16(extra.count), 0, 0, 0]) + littleEndian([UInt32(0)])
        directory += littleEndian([isZip64 ? UInt32.max : UInt32(header)]) + Array(name.utf8) + extra
        count += 1
    }

    func finish() -> [UInt8] {
        var result = file + directory
        if isZip64 {
            let record = result.count
            result += [0x50, 0x4B, 6, 6] + littleEndian([UInt64(44)]) + littleEndian([UInt16(45), 45])
            result += littleEndian([UInt32(0), 0])
            result += littleEndian([
                UInt64(count), UInt64(count), UInt64(directory.count), UInt64(file.count),
            ])
            result += [0x50, 0x4B, 6, 7] + littleEndian([UInt32(0)]) + littleEndian([UInt64(record)])
            result += littleEndian([UInt32(1)])
        }
        let entries = isZip64 ? UInt16.max : UInt16(count)
        result += [0x50, 0x4B, 5, 6] + littleEndian([UInt16(0), 0, entries, entries])
        result += littleEndian(isZip64 ? [.max, .max] : [UInt32(directory.count), UInt32(file.count)])
        return result + littleEndian([UInt16(0)])
    }

    /// A whole torch file with one float storage `0`.
    static func torchFile(_ values: [Float], isZip64: Bool = false, byteOrder: String = "little") -> [UInt8] {
        var zip = ZipBuilder(isZip64: isZip64)
        let pickle = PickleBuilder.build { builder in
            builder.model("module.w") {
                $0.tensor(
                    "FloatStorage", key: "0", count: values.count, shape: [values.count], strides: [1],
                    isLegacy: false)
            }
        }
        zip.add("archive/data.pkl", pickle)
        zip.add("archive/byteorder", Array(byteOrder.utf8))
        zip.add("archive/data/0", littleEndian(values))
        zip.add("archive/version", Array("3\n".utf8))
        return zip.finish()
    }
}
