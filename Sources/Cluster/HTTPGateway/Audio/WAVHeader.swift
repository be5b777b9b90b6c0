/// A WAV file of one channel of 16-bit samples, as `AudioWriter` makes it: so that what is heard while a song grows is, byte
/// for byte, the beginning of the finished file.
enum WAVHeader {
    static let size = 44

    /// - Parameters:
    ///   - samples: of the whole file, whatever there is of it yet.
    ///   - rate: samples a second.
    static func bytes(samples: Int, rate: Int) -> [UInt8] {
        let data = UInt32(clamping: samples * 2)
        var bytes = Array("RIFF".utf8)
        func append(_ value: UInt32, _ count: Int) {
            for shift in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(shift)))) }
        }
        append(data &+ UInt32(size - 8), 4)
        bytes += Array("WAVEfmt ".utf8)
        append(16, 4)
        append(1, 2)
        append(1, 2)
        append(UInt32(clamping: rate), 4)
        append(UInt32(clamping: rate * 2), 4)
        append(2, 2)
        append(16, 2)
        bytes += Array("data".utf8)
        append(data, 4)
        return bytes
    }

    /// - Parameter raw: 32-bit floats, little-endian; what is left of a sample is dropped.
    static func samples(_ raw: some Collection<UInt8>) -> [UInt8] {
        let raw = ContiguousArray(raw)
        return raw.withUnsafeBytes { raw in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(raw.count / 2)
            for place in 0..<raw.count / 4 {
                let value = Float(
                    bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
                // As AudioWriter does, and silence for what is no number, which it refuses.
                let clipped = value.isNaN ? 0 : min(max(value, -1), 1)
                let sample = Int16(min((clipped * 32_768).rounded(), 32_767))
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
            return bytes
        }
    }
}
