extension StoredTensor {
    /// The elements as float32, in row-major order; from any floating-point type.
    package func floats() throws -> [Float] { try withBytes { try floats(of: $0) } }

    /// The same of bytes that `withBytes` gave.
    package func floats(of bytes: UnsafeRawBufferPointer) throws -> [Float] {
        switch type {
        case .float32: convert(bytes, UInt32.self) { Float(bitPattern: $0) }
        case .float16: convert(bytes, UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: convert(bytes, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float64: convert(bytes, UInt64.self) { Float(Double(bitPattern: $0)) }
        case .int64, .int32, .int16, .int8, .uint8, .bool: throw wrongType("floating-point numbers")
        }
    }

    /// The elements as integers, in row-major order; from any integer type.
    package func int64s() throws -> [Int] { try withBytes { try int64s(of: $0) } }

    private func int64s(of bytes: UnsafeRawBufferPointer) throws -> [Int] {
        switch type {
        case .int64: convert(bytes, Int64.self) { Int($0) }
        case .int32: convert(bytes, Int32.self) { Int($0) }
        case .int16: convert(bytes, Int16.self) { Int($0) }
        case .int8: convert(bytes, Int8.self) { Int($0) }
        case .uint8: convert(bytes, UInt8.self) { Int($0) }
        case .bool: convert(bytes, UInt8.self) { $0 == 0 ? 0 : 1 }
        case .float32, .float16, .bfloat16, .float64: throw wrongType("integers")
        }
    }

    /// The row-major index of the first NaN or infinity; nil if there is none (integers have none).
    package func firstNonFinite() throws -> Int? { try first(notBelow: .infinity) }

    /// The row-major index of the first number that is at least `limit` far from 0, or is none; integers are passed over.
    package func first(notBelow limit: Float) throws -> Int? {
        switch type {
        case .float32: try first(atLeast: limit.bitPattern)
        case .float16: try first(atLeast: Float16(limit).bitPattern)
        case .bfloat16: try first(atLeast: UInt16((limit.bitPattern + 0xFFFF) >> 16))
        case .float64: try first(atLeast: Double(limit).bitPattern)
        case .int64, .int32, .int16, .int8, .uint8, .bool: nil
        }
    }

    /// How far the number that is farthest from 0 is from it; 0 for integers and for no numbers at all.
    package func largestMagnitude() throws -> Float {
        switch type {
        case .float32: Float(bitPattern: try largest(UInt32.self))
        case .float16: Float(Float16(bitPattern: try largest(UInt16.self)))
        case .bfloat16: Float(bitPattern: UInt32(try largest(UInt16.self)) << 16)
        case .float64: Float(Double(bitPattern: try largest(UInt64.self)))
        case .int64, .int32, .int16, .int8, .uint8, .bool: 0
        }
    }

    /// The number at a row-major index, as float32.
    package func float(at index: Int) throws -> Float { try floats()[index] }

    private func wrongType(_ wanted: String) -> CheckpointError {
        CheckpointError(.unsupported, path, "tensor \(name) holds \(type.rawValue), expected \(wanted)")
    }

    @inline(__always)
    private func convert<Stored: BitwiseCopyable, Value>(
        _ bytes: UnsafeRawBufferPointer, _: Stored.Type, _ value: (Stored) -> Value
    ) -> [Value] {
        [Value](unsafeUninitializedCapacity: count) { target, initialized in
            for index in 0..<count {
                let stored = bytes.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
                target.initializeElement(at: index, to: value(stored))
            }
            initialized = count
        }
    }

    /// The first element whose bits, but for the sign, are at least `limit`: numbers of one sign are in the order of their
    /// bits, and infinity and NaN are beyond them all.
    ///
    /// Looks at eight bytes at a time, whatever the type: what reaches the limit makes its lane of `word + rest` overflow
    /// into the lane's top bit, and never beyond.
    @inline(__always)
    private func first<Bits: FixedWidthInteger & BitwiseCopyable>(atLeast limit: Bits) throws -> Int? {
        let lanes = UInt64.max / UInt64(Bits.max)
        let top = Bits.max / 2 + 1
        let (tops, rest) = (UInt64(top) * lanes, UInt64(top - limit) * lanes)
        return try withBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let (block, wordCount) = (512, bytes.count / 8)
            var word = 0
            while word < wordCount {
                let end = min(word + block, wordCount)
                var reached: UInt64 = 0
                // No branch inside, so that the compiler can use vectors.
                for index in word..<end {
                    let bits = base.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
                    reached |= (bits & ~tops) &+ rest
                }
                if reached & tops != 0 { break }
                word = end
            }
            let size = MemoryLayout<Bits>.size
            return (word * 8 / size..<count).first { index in
                base.loadUnaligned(fromByteOffset: index * size, as: Bits.self) & ~top >= limit
            }
        }
    }

    /// The largest element's bits, but for the sign.
    @inline(__always)
    private func largest<Bits: FixedWidthInteger & BitwiseCopyable>(_: Bits.Type) throws -> Bits {
        let magnitude = Bits.max / 2
        return try withBytes { bytes in
            var largest: Bits = 0
            for index in 0..<count {
                let bits = bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Bits>.size, as: Bits.self)
                largest = max(largest, bits & magnitude)
            }
            return largest
        }
    }
}
