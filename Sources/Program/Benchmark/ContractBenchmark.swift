package import Tensor

/// Measures what the numerics contract costs: the time of float32 products whose sums are in order, against the same
/// products with sums in any order.
package struct ContractBenchmark {
    private let matrices: [PackedMatrix]
    private let team: ThreadTeam
    private static let width = 1920

    /// - Parameter team: threads that share the products, which read matrices that no cache holds.
    package init(team: ThreadTeam) {
        self.team = team
        let width = Self.width
        let numbers = Buffer<Float>((0..<width * width).map { Float($0 &* 7919 & 1023) / 65536 - 1 / 128 })
        matrices = (0..<16).map { _ in
            PackedMatrix(
                k: width, n: width, source: UnsafeRawBufferPointer(numbers.elements), sourceType: .float32,
                storage: .float32, team: team)
        }
    }

    package func figure(batch: Int) -> Figure {
        let x = Buffer<Float>((0..<batch * Self.width).map { Float($0 & 63) / 64 - 0.5 })
        let y = Buffer<Float>(count: batch * Self.width)
        let stopwatch = Stopwatch(runs: 5, seconds: 0.5)
        let ratio = stopwatch.ratio {
            for matrix in matrices {
                matrix.multiply(
                    x.pointer, rows: batch, xStride: Self.width, into: y.pointer, yStride: Self.width, team: team)
            }
        } over: {
            for matrix in matrices { matrix.multiplyInAnyOrder(x.pointer, rows: batch, into: y.pointer, team: team) }
        }
        return Figure("contract", "time against free order, batch \(batch)", ratio, "×")
    }
}
