import CKernels

/// Memory for the panels of a packed matrix.
package struct PackedMemory {
    package let buffer: Buffer<UInt8>
    /// Whether the panels are there already.
    package let isFilled: Bool

    package init(buffer: Buffer<UInt8>, isFilled: Bool) {
        self.buffer = buffer
        self.isFilled = isFilled
    }

    package static func fresh(_ count: Int) -> PackedMemory {
        PackedMemory(buffer: Buffer(count: count), isFilled: false)
    }
}

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
    ///   - storage: type kept in memory. What has fewer bits than the source is rounded to nearest even; int8 is
    ///     quantised.
    ///   - memory: where the panels lie, of `byteCount` bytes; what is filled is not packed again.
    ///   - team: threads to share the work; nil packs on the caller's.
    package init(
        k: Int, n: Int, source: UnsafeRawBufferPointer, sourceType: ScalarType,
        transposed: Bool = false, storage: ElementType, memory: PackedMemory? = nil, team: ThreadTeam? = nil
    ) {
        let memory = memory ?? .fresh(Self.byteCount(k: k, n: n, storage: storage))
        precondition(
            k >= 0 && n >= 0 && (memory.isFilled || source.count == k * n * sourceType.byteCount),
            "a [\(k), \(n)] matrix of \(sourceType) is not \(source.count) bytes")
        self.k = k
        self.n = n
        self.storage = storage
        panels = memory.buffer
        if memory.isFilled { return }
        guard let base = source.baseAddress else { return }
        let work = Packing(
            source: base, sourceType: sourceType.code, transposed: transposed ? 1 : 0, k: k, n: n,
            panels: panels.pointer, storage: storage.code)
        if let team, k * n >= smallWork { team.run(work) } else { work.run(part: 0, of: 1, thread: 0) }
    }

    /// Rows up to which a product is bound by reading its weights: kernels read x as it is, and take up to four panels at
    /// once.
    package static let fewRows = Int(CK_FEW_ROWS)

    /// Bytes of a packed matrix.
    package static func byteCount(k: Int, n: Int, storage: ElementType) -> Int {
        ck_packed_bytes(k, n, storage.code)
    }

    /// Whether its products read `QuantizedRows` rather than float32.
    package var readsQuantizedRows: Bool { storage.readsQuantizedRows }

    /// Bytes of memory the matrix takes.
    package var residentBytes: Int { panels.byteCount }

    /// y = x · W + bias, every output one chain of fused multiply-adds over k in order; for int8 see `QuantizedRows`.
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
        var quantized: QuantizedRows?
        if readsQuantizedRows {
            quantized = QuantizedRows(rows: rows, k: k)
            quantized?.fill(0..<rows, from: x, stride: xStride, k: k, kernels: kernels)
        }
        let work = Multiplication(
            matrix: self, x: x, xStride: xStride, quantized: quantized, bias: bias, y: y, yStride: yStride, rows: rows,
            kernels: kernels)
        if let team, rows * k * n >= smallWork {
            team.run(work, parts: work.parts(threads: team.threads))
        } else {
            work.run(part: 0, of: 1, thread: 0)
        }
    }

    /// x · W of float32 with sums in any order: for benchmarks, as what the order of `multiply` costs.
    package func multiplyInAnyOrder(
        _ x: FloatPointer, rows: Int, into y: MutableFloatPointer, team: ThreadTeam, kernels: Kernels = .active
    ) {
        precondition(storage == .float32, "only float32 has a product in any order")
        team.run { part, parts in
            let mine = share(of: ck_panel_count(n), part: part, parts: parts)
            kernels.table.pointee.gemm_free(
                x, k, panels.pointer, nil, y, n, rows, n, k, mine.lowerBound, mine.upperBound)
        }
    }

    /// Panels of 16 columns, the last of which may be narrower.
    package var panelCount: Int { ck_panel_count(n) }

    /// The columns of some panels.
    package func columns(ofPanels panels: Range<Int>) -> Range<Int> {
        min(panels.lowerBound * Int(CK_PANEL), n)..<min(panels.upperBound * Int(CK_PANEL), n)
    }

    /// Whole panels that fit into so many columns, at least one.
    package func panels(ofColumns columns: Int) -> Int { max(1, columns / Int(CK_PANEL)) }

    /// `multiply` for some columns, a multiple of 16 to a multiple of 16 (or n), by one thread.
    ///
    /// - Parameters:
    ///   - x: unused by int8.
    ///   - quantized: the rows of x, for int8.
    ///   - arranged: the rows of x or, for int8, the quantised ones, if they were arranged.
    package func multiply(
        _ x: FloatPointer, xStride: Int, quantized: QuantizedRows?, arranged: ArrangedRows? = nil, rows: Int,
        columns: Range<Int>, bias: FloatPointer?, into y: MutableFloatPointer, yStride: Int, kernels: Kernels = .active
    ) {
        let (first, last) = (columns.lowerBound / Int(CK_PANEL), ck_panel_count(columns.upperBound))
        guard first < last else { return }
        let table = kernels.table.pointee
        let from = arranged.map { UnsafePointer($0.values.pointer) } ?? x
        let stride = arranged == nil ? xStride : Int(CK_ARRANGED)
        switch storage {
        case .scalar(.float32): table.gemm_f32(from, stride, panels.pointer, bias, y, yStride, rows, n, k, first, last)
        case .scalar(.float16): table.gemm_f16(from, stride, panels.pointer, bias, y, yStride, rows, n, k, first, last)
        case .int8:
            guard let quantized else { preconditionFailure("an int8 product needs quantised rows") }
            let values = arranged.map { UnsafeRawPointer($0.values.pointer).assumingMemoryBound(to: Int8.self) }
            table.gemm_i8(
                values ?? UnsafePointer(quantized.values.pointer), arranged == nil ? 0 : 1, quantized.scales.pointer,
                quantized.offsets.pointer, panels.pointer, bias, y, yStride, rows, n, k, first, last)
        }
    }

    /// Blocks of 16 numbers of a row as it is arranged for this matrix.
    package var arrangedBlocks: Int { (arrangedWidth + 15) / 16 }

    /// Numbers of four bytes.
    private var arrangedWidth: Int { readsQuantizedRows ? ck_quantized_width(k) / 4 : k }

    /// Arranges some blocks of all rows for this matrix.
    ///
    /// - Parameters:
    ///   - x: [rows, k]; unused by int8.
    ///   - quantized: the rows of x, for int8.
    package func arrange(
        _ x: FloatPointer, quantized: QuantizedRows?, rows: Int, blocks: Range<Int>, into arranged: ArrangedRows,
        kernels: Kernels = .active
    ) {
        let source = readsQuantizedRows ? quantized.map { UnsafeRawPointer($0.values.pointer) } : UnsafeRawPointer(x)
        guard let source else { preconditionFailure("an int8 product needs quantised rows") }
        let width = arrangedWidth
        arranged.fill(
            min(16 * blocks.lowerBound, width)..<min(16 * blocks.upperBound, width), from: source, rows: rows,
            width: width, kernels: kernels)
    }
}

