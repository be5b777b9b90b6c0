import CKernels
import Tensor
import Testing

@Suite struct ElementwiseTests {
    private typealias Operation = (
        name: String,
        run: (Kernels, _ a: [Float], _ b: [Float], _ c: [Float], _ out: UnsafeMutablePointer<Float>) -> Void,
        one: (_ a: Float, _ b: Float, _ c: Float) -> Float
    )

    private static let s: Float = 0.117
    private let operations: [Operation] = [
        ("add", { $0.add($1, $2, into: $4, count: $1.count) }, { $0 + $1 + 0 * $2 }),
        ("add three", { $0.add($1, $2, $3, into: $4, count: $1.count) }, { ($0 + $1) + $2 }),
        ("add scaled", { $0.add($1, $2, scaledBy: s, into: $4, count: $1.count) }, { a, b, _ in a + s * b }),
        (
            "add scaled sum", { $0.add($1, sumOf: $2, $3, scaledBy: s, into: $4, count: $1.count) },
            { $0 + s * ($1 + $2) }
        ),
        ("scale", { k, a, _, _, out in k.scale(a, by: s, into: out, count: a.count) }, { a, _, _ in s * a }),
        (
            "accumulate",
            { k, a, b, _, out in
                out.update(from: a, count: a.count)
                k.accumulate(b, onto: out, count: a.count)
            }, { a, b, _ in a + b }
        ),
        (
            "scale logits",
            { k, a, _, _, out in
                out.update(from: a, count: a.count)
                k.scaleLogits(out, count: a.count, temperature: s)
            }, { a, _, _ in a / s }
        ),
    ]

    @Test func `every operation follows its formula on every instruction set`() {
        var random = Generator(12)
        for operation in operations {
            for n in oddSizes {
                let (a, b, c) = (random.floats(n), random.floats(n), random.floats(n))
                let expected = bits((0..<n).map { operation.one(a[$0], b[$0], c[$0]) })
                for kernels in Kernels.available {
                    let out = filled(n) { operation.run(kernels, a, b, c, $0) }
                    #expect(bits(out) == expected, "\(operation.name) \(kernels.name) n \(n)")
                }
            }
        }
    }

    @Test func `awkward numbers come out the same`() {
        for operation in operations {
            for shift in awkward.indices {
                let b = Array(awkward[shift...] + awkward[..<shift])
                let define = filled(b.count) { operation.run(scalar, awkward, b, b, $0) }
                for kernels in vectors {
                    let vector = filled(b.count) { operation.run(kernels, awkward, b, b, $0) }
                    #expect(bits(vector) == bits(define), "\(operation.name) \(kernels.name)")
                }
            }
        }
    }
}

@Suite struct ConvertTests {
    private let halves = (0...UInt16.max).map { $0 }

    @Test func `all halves widen to their value and come back`() {
        for kernels in Kernels.available {
            let wide = filled(halves.count) { kernels.table.pointee.f16_to_f32(halves, $0, halves.count) }
            var back = [UInt16](repeating: 0, count: halves.count)
            kernels.narrow(wide, into: &back, count: halves.count)
            for (index, half) in halves.enumerated() {
                let isNaN = half & 0x7fff > 0x7c00
                let exponent = Int(half >> 10 & 31)
                let mantissa = Float(half & 0x3ff)
                let power = { (n: Int) in Float(sign: .plus, exponent: n, significand: 1) }
                let size: Float =
                    exponent == 31
                    ? .infinity
                    : exponent == 0 ? mantissa * power(-24) : (1024 + mantissa) * power(exponent - 25)
                let value = half & 0x8000 == 0 ? size : -size
                if isNaN ? !wide[index].isNaN : wide[index].bitPattern != value.bitPattern {
                    Issue.record("\(kernels.name) widens \(half) to \(wide[index])")
                }
                if back[index] != (isNaN ? half | 0x200 : half) {
                    Issue.record("\(kernels.name) narrows \(half) back to \(back[index])")
                }
            }
        }
    }

    @Test func `narrowing rounds to nearest even`() {
        let cases: [(Float, UInt16)] = [
            (1 + 0x1p-11, 0x3c00), (1 + 0x3p-11, 0x3c02), (1 + 0x1.2p-11, 0x3c01), (65504, 0x7bff),
            (65519.996, 0x7bff), (65520, 0x7c00), (-1e9, 0xfc00), (0x1p-24, 1), (0x1p-25, 0),
            (0x1.8p-25, 1), (0x1.8p-24, 2), (0x1.ff8p-15, 0x3ff), (0x1.ffcp-15, 0x400), (-0.0, 0x8000),
        ]
        for kernels in Kernels.available {
            for (value, half) in cases {
                // Eight of them, so that the vector code sees it.
                var out = [UInt16](repeating: 0, count: 9)
                kernels.narrow([Float](repeating: value, count: 9), into: &out, count: 9)
                #expect(out == [UInt16](repeating: half, count: 9), "\(kernels.name) \(value)")
            }
        }
    }

    @Test func `vector narrowing equals the scalar one`() {
        var random = Generator(6)
        let x =
            awkward + (0..<100_003).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
            + random.floats(100_000, 100) + random.floats(50_000, 1e-5)
        var define = [UInt16](repeating: 0, count: x.count)
        scalar.narrow(x, into: &define, count: x.count)
        for kernels in vectors {
            var vector = [UInt16](repeating: 0, count: x.count)
            kernels.narrow(x, into: &vector, count: x.count)
            #expect(vector == define)
        }
    }
}
