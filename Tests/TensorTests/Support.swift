import CKernels
import Tensor

/// Repeatable test data.
struct Generator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [−size, size).
    mutating func float(_ size: Float = 1) -> Float {
        (Float(next() >> 40) * 0x1p-23 - 1) * size
    }

    mutating func floats(_ count: Int, _ size: Float = 1) -> [Float] {
        (0..<max(count, 0)).map { _ in float(size) }
    }
}

/// Sizes around every boundary of the vector code.
let oddSizes = Array(0...70) + [95, 96, 97, 127, 128, 129, 480, 481, 1000]

/// The bits, with all NaNs made one: which NaN comes out is not defined.
func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? 0x7fc0_0000 : $0.bitPattern }
}

/// Numbers that break careless arithmetic.
let awkward: [Float] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
    .leastNormalMagnitude, -.leastNormalMagnitude, .greatestFiniteMagnitude,
    -.greatestFiniteMagnitude, 88.72283, 88.72284, -87.33654, -103.97, -103.98, 0.5, -0.5, 1e-30, -1e-30,
]

let scalar = Kernels(isa: CK_ISA_SCALAR)!
/// Every instruction set but the defining one.
let vectors = Kernels.available.filter { $0.name != scalar.name }

/// The result of running `body` on `count` floats filled with a value that must be overwritten.
func filled(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
    var out = [Float](repeating: 12345, count: count + 1)
    out.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    precondition(out[count] == 12345, "wrote beyond the end")
    out.removeLast()
    return out
}
