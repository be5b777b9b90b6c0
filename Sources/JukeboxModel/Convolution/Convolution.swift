import Checkpoint
import Tensor

/// How a convolution's matrix product is computed.
enum ProductKind {
    /// Our kernels: the same bits everywhere, with weights of this type. For what can influence a token.
    case contract(WeightType)
    /// OpenBLAS. For what cannot.
    case openBLAS
}

/// A matrix product with a bias: rows × [inputs] → rows × [outputs].
struct Product: Sendable {
    private enum Kind: Sendable {
        case contract(PackedMatrix)
        case openBLAS(Buffer<Float>)
    }
    private let kind: Kind
    private let bias: Buffer<Float>
    let inputs: Int
    let outputs: Int

    /// - Parameter weights: [inputs][outputs], row-major.
    init(_ weights: [Float], inputs: Int, outputs: Int, bias: [Float], kind: ProductKind) {
        self.inputs = inputs
        self.outputs = outputs
        self.bias = Buffer(bias)
        switch kind {
        case .contract(let storage):
            self.kind = .contract(
                weights.withUnsafeBytes {
                    PackedMatrix(k: inputs, n: outputs, source: $0, sourceType: .float32, storage: storage)
                })
        case .openBLAS:
            self.kind = .openBLAS(Buffer(weights))
        }
    }

    /// y[r] = bias + x[r] · weights; rows of `x` are `inputs` apart, rows of `y` are `stride` apart.
    func apply(
        _ x: UnsafePointer<Float>, rows: Int, to y: UnsafeMutablePointer<Float>, stride: Int, team: ThreadTeam
    ) {
        switch kind {
        case .contract(let matrix):
            matrix.multiply(
                x, rows: rows, xStride: inputs, bias: bias.pointer, into: y, yStride: stride, team: team)
        case .openBLAS(let weights):
            for row in 0..<rows { (y + row * stride).update(from: bias.pointer, count: outputs) }
            BLAS.multiply(
                m: rows, n: outputs, k: inputs, a: x, aStride: inputs, b: weights.pointer, bStride: outputs,
                beta: 1, c: y, cStride: stride)
        }
    }
}

/// Rows of a signal, channels last: [length][channels].
struct Signal {
    var length: Int
    let channels: Int
    let values: Buffer<Float>

    init(length: Int, channels: Int) {
        self.length = length
        self.channels = channels
        values = Buffer(count: max(1, length * channels))
    }
}

/// A convolution over time as gathered taps times a matrix, in chunks of rows so that memory stays small.
///
/// Order of the products (part of the numerics contract): tap by tap, earliest first, channels within a tap.
struct Convolution: Sendable {
    let product: Product
    private let offsets: Buffer<Int>
    private let stride: Int
    private let inputChannels: Int

    /// - Parameters:
    ///   - weight: torch's [out, in, taps].
    ///   - padding: zeros before the first row; `offsets[j]` is `j · dilation − padding`.
    init(_ weights: Weights, _ name: String, stride: Int = 1, dilation: Int = 1, padding: Int, kind: ProductKind) throws
    {
        let shape = try weights.tensor("\(name).weight").shape
        let (out, input, taps) = (shape[0], shape[1], shape[2])
        let source = try weights.floats("\(name).weight")
        var matrix = [Float](repeating: 0, count: source.count)
        for o in 0..<out {
            for i in 0..<input {
                for tap in 0..<taps { matrix[(tap * input + i) * out + o] = source[(o * input + i) * taps + tap] }
            }
        }
        product = Product(
            matrix, inputs: taps * input, outputs: out, bias: try weights.floats("\(name).bias"), kind: kind)
        offsets = Buffer((0..<taps).map { $0 * dilation - padding })
        self.stride = stride
        inputChannels = input
    }

    static let rowsAtOnce = 2048

    /// Output rows `0..<length`; reads zeros outside the signal.
    func apply(_ x: Signal, length: Int, team: ThreadTeam) -> Signal {
        let y = Signal(length: length, channels: product.outputs)
        let gathered =
            offsets.count == 1 && offsets[0] == 0 && stride == 1
            ? nil : Buffer<Float>(count: min(length, Self.rowsAtOnce) * product.inputs)
        for begin in Swift.stride(from: 0, to: length, by: Self.rowsAtOnce) {
            let rows = min(Self.rowsAtOnce, length - begin)
            let target = y.values.pointer + begin * product.outputs
            guard let gathered else {
                product.apply(
                    x.values.pointer + begin * inputChannels, rows: rows, to: target, stride: product.outputs,
                    team: team)
                continue
            }
            gatherTaps(
                x.values.pointer, total: x.length, channels: inputChannels, begin: begin * stride, rows: rows,
                stride: stride, offsets: UnsafeBufferPointer(offsets.elements), into: gathered.pointer)
            product.apply(gathered.pointer, rows: rows, to: target, stride: product.outputs, team: team)
        }
        return y
    }
}

/// torch's `ConvTranspose1d` with filter 2·stride and padding stride / 2: makes a signal `stride` times longer.
/// Each output phase is a convolution of two input rows.
struct TransposedConvolution: Sendable {
    private let phases: [Product]
    private let stride: Int
    private let padding: Int
    private let inputChannels: Int
    let outputChannels: Int

    init(_ weights: Weights, _ name: String, stride: Int, kind: ProductKind) throws {
        let shape = try weights.tensor("\(name).weight").shape
        let (input, out, taps) = (shape[0], shape[1], shape[2])
        let source = try weights.floats("\(name).weight")
        let bias = try weights.floats("\(name).bias")
        self.stride = stride
        padding = stride / 2
        inputChannels = input
        outputChannels = out
        phases = (0..<stride).map { phase in
            var matrix = [Float](repeating: 0, count: 2 * input * out)
            for (half, tap) in [(0, phase + stride), (1, phase)] {
                for i in 0..<input {
                    for o in 0..<out { matrix[(half * input + i) * out + o] = source[(i * out + o) * taps + tap] }
                }
            }
            return Product(matrix, inputs: 2 * input, outputs: out, bias: bias, kind: kind)
        }
    }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        let y = Signal(length: x.length * stride, channels: outputChannels)
        let gathered = Buffer<Float>(count: min(x.length, Convolution.rowsAtOnce) * 2 * inputChannels)
        for output in 0..<stride {
            // Output row q·stride + output takes input rows q + shift − 1 and q + shift, at this phase.
            let phase = (output + padding) % stride
            let shift = (output + padding) / stride
            let offsets = Buffer([shift - 1, shift])
            for begin in Swift.stride(from: 0, to: x.length, by: Convolution.rowsAtOnce) {
                let rows = min(Convolution.rowsAtOnce, x.length - begin)
                gatherTaps(
                    x.values.pointer, total: x.length, channels: inputChannels, begin: begin, rows: rows,
                    offsets: UnsafeBufferPointer(offsets.elements), into: gathered.pointer)
                phases[phase].apply(
                    gathered.pointer, rows: rows, to: y.values.pointer + (begin * stride + output) * outputChannels,
                    stride: stride * outputChannels, team: team)
            }
        }
        return y
    }
}
