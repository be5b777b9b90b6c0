extension StoredTensor {
    /// The elements as float32, in row-major order; from any floating-point type.
    package func floats() throws -> [Float] {
        switch type {
        case .float32: convert(UInt32.self) { Float(bitPattern: $0) }
        case .float16: convert(UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float64: convert(UInt64.self) { Float(Double(bitPattern: $0)) }
        case .int64, .int32, .int16, .int8, .uint8, .bool: throw wrongType("floating-point numbers")
        }
    }

    /// The elements as integers, in row-major order; from any integer type.
    package func int64s() throws -> [Int] {
        switch type {
        case .int64: convert(Int64.self) { Int($0) }
        case .int32: convert(Int32.self) { Int($0) }
        case .int16: convert(Int16.self) { Int($0) }
        case .int8: convert(Int8.self) { Int($0) }
        case .uint8: convert(UInt8.self) { Int($0) }
        case .bool: convert(UInt8.self) { $0 == 0 ? 0 : 1 }
        case .float32, .float16, .bfloat16, .float64: throw wrongType("integers")
        }
    }

    /// The row-major index of the first NaN or infinity; nil if there is none (integers have none).
    package func firstNonFinite() -> Int? {
        switch type {
        case .float32: firstSaturated(UInt32(0x7F80_0000))
        case .float16: firstSaturated(UInt16(0x7C00))
        case .bfloat16: firstSaturated(UInt16(0x7F80))
        case .float64: firstSaturated(UInt64(0x7FF0_0000_0000_0000))
        case .int64, .int32, .int16, .int8, .uint8, .bool: nil
        }
    }

    private func wrongType(_ wanted: String) -> CheckpointError {
        CheckpointError(.unsupported, path, "tensor \(name) holds \(type.rawValue), expected \(wanted)")
    }

    @inline(__always)
    private func convert<Stored: BitwiseCopyable, Value>(
        _: Stored.Type, _ value: (Stored) -> Value
    ) -> [Value] {
        withBytes { bytes in
            [Value](unsafeUninitializedCapacity: count) { target, initialized in
                for index in 0..<count {
                    let stored = bytes.loadUnaligned(
                        fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
                    target.initializeElement(at: index, to: value(stored))
                }
                initialized = count
            }
        }
    }

    /// The first element whose bits under `exponent` are all set, which is what NaN and infinity have in
    /// common.
    ///
    /// Looks at eight bytes at a time, whatever the type: an element that lacks one of the bits makes its
    /// lane of `(~word & exponents) + carries` overflow into the lane's top bit, and never beyond.
    @inline(__always)
    private func firstSaturated<Bits: FixedWidthInteger & BitwiseCopyable>(_ exponent: Bits) -> Int? {
        let lanes = UInt64.max / UInt64(Bits.max)
        let (exponents, tops) = (UInt64(exponent) * lanes, (UInt64(Bits.max) / 2 + 1) * lanes)
        let carries = tops &- lanes
        return withBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let (block, wordCount) = (512, bytes.count / 8)
            var word = 0
            while word < wordCount {
                let end = min(word + block, wordCount)
                var sound = UInt64.max
                // No branch inside, so that the compiler can use vectors.
                for index in word..<end {
                    let bits = base.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
                    sound &= (~bits & exponents) &+ carries
                }
                if sound & tops != tops { break }
                word = end
            }
            let size = MemoryLayout<Bits>.size
            return (word * 8 / size..<count).first { index in
                base.loadUnaligned(fromByteOffset: index * size, as: Bits.self) & exponent == exponent
            }
        }
    }
}