/// Rows of numbers as int8, with a scale for every 128 numbers of a row: what int8 matrices multiply.
///
/// A row is quantised from itself alone, and the sums of its integer products are exact, so its results do not depend
/// on its neighbours, on tiles or on threads.
package final class QuantizedRows: Sendable {
    fileprivate let values: Buffer<Int8>
    fileprivate let scales: Buffer<Float>
    fileprivate let offsets: Buffer<Int32>

    /// Room for rows of up to `k` numbers.
    package init(rows: Int, k: Int) {
        values = Buffer(count: rows * ck_quantized_width(k))
        scales = Buffer(count: rows * ck_group_count(k))
        offsets = Buffer(count: rows * ck_group_count(k))
    }

    /// Quantises rows of x [rows, k].
    package func fill(
        _ rows: Range<Int>, from x: FloatPointer, stride: Int, k: Int, kernels: Kernels = .active
    ) {
        let groups = ck_group_count(k)
        kernels.table.pointee.quantize(
            x + rows.lowerBound * stride, stride, rows.count, k,
            values.pointer + rows.lowerBound * ck_quantized_width(k), scales.pointer + rows.lowerBound * groups,
            offsets.pointer + rows.lowerBound * groups)
    }
}

/// Rows of numbers in the order in which products read them; otherwise each thread that shares a product has to bring
/// them into it.
package final class ArrangedRows: Sendable {
    fileprivate let values: Buffer<Float>

    /// Room for rows of up to `k` numbers.
    package init(rows: Int, k: Int) { values = Buffer(count: rows * k) }

    /// Whether these kernels' products of so many rows gain from it.
    package static func isUseful(rows: Int, kernels: Kernels = .active) -> Bool {
        rows > PackedMatrix.fewRows && kernels.table.pointee.arrange != nil
    }

    /// Puts numbers of four bytes, `range` of every row of x [rows, width], in their places; several threads do so at
    /// a time, for ranges that begin at multiples of 16.
    package func fill(
        _ range: Range<Int>, from x: UnsafeRawPointer, rows: Int, width: Int, kernels: Kernels = .active
    ) {
        kernels.table.pointee.arrange?(x, width, rows, width, range.lowerBound, range.upperBound, values.pointer)
    }
}

