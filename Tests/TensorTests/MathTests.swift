import CKernels
import Foundation
import Tensor
import Testing

private typealias Map = @convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void

private func apply(_ map: Map?, _ x: [Float]) -> [Float] {
    filled(x.count) { y in x.withUnsafeBufferPointer { map!($0.baseAddress, y, x.count) } }
}

/// Distance in units of the last place of the exact value rounded to Float.
private func ulps(_ value: Float, _ exact: Double) -> Double {
    let rounded = Float(exact)
    if rounded.isInfinite || value.isInfinite { return value == rounded ? 0 : .infinity }
    return abs(Double(value) - exact) / Double(rounded.ulp)
}

private func worst(_ map: Map?, _ x: [Float], exact: (Double) -> Double) -> Double {
    zip(apply(map, x), x).map { ulps($0, exact(Double($1))) }.max() ?? 0
}

@Suite struct MathTests {
    @Test func `exp is accurate over its whole range`() {
        let x = stride(from: Float(-104), through: 88.722, by: 0.0031).map { $0 }
        #expect(worst(scalar.table.pointee.exp, x, exact: exp) <= 1)
        var small: [Float] = [0]
        for exponent in 0..<60 {
            let power = Float(sign: .plus, exponent: -exponent, significand: 1)
            small += [power, -power]
        }
        #expect(worst(scalar.table.pointee.exp, small, exact: exp) <= 1)
    }

    @Test func `exp saturates`() {
        let x: [Float] = [
            .infinity, 1e30, 88.7229, -.infinity, -1e30, -104.1, 0, -0.0, 88.72283, .nan,
        ]
        let y = apply(scalar.table.pointee.exp, x)
        #expect(y[0...2].allSatisfy { $0 == .infinity })
        #expect(y[3...5].allSatisfy { $0.bitPattern == 0 })
        #expect(y[6...7].allSatisfy { $0 == 1 })
        #expect(y[8].isFinite && y[8] > 3.4e38)
        #expect(y[9].isNaN)
        #expect(apply(scalar.table.pointee.exp, [-100])[0] > 0)  // a subnormal result
    }

    @Test func `log is accurate over all positive numbers`() {
        var random = Generator(7)
        let anywhere = (0..<100_000).map { _ in Float(bitPattern: UInt32(random.next() % 0x7f80_0000)) }
        let nearOne = (0..<100_000).map { Float(0.4) + Float($0) * 2e-5 }
        let x = (anywhere + nearOne).filter { $0 > 0 }
        #expect(worst(scalar.table.pointee.log, x, exact: log) <= 1)
    }

    @Test func `log of what has no logarithm`() {
        let y = apply(scalar.table.pointee.log, [0, -0.0, .infinity, -1, -.infinity, .nan, 1])
        #expect(y[0] == -.infinity && y[1] == -.infinity && y[2] == .infinity)
        #expect(y[3...5].allSatisfy { $0.isNaN })
        #expect(y[6].bitPattern == 0)
    }

    @Test func `the logistic function is accurate and saturates`() {
        let x = stride(from: Float(-100), through: 30, by: 0.00117).map { $0 }
        let exact = { (x: Double) in x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)) }
        #expect(worst(scalar.table.pointee.sigmoid, x, exact: exact) <= 2)
        let y = apply(scalar.table.pointee.sigmoid, [.infinity, -.infinity, 0, .nan, 200, -200])
        #expect(y[0] == 1 && y[1] == 0 && y[2] == 0.5 && y[3].isNaN && y[4] == 1 && y[5] == 0)
    }

    @Test func `quick_gelu follows its formula`() {
        let x = stride(from: Float(-20), through: 20, by: 0.013).map { $0 }
        for (y, x) in zip(apply(scalar.table.pointee.quick_gelu, x), x) {
            let exact = Double(x) / (1 + exp(-1.702 * Double(x)))
            #expect(abs(Double(y) - exact) <= 4e-6 * abs(exact) + 1e-12)
        }
    }

    @Test func `relu keeps a NaN`() {
        let y = apply(scalar.table.pointee.relu, [-1, -0.0, 0, 2, -.infinity, .infinity, .nan])
        #expect(bits(y) == bits([0, 0, 0, 2, 0, .infinity, .nan]))
    }

    @Test func `vector functions equal the scalar ones`() {
        var random = Generator(3)
        for kernels in vectors {
            let pairs = [
                (scalar.table.pointee.exp, kernels.table.pointee.exp),
                (scalar.table.pointee.log, kernels.table.pointee.log),
                (scalar.table.pointee.sigmoid, kernels.table.pointee.sigmoid),
                (scalar.table.pointee.quick_gelu, kernels.table.pointee.quick_gelu),
                (scalar.table.pointee.relu, kernels.table.pointee.relu),
            ]
            let anything = (0..<200_000).map { _ in
                Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            }
            for (define, vector) in pairs {
                #expect(bits(apply(vector, anything)) == bits(apply(define, anything)))
                #expect(bits(apply(vector, awkward)) == bits(apply(define, awkward)))
                for n in oddSizes {
                    let x = random.floats(n, 20)
                    #expect(bits(apply(vector, x)) == bits(apply(define, x)))
                }
            }
        }
    }

    @Test func `softmax is normal, ordered and the same everywhere`() {
        var random = Generator(5)
        for n in oddSizes where n > 0 {
            for special in [nil, Float.nan, .infinity, -.infinity] {
                var x = random.floats(n, 30)
                if let special { x[n / 2] = special }
                let define = filled(n) {
                    $0.update(from: x, count: n); scalar.softmax($0, count: n)
                }
                if special == nil {
                    #expect(abs(define.map(Double.init).reduce(0, +) - 1) < 1e-5)
                    #expect(define.firstIndex(of: define.max()!) == x.firstIndex(of: x.max()!))
                }
                for kernels in vectors {
                    let vector = filled(n) {
                        $0.update(from: x, count: n); kernels.softmax($0, count: n)
                    }
                    #expect(bits(vector) == bits(define), "\(kernels.name) n \(n)")
                }
            }
        }
    }
}
