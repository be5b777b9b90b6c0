import CKernels
import Tensor
import Testing

/// What `quantize` gives for rows.
private struct Quantized: Equatable {
    var values: [Int8]
    var scales: [UInt32]
    var offsets: [Int32]

    init(_ x: [Float], rows: Int, k: Int, stride: Int, _ kernels: Kernels) {
        let groups = ck_group_count(k)
        var values = [Int8](repeating: 99, count: rows * ck_quantized_width(k) + 1)
        var scales = [Float](repeating: 0, count: rows * groups + 1)
        var offsets = [Int32](repeating: 0, count: rows * groups + 1)
        kernels.table.pointee.quantize(x, stride, rows, k, &values, &scales, &offsets)
        self.values = values
        self.scales = bits(scales)
        self.offsets = offsets
    }
}

@Suite struct QuantizedTests {
    @Test func `vector quantisation equals the scalar one`() {
        for kernels in vectors {
            for k in oddSizes {
                var random = Generator(UInt64(k))
                let stride = k + 3
                var x = random.floats(5 * stride + 1, 4)
                for special in [Float.nan, .infinity, 1e-38, 0, 3e38] where k > 2 {
                    x[stride + k / 2] = special
                    let (a, b) = (
                        Quantized(x, rows: 5, k: k, stride: stride, kernels),
                        Quantized(x, rows: 5, k: k, stride: stride, scalar)
                    )
                    #expect(a == b, "\(kernels.name) k \(k) \(special)")
                }
            }
        }
    }

    @Test func `a group's largest number becomes 127 once it is rotated, and half steps go to even`() {
        var x = [Float](repeating: 0, count: 200)
        // Rotation undoes itself up to a factor of 128.
        for (place, number) in [Float(-127), 64, 0.5, 1.5].enumerated() {
            for i in 0..<128 { x[i] += (place & i).nonzeroBitCount % 2 == 0 ? number / 128 : -number / 128 }
        }
        // The second group is a block of 64 and one of 8.
        x[129] = 5
        let q = Quantized(x, rows: 1, k: 200, stride: 200, scalar)
        #expect(Array(q.values[0..<5]) == [-127, 64, 0, 2, 0])
        #expect(Array(q.values[128..<192]) == (0..<64).map { $0 % 2 == 0 ? 127 : -127 })
        #expect(q.values[192..<200].allSatisfy { $0 == 0 })
        let scales: [Float] = [1, 5 / 127]
        #expect(Array(q.scales[0..<2]) == bits(scales))
        let offsets: [Int32] = [128 * 61, 0]
        #expect(Array(q.offsets[0..<2]) == offsets)
    }

    @Test func `one large number among small ones costs them little`() {
        var random = Generator(4)
        let (n, k) = (50, 512)
        var x = random.floats(k), w = random.floats(k * n)
        x[77] = 100
        let products = [ElementType.float32, .int8].map { storage in
            // The large number meets weights of 0: what is left is what the others give.
            for column in 0..<n { w[77 * n + column] = 0 }
            let matrix = w.withUnsafeBytes {
                PackedMatrix(k: k, n: n, source: $0, sourceType: .float32, storage: storage)
            }
            return filled(n) { matrix.multiply(x, rows: 1, xStride: k, into: $0, yStride: n) }
        }
        let error = zip(products[0], products[1]).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        let size = products[0].map { $0 * $0 }.reduce(0, +)
        // 0.17 if a scale were set by the large number alone (from numpy), 0.07 with rotation.
        #expect((error / size).squareRoot() < 0.1, "\((error / size).squareRoot())")
    }

    private func matrix(_ k: Int, _ n: Int, _ random: inout Generator, transposed: Bool = false) -> PackedMatrix {
        random.floats(k * n).withUnsafeBytes {
            PackedMatrix(k: k, n: n, source: $0, sourceType: .float32, transposed: transposed, storage: .int8)
        }
    }

    @Test func `vector products equal the scalar one, alone, in batches and with any threads`() {
        for (m, n, k) in [
            (1, 1, 1), (1, 70, 300), (2, 33, 128), (3, 16, 127), (4, 65, 1000), (5, 17, 129), (13, 40, 515),
            (24, 16, 256), (25, 16, 260), (97, 18, 500), (200, 16, 3), (26, 5, 9000), (5, 5, 0), (9, 5, 0),
        ] {
            var random = Generator(UInt64(m * 1000 + k))
            let x = random.floats(m * (k + 1) + 1, 3)
            let bias = random.floats(n)
            let matrix = matrix(k, n, &random, transposed: m % 2 == 0)
            let wanted = filled(m * n) {
                matrix.multiply(x, rows: m, xStride: k + 1, bias: bias, into: $0, yStride: n, kernels: scalar)
            }
            for kernels in Kernels.available {
                for threads in [1, 3] {
                    let result = filled(m * n) {
                        matrix.multiply(
                            x, rows: m, xStride: k + 1, bias: bias, into: $0, yStride: n,
                            team: ThreadTeam(threads: threads), kernels: kernels)
                    }
                    #expect(bits(result) == bits(wanted), "\(kernels.name) m \(m) n \(n) k \(k)")
                }
                let alone = filled(n) { y in
                    x.withUnsafeBufferPointer {
                        matrix.multiply(
                            $0.baseAddress! + (m - 1) * (k + 1), rows: 1, xStride: k + 1, bias: bias, into: y,
                            yStride: n, kernels: kernels)
                    }
                }
                #expect(bits(alone) == bits(Array(wanted.suffix(n))), "\(kernels.name) last row of \(m)")
            }
        }
    }

    @Test func `products are close to float products`() {
        var random = Generator(3)
        let (n, k) = (50, 1000)
        let x = random.floats(k), w = random.floats(k * n)
        let products = [ElementType.float32, .int8].map { storage in
            let matrix = w.withUnsafeBytes {
                PackedMatrix(k: k, n: n, source: $0, sourceType: .float32, storage: storage)
            }
            return filled(n) { matrix.multiply(x, rows: 1, xStride: k, into: $0, yStride: n) }
        }
        var (error, size): (Float, Float) = (0, 0)
        for (a, b) in zip(products[0], products[1]) {
            error += (a - b) * (a - b)
            size += a * a
        }
        #expect((error / size).squareRoot() < 0.01)
    }

    @Test func `a NaN or infinity in one row stays in that row`() {
        var random = Generator(5)
        let (m, n, k) = (6, 20, 300)
        var x = random.floats(m * k)
        let matrix = matrix(k, n, &random)
        let clean = filled(m * n) { matrix.multiply(x, rows: m, xStride: k, into: $0, yStride: n) }
        (x[2 * k + 200], x[4 * k + 7]) = (.nan, -.infinity)
        let y = filled(m * n) { matrix.multiply(x, rows: m, xStride: k, into: $0, yStride: n) }
        for r in 0..<m {
            let row = Array(y[r * n..<(r + 1) * n])
            if r == 2 || r == 4 {
                #expect(row.allSatisfy { $0.isNaN })
            } else {
                #expect(bits(row) == bits(Array(clean[r * n..<(r + 1) * n])))
            }
        }
    }
}
