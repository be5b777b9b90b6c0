import CKernels
import Tensor
import Testing

private struct Product {
    var m: Int, n: Int, k: Int, xStride: Int, yStride: Int
    var x: [Float], w: [Float], bias: [Float]?
    var storage: ElementType

    init(_ m: Int, _ n: Int, _ k: Int, storage: ElementType, biased: Bool, seed: UInt64 = 1) {
        var random = Generator(seed &+ UInt64(m * 1_000_003 + n * 1009 + k))
        self.m = m
        self.n = n
        self.k = k
        xStride = k + Int(random.next() % 4)
        yStride = n + Int(random.next() % 4)
        x = random.floats(m * xStride + 1)
        // Values that a half represents, so that float16 storage loses nothing.
        w = (0..<k * n).map { _ in Float(Int(random.next() % 2001) - 1000) / 512 }
        bias = biased ? random.floats(n) : nil
        self.storage = storage
    }

    func packed(transposed: Bool = false, team: ThreadTeam? = nil) -> PackedMatrix {
        var source = w
        if transposed {
            for i in 0..<k { for j in 0..<n { source[j * k + i] = w[i * n + j] } }
        }
        return source.withUnsafeBytes {
            PackedMatrix(
                k: k, n: n, source: $0, sourceType: .float32, transposed: transposed,
                storage: storage, team: team)
        }
    }

    func result(_ matrix: PackedMatrix, _ kernels: Kernels, team: ThreadTeam? = nil) -> [Float] {
        filled(m * yStride) { y in
            multiply(matrix, rows: m, x: x, into: y, kernels, team)
        }
    }

    func multiply(
        _ matrix: PackedMatrix, rows: Int, x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
        _ kernels: Kernels, _ team: ThreadTeam? = nil
    ) {
        if let bias {
            matrix.multiply(
                x, rows: rows, xStride: xStride, bias: bias, into: y, yStride: yStride, team: team,
                kernels: kernels)
        } else {
            matrix.multiply(
                x, rows: rows, xStride: xStride, into: y, yStride: yStride, team: team, kernels: kernels)
        }
    }

    /// The definition: a chain of fused multiply-adds over k in order. Padding between rows stays untouched.
    func naive() -> [Float] {
        var y = [Float](repeating: 12345, count: m * yStride)
        for r in 0..<m {
            for j in 0..<n {
                var sum = bias?[j] ?? 0
                for i in 0..<k { sum.addProduct(x[r * xStride + i], w[i * n + j]) }
                y[r * yStride + j] = sum
            }
        }
        return y
    }
}

@Suite struct GemmTests {
    @Test(arguments: [ElementType.float32, .float16])
    func `the scalar product is the naive chain`(storage: ElementType) {
        for (m, n, k) in [(1, 1, 1), (3, 17, 5), (7, 33, 40), (2, 16, 100), (13, 5, 0), (1, 50, 481)] {
            for biased in [false, true] {
                let product = Product(m, n, k, storage: storage, biased: biased)
                #expect(bits(product.result(product.packed(), scalar)) == bits(product.naive()))
            }
        }
    }

