import CKernels

/// How numbers are kept one by one: in caches, and what matrices are packed from.
package enum ScalarType: Sendable, Hashable, CaseIterable {
    case float32
    /// IEEE half precision, stored as its bits.
    case float16

    package var byteCount: Int {
        switch self {
        case .float32: 4
        case .float16: 2
        }
    }

    /// The magnitude from which on a finite float32 becomes infinite.
    package var limit: Float {
        switch self {
        case .float32: .infinity
        case .float16: 65_520
        }
    }

    var code: ck_type {
        switch self {
        case .float32: CK_F32
        case .float16: CK_F16
        }
    }
}

/// How the numbers of a packed matrix are kept.
package enum ElementType: Sendable, Hashable {
    case scalar(ScalarType)
    /// Bytes with a float32 scale for every group of 128 along a column.
    case int8

    package static let float32 = ElementType.scalar(.float32)
    package static let float16 = ElementType.scalar(.float16)

    /// Bytes of so many numbers, about: packing rounds columns up to whole panels.
    package func byteCount(of count: Int) -> Int {
        switch self {
        case .scalar(let type): count * type.byteCount
        case .int8: count + count / 32
        }
    }

    /// The magnitude from which on a finite float32 becomes infinite, or makes sums that are.
    package var limit: Float {
        switch self {
        case .scalar(let type): type.limit
        // A group of 128 numbers is summed before it is scaled.
        case .int8: .greatestFiniteMagnitude / 256
        }
    }

    /// Whether products read rows that were quantised, rather than float32.
    var readsQuantizedRows: Bool {
        switch self {
        case .scalar: false
        case .int8: true
        }
    }

    var code: ck_type {
        switch self {
        case .scalar(let type): type.code
        case .int8: CK_I8
        }
    }
}