/// Multiply-adds below which waking a team costs more than it saves (about 5 µs of one thread's time).
private let smallWork = 1 << 17

/// Part `part` of `count` things in nearly equal parts.
package func share(of count: Int, part: Int, parts: Int) -> Range<Int> {
    count * part / parts..<count * (part + 1) / parts
}

private struct Packing: TeamWork {
    let source: UnsafeRawPointer, sourceType: ck_type, transposed: Int32
    let k: Int, n: Int
    let panels: UnsafeMutableRawPointer, storage: ck_type

    func run(part: Int, of parts: Int, thread: Int) {
        let mine = share(of: ck_panel_count(n), part: part, parts: parts)
        ck_pack(
            source, sourceType, transposed, k, n, panels, storage, mine.lowerBound, mine.upperBound)
    }
}

private struct Multiplication: TeamWork {
    let matrix: PackedMatrix
    let x: FloatPointer, xStride: Int
    let quantized: QuantizedRows?
    let bias: FloatPointer?
    let y: MutableFloatPointer, yStride: Int
    let rows: Int
    let kernels: Kernels

    /// Some of the panels for all rows, so that each weight is read once; with too few panels for that, all
    /// panels for some of the rows.
    func run(part: Int, of parts: Int, thread: Int) {
        let panelCount = matrix.panelCount
        if panelCount < parts && rows > panelCount && quantized == nil {
            let mine = share(of: rows, part: part, parts: parts)
            matrix.multiply(
                x + mine.lowerBound * xStride, xStride: xStride, quantized: nil, rows: mine.count,
                columns: 0..<matrix.n, bias: bias, into: y + mine.lowerBound * yStride, yStride: yStride,
                kernels: kernels)
        } else {
            let mine = share(of: panelCount, part: part, parts: parts)
            matrix.multiply(
                x, xStride: xStride, quantized: quantized, rows: rows, columns: matrix.columns(ofPanels: mine),
                bias: bias, into: y, yStride: yStride, kernels: kernels)
        }
    }

    /// Into how many parts the work is best cut: more than there are threads, so that one that comes late does not hold up the
    /// others, but no more than there are panels or rows to share.
    func parts(threads: Int) -> Int {
        let most = max(matrix.panelCount, quantized == nil ? rows : 1)
        return max(1, min(threads * Self.partsOfThread, most))
    }

    private static let partsOfThread = 4
}