    @Test(arguments: [ElementType.float32, .float16])
    func `vector products equal the scalar one over all row and column tails`(storage: ElementType) {
        for kernels in vectors {
            for m in 1...13 {
                for n in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 70] {
                    let product = Product(m, n, 1 + (m * n) % 37, storage: storage, biased: (m + n) % 2 == 0)
                    let matrix = product.packed()
                    #expect(
                        bits(product.result(matrix, kernels)) == bits(product.result(matrix, scalar)),
                        "\(kernels.name) m \(m) n \(n) k \(product.k)")
                }
            }
        }
    }

    @Test(arguments: [ElementType.float32, .float16])
    func `vector products equal the scalar one over blocks of k and chunks of rows`(storage: ElementType) {
        let shapes = [
            (1, 70, 1000), (2, 33, 961), (6, 20, 320), (7, 20, 320), (7, 20, 321), (13, 33, 1000),
            (20, 17, 640), (97, 18, 500), (200, 16, 3), (26, 5, 9000), (5, 5, 0), (9, 5, 0),
        ]
        for kernels in vectors {
            for (m, n, k) in shapes {
                for biased in [false, true] {
                    let product = Product(m, n, k, storage: storage, biased: biased)
                    let matrix = product.packed()
                    #expect(
                        bits(product.result(matrix, kernels)) == bits(product.result(matrix, scalar)),
                        "\(kernels.name) m \(m) n \(n) k \(k)")
                }
            }
        }
    }

    @Test func `thread counts do not change a bit`() {
        for (m, n, k) in [(1, 300, 700), (5, 100, 400), (40, 33, 200), (300, 20, 100), (64, 16, 500)] {
            let product = Product(m, n, k, storage: .float32, biased: true)
            let matrix = product.packed()
            for kernels in Kernels.available {
                let alone = bits(product.result(matrix, kernels))
                for threads in 1...3 {
                    let team = ThreadTeam(threads: threads)
                    #expect(bits(product.result(matrix, kernels, team: team)) == alone)
                    #expect(bits(product.result(product.packed(team: team), kernels)) == alone)
                }
            }
        }
    }

    @Test(arguments: [ElementType.float32, .float16, .int8])
    func `rows that threads arranged together give the same bits`(storage: ElementType) {
        for kernels in Kernels.available {
            for (m, k) in [(5, 16), (16, 300), (23, 513), (50, 131), (97, 40), (200, 260)] {
                guard ArrangedRows.isUseful(rows: m, kernels: kernels) else { continue }
                let n = 50
                var random = Generator(UInt64(m))
                let (x, w, bias) = (random.floats(m * k), random.floats(k * n), random.floats(n))
                let matrix = w.withUnsafeBytes {
                    PackedMatrix(k: k, n: n, source: $0, sourceType: .float32, storage: storage)
                }
                let quantized = QuantizedRows(rows: m, k: k)
                quantized.fill(0..<m, from: x, stride: k, k: k, kernels: kernels)
                let arranged = ArrangedRows(rows: m, k: k)
                // Parts in any order, so that each must find its place for itself.
                for part in [2, 0, 1] {
                    let blocks = share(of: matrix.arrangedBlocks, part: part, parts: 3)
                    matrix.arrange(
                        x, quantized: quantized, rows: m, blocks: blocks, into: arranged, kernels: kernels)
                }
                let y = filled(m * n) { y in
                    for columns in [16..<50, 0..<16] {
                        matrix.multiply(
                            x, xStride: k, quantized: quantized, arranged: arranged, rows: m, columns: columns,
                            bias: bias, into: y, yStride: n, kernels: kernels)
                    }
                }
                let expected = filled(m * n) { y in
                    matrix.multiply(x, rows: m, xStride: k, bias: bias, into: y, yStride: n, kernels: scalar)
                }
                #expect(bits(y) == bits(expected), "\(kernels.name): \(m) rows of \(k)")
            }
        }
    }

    @Test(arguments: [ElementType.float32, .float16])
    func `a row alone equals the row in a batch`(storage: ElementType) {
        for kernels in Kernels.available {
            for m in [2, 6, 7, 13, 100] {
                let product = Product(m, 40, 490, storage: storage, biased: true)
                let matrix = product.packed()
                let batch = product.result(matrix, kernels)
                for r in stride(from: 0, to: m, by: m > 20 ? 17 : 1) {
                    let alone = filled(product.n) { y in
                        product.x.withUnsafeBufferPointer {
                            product.multiply(
                                matrix, rows: 1, x: $0.baseAddress! + r * product.xStride, into: y, kernels)
                        }
                    }
                    let inBatch = Array(batch[r * product.yStride..<r * product.yStride + product.n])
                    #expect(bits(alone) == bits(inBatch), "\(kernels.name) row \(r) of \(m)")
                }
            }
        }
    }

    @Test func `transposed sources, half sources and half storage pack to the same numbers`() {
        for (n, k) in [(1, 1), (16, 64), (17, 65), (40, 130)] {
            let product = Product(3, n, k, storage: .float32, biased: false)
            let expected = bits(product.naive())
            #expect(bits(product.result(product.packed(transposed: true), .active)) == expected)
            var halves = [UInt16](repeating: 0, count: n * k)
            Kernels.active.narrow(product.w, into: &halves, count: n * k)
            for storage in ScalarType.allCases {
                let matrix = halves.withUnsafeBytes {
                    PackedMatrix(k: k, n: n, source: $0, sourceType: .float16, storage: .scalar(storage))
                }
                #expect(bits(product.result(matrix, .active)) == expected)
                #expect(matrix.residentBytes == (n + 15) / 16 * 16 * k * storage.byteCount)
            }
        }
    }

    @Test func `a NaN or infinity in one row stays in that row`() {
        var product = Product(7, 20, 50, storage: .float32, biased: true)
        let matrix = product.packed()
        let clean = product.result(matrix, .active)
        product.x[3 * product.xStride + 10] = .nan
        product.x[5 * product.xStride + 10] = .infinity
        let y = product.result(matrix, .active)
        for r in 0..<7 {
            let range = r * product.yStride..<r * product.yStride + product.n
            if r == 3 {
                #expect(y[range].allSatisfy { $0.isNaN })
            } else if r == 5 {
                #expect(y[range].allSatisfy { !$0.isFinite })
            } else {
                #expect(bits(Array(y[range])) == bits(Array(clean[range])))
            }
        }
        for kernels in vectors {
            #expect(bits(product.result(matrix, kernels)) == bits(product.result(matrix, scalar)))
        }
    }
}
