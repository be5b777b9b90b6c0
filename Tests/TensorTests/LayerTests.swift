import CKernels
import Foundation
import Tensor
import Testing

/// The reduction tree as its comment in CKernels.h says, from the products or summands of each index.
private func tree(_ count: Int, _ step: (_ partial: inout Float, _ index: Int) -> Void) -> Float {
    var p = [Float](repeating: 0, count: 16)
    for i in 0..<count { step(&p[i % 16], i) }
    for width in [8, 4, 2, 1] { for j in 0..<width { p[j] += p[j + width] } }
    return p[0]
}

@Suite struct AttentionTests {
    private struct Case {
        var count: Int, d: Int, stride: Int
        var q: [Float], keys: [Float], values: [Float]

        init(_ count: Int, _ d: Int, seed: UInt64) {
            var random = Generator(seed)
            self.count = count
            self.d = d
            stride = d + Int(random.next() % 9)
            q = random.floats(d, 2)
            keys = random.floats(count * stride + 1, 2)
            values = random.floats(count * stride + 1)
        }

        func run(_ kernels: Kernels) -> (weights: [Float], out: [Float]) {
            var out: [Float] = []
            let weights = filled(count) { weights in
                out = filled(d) { out in
                    kernels.attend(
                        q: q, keys: keys, values: values, stride: stride, count: count, d: d, scale: 0.37,
                        weights: weights, into: out)
                }
            }
            return (weights, out)
        }
    }

    @Test func `the scalar version follows the documented order`() {
        for (count, d) in [(1, 1), (5, 15), (17, 16), (40, 37), (3, 100)] {
            let c = Case(count, d, seed: 11)
            var scores = (0..<count).map { i in
                tree(d) { $0.addProduct(c.q[$1], c.keys[i * c.stride + $1]) } * 0.37
            }
            let largest = scores.max()!
            for i in 0..<count { scores[i] -= largest }
            let e = filled(count) { scalar.table.pointee.exp(scores, $0, count) }
            let sum = tree(count) { $0 += e[$1] }
            let weights = e.map { $0 / sum }
            let out = (0..<d).map { j in
                var chain: Float = 0
                for i in 0..<count { chain.addProduct(weights[i], c.values[i * c.stride + j]) }
                return chain
            }
            let result = c.run(scalar)
            #expect(bits(result.weights) == bits(weights))
            #expect(bits(result.out) == bits(out))
        }
    }

    @Test func `vector attention equals the scalar one`() {
        for kernels in vectors {
            for d in oddSizes {
                for count in [0, 1, 2, 3, 4, 5, 8, 15, 17, 33] {
                    let c = Case(count, d, seed: UInt64(d * 100 + count))
                    let (a, b) = (c.run(kernels), c.run(scalar))
                    #expect(bits(a.weights) == bits(b.weights), "\(kernels.name) count \(count) d \(d)")
                    #expect(bits(a.out) == bits(b.out), "\(kernels.name) count \(count) d \(d)")
                }
            }
        }
    }

    @Test func `caches of halves give what their exact float32 copies give`() {
        for kernels in Kernels.available {
            for (count, d) in [(1, 1), (5, 15), (17, 64), (33, 481), (4, 240)] {
                var c = Case(count, d, seed: UInt64(count))
                var keys = [UInt16](repeating: 0, count: c.keys.count), values = keys
                kernels.narrow(c.keys, into: &keys, count: keys.count)
                kernels.narrow(c.values, into: &values, count: values.count)
                c.keys = keys.map { Float(Float16(bitPattern: $0)) }
                c.values = values.map { Float(Float16(bitPattern: $0)) }
                let wanted = c.run(scalar)
                var weights: [Float] = []
                let out = filled(d) { out in
                    weights = filled(count) { weights in
                        kernels.attend(
                            q: c.q, keys: keys, values: values, type: .float16, stride: c.stride, count: count, d: d,
                            scale: 0.37, weights: weights, into: out)
                    }
                }
                #expect(bits(out) == bits(wanted.out) && bits(weights) == bits(wanted.weights), "\(kernels.name)")
            }
        }
    }

