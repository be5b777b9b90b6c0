/// FNV-1a with 64 bits: finds damage, is no defence against intent.
enum Checksum {
    static func of(_ bytes: some Sequence<UInt8>) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int64(bitPattern: hash)
    }
}

/// Tokens as little-endian 16-bit numbers.
enum TokenBytes {
    static func encode(_ tokens: [UInt16]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count * 2)
        for token in tokens {
            bytes.append(UInt8(truncatingIfNeeded: token))
            bytes.append(UInt8(truncatingIfNeeded: token >> 8))
        }
        return bytes
    }

    /// nil when the bytes are no whole number of tokens.
    static func decode(_ bytes: [UInt8]) -> [UInt16]? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
    }
}
