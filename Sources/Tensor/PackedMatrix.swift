import CKernels

/// A weight matrix [k, n] laid out for multiplication: panels of 16 columns, each [k, 16].
package final class PackedMatrix: Sendable {
    /// Inputs (rows of the matrix).
    package let k: Int
    /// Outputs (columns of the matrix).
    package let n: Int
    package let storage: ElementType
    private let panels: Buffer<UInt8>

    /// Packs a matrix.
    ///
    /// - Parameters:
    ///   - k: inputs.
    ///   - n: outputs.
    ///   - source: [k, n] row-major as in `Conv1D.w`, or [n, k] when `transposed` as in the original's
    ///     linear and embedding weights; k × n elements of `sourceType`, at any alignment their type allows.
    ///   - storage: type kept in memory. float16 from float32 rounds to nearest even.
    ///   - team: threads to share the work; nil packs on the caller's.
    package init(
        k: Int, n: Int, source: UnsafeRawBufferPointer, sourceType: ElementType,
        transposed: Bool = false, storage: ElementType, team: ThreadTeam? = nil
    ) {
        precondition(
            k >= 0 && n >= 0 && source.count == k * n * sourceType.byteCount,
            "a [\(k), \(n)] matrix of \(sourceType) is not \(source.count) bytes")
        self.k = k
        self.n = n
        self.storage = storage
        let panels = Buffer<UInt8>(count: ck_packed_bytes(k, n, storage.code))
        self.panels = panels
        guard let base = source.baseAddress else { return }
        let work = Packing(
            source: base, sourceType: sourceType.code, transposed: transposed ? 1 : 0, k: k, n: n,
            panels: panels.pointer, storage: storage.code)
        if let team, k * n >= smallWork { team.run(work) } else { work.run(part: 0, of: 1) }
    }

    /// Bytes of memory the matrix takes.
    package var residentBytes: Int { panels.byteCount }

    /// y = x · W + bias, every output one chain of fused multiply-adds over k in order.
    ///
    /// - Parameters:
    ///   - x: [rows, k], rows `xStride` floats apart.
    ///   - rows: m.
    ///   - bias: [n], or nil for 0.
    ///   - y: [rows, n], rows `yStride` floats apart; must not overlap x.
    ///   - team: threads to share the work; the result does not depend on it.
    package func multiply(
        _ x: FloatPointer, rows: Int, xStride: Int, bias: FloatPointer? = nil,
        into y: MutableFloatPointer, yStride: Int, team: ThreadTeam? = nil,
        kernels: Kernels = .active
    ) {
        let gemm = storage == .float16 ? kernels.table.pointee.gemm_f16 : kernels.table.pointee.gemm_f32
        guard let gemm else { return }
        let work = Multiplication(
            gemm: gemm, x: x, xStride: xStride, panels: panels.pointer, bias: bias, y: y, yStride: yStride,
            rows: rows, n: n, k: k)
        if let team, rows * k * n >= smallWork { team.run(work) } else { work.run(part: 0, of: 1) }
    }
}

/// Multiply-adds below which waking a team costs more than it saves (about 5 µs of one thread's time).
private let smallWork = 1 << 17

/// Part `part` of `count` things in nearly equal parts.
private func share(of count: Int, part: Int, parts: Int) -> Range<Int> {
    count * part / parts..<count * (part + 1) / parts
}

private struct Packing: TeamWork {
    let source: UnsafeRawPointer, sourceType: ck_type, transposed: Int32
    let k: Int, n: Int
    let panels: UnsafeMutableRawPointer, storage: ck_type

    func run(part: Int, of parts: Int) {
        let mine = share(of: ck_panel_count(n), part: part, parts: parts)
        ck_pack(
            source, sourceType, transposed, k, n, panels, storage, mine.lowerBound, mine.upperBound)
    }
}

private struct Multiplication: TeamWork {
    typealias Gemm =
        @convention(c) (
            FloatPointer?, Int, UnsafeRawPointer?, FloatPointer?, MutableFloatPointer?, Int, Int, Int, Int, Int,
            Int
        ) -> Void

    let gemm: Gemm
    let x: FloatPointer, xStride: Int
    let panels: UnsafeRawPointer, bias: FloatPointer?
    let y: MutableFloatPointer, yStride: Int
    let rows: Int, n: Int, k: Int

    /// Some of the panels for all rows, so that each weight is read once; with too few panels for that, all
    /// panels for some of the rows.
    func run(part: Int, of parts: Int) {
        let panelCount = ck_panel_count(n)
        if panelCount < 2 * parts && rows > panelCount {
            let mine = share(of: rows, part: part, parts: parts)
            gemm(
                x + mine.lowerBound * xStride, xStride, panels, bias, y + mine.lowerBound * yStride, yStride,
                mine.count, n, k, 0, panelCount)
        } else {
            let mine = share(of: panelCount, part: part, parts: parts)
            gemm(
                x, xStride, panels, bias, y, yStride, rows, n, k, mine.lowerBound, mine.upperBound)
        }
    }
}