    @Test func `underflowing products and infinities come out the same`() {
        for kernels in vectors {
            var c = Case(21, 27, seed: 5)
            for i in c.keys.indices { c.keys[i] *= 1e-38 }
            for i in c.q.indices { c.q[i] *= 1e-8 }
            #expect(bits(c.run(kernels).out) == bits(c.run(scalar).out))
            for special in [Float.nan, .infinity, -.infinity] {
                c.keys[20 * c.stride + 26] = special
                #expect(bits(c.run(kernels).out) == bits(c.run(scalar).out))
            }
        }
    }

    @Test func `equal keys give the mean, and no keys give zeros`() {
        for kernels in Kernels.available {
            var c = Case(4, 8, seed: 1)
            for i in c.keys.indices { c.keys[i] = 0 }
            let result = c.run(kernels)
            #expect(result.weights == [0.25, 0.25, 0.25, 0.25])
            for j in 0..<8 {
                let mean = (0..<4).map { c.values[$0 * c.stride + j] }.reduce(0, +) / 4
                #expect(abs(result.out[j] - mean) < 1e-6)
            }
            #expect(Case(0, 8, seed: 1).run(kernels).out == [Float](repeating: 0, count: 8))
        }
    }
}

@Suite struct LayerNormTests {
    private func run(_ kernels: Kernels, _ x: [Float], _ rows: Int, _ width: Int) -> [Float] {
        var random = Generator(99)
        let gain = random.floats(width)
        let bias = random.floats(width)
        return filled(rows * width) {
            kernels.layerNorm(x, gain: gain, bias: bias, into: $0, rows: rows, width: width)
        }
    }

    @Test func `rows become normal before gain and bias`() {
        var random = Generator(4)
        let x = random.floats(3 * 100, 5)
        let y = filled(300) {
            scalar.layerNorm(
                x, gain: [Float](repeating: 1, count: 100), bias: [Float](repeating: 0, count: 100), into: $0,
                rows: 3, width: 100)
        }
        for r in 0..<3 {
            let row = x[r * 100..<r * 100 + 100].map(Double.init)
            let mean = row.reduce(0, +) / 100
            let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 100
            for i in 0..<100 {
                #expect(abs(Double(y[r * 100 + i]) - (row[i] - mean) / (variance + 1e-5).squareRoot()) < 1e-5)
            }
        }
    }

    @Test func `the scalar version follows the documented order`() {
        var random = Generator(8)
        for width in [1, 15, 16, 50] {
            let x = random.floats(width, 3)
            let gain = random.floats(width)
            let bias = random.floats(width)
            let mean = tree(width) { $0 += x[$1] } / Float(width)
            let variance = tree(width) { $0.addProduct(x[$1] - mean, x[$1] - mean) } / Float(width)
            let inverse = 1 / (variance + 1e-5).squareRoot()
            let expected = (0..<width).map { bias[$0].addingProduct((x[$0] - mean) * inverse, gain[$0]) }
            let y = filled(width) {
                scalar.layerNorm(x, gain: gain, bias: bias, into: $0, rows: 1, width: width)
            }
            #expect(bits(y) == bits(expected))
        }
    }

    @Test func `vector rows equal scalar rows`() {
        for kernels in vectors {
            for width in oddSizes where width > 0 {
                var random = Generator(UInt64(width))
                var x = random.floats(3 * width, 10)
                #expect(bits(run(kernels, x, 3, width)) == bits(run(scalar, x, 3, width)))
                x[width / 2] = .nan
                x[width + width / 2] = .infinity
                #expect(bits(run(kernels, x, 3, width)) == bits(run(scalar, x, 3, width)))
            }
        }
    }
}

@Suite struct ConvolutionTests {
    @Test func `taps outside the signal are zero`() {
        let x: [Float] = (0..<10).map(Float.init)  // [5, 2]
        let out = [-3, 0, 3].withUnsafeBufferPointer { offsets in
            filled(2 * 3 * 2) {
                gatherTaps(
                    x, total: 5, channels: 2, begin: 1, rows: 2, stride: 2, offsets: offsets, into: $0)
            }
        }
        #expect(out == [0, 0, 2, 3, 8, 9, 0, 1, 6, 7, 0, 0])
    }
}
