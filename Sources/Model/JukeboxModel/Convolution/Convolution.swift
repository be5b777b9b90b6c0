import Checkpoint
import Tensor

/// A matrix product with a bias: rows × [inputs] → rows × [outputs].
struct Product: Sendable {
    private let matrix: PackedMatrix
    private let bias: Buffer<Float>
    let inputs: Int
    let outputs: Int

    /// - Parameters:
    ///   - memory: where the packed weights lie, or nil.
    ///   - storage: what the weights become in memory.
    ///   - weights: [inputs][outputs], row-major; not asked for when the memory is filled.
    init(
        inputs: Int, outputs: Int, bias: [Float], storage: WeightType = .float32, memory: PackedMemory? = nil,
        weights: () throws -> [Float]
    ) rethrows {
        self.inputs = inputs
        self.outputs = outputs
        self.bias = Buffer(bias)
        let values = memory?.isFilled == true ? [] : try weights()
        matrix = values.withUnsafeBytes {
            PackedMatrix(
                k: inputs, n: outputs, source: $0, sourceType: .float32, storage: storage, memory: memory)
        }
    }

    /// Multiplications and additions a row.
    var operations: Int { 2 * inputs * outputs }

    /// y[r] = bias + x[r] · weights, by the calling thread; rows of `x` are `inputs` apart, rows of `y` `stride`.
    func apply(_ x: UnsafePointer<Float>, rows: Int, to y: UnsafeMutablePointer<Float>, stride: Int) {
        matrix.multiply(x, rows: rows, xStride: inputs, bias: bias.pointer, into: y, yStride: stride)
    }

    /// Cuts `length` rows into chunks that the team's threads take as they come free, each with room for `width` floats
    /// a row that stays in the second-level cache.
    func forEachChunk(
        of length: Int, scratch width: Int, team: ThreadTeam,
        _ body: (_ rows: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) -> Void
    ) {
        let chunks = RowChunks(length: length, width: width, threads: team.threads)
        let scratch = Buffer<Float>(count: team.threads * chunks.rows * width)
        team.run(parts: chunks.count) { chunk, _, thread in
            body(chunks[chunk], scratch.pointer + thread * chunks.rows * width)
        }
    }
}

/// How rows of a signal are cut into chunks: none empty, each of at most `rows`, about as many as threads can take.
struct RowChunks {
    let length: Int
    /// Of a chunk; the last one may be shorter.
    let rows: Int
    let count: Int

    /// - Parameters:
    ///   - length: of the signal.
    ///   - width: floats that a row needs in the second-level cache.
    init(length: Int, width: Int, threads: Int) {
        self.length = length
        let most = max(48, Self.cacheFloats / max(1, width) / 8 * 8)
        let wanted = max(1, (length + most - 1) / most, min(threads, length / 32))
        rows = (length + wanted - 1) / wanted
        // Of chunks of so many whole rows there may be fewer than wanted.
        count = rows == 0 ? 0 : (length + rows - 1) / rows
    }

    subscript(chunk: Int) -> Range<Int> { chunk * rows..<min(length, (chunk + 1) * rows) }

    /// 512 kB.
    private static let cacheFloats = 1 << 17
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
    init(
        _ weights: Weights, _ name: String, stride: Int = 1, dilation: Int = 1, padding: Int,
        storage: WeightType = .float32
    ) throws {
        let shape = try weights.tensor("\(name).weight").shape
        let (out, input, taps) = (shape[0], shape[1], shape[2])
        let key = "\(name).weight"
        product = try Product(
            inputs: taps * input, outputs: out, bias: try weights.floats("\(name).bias"), storage: storage,
            memory: try weights.memory(key, k: taps * input, n: out, storage: storage)
        ) {
            let source = try weights.floats(key)
            var matrix = [Float](repeating: 0, count: source.count)
            for o in 0..<out {
                for i in 0..<input {
                    for tap in 0..<taps { matrix[(tap * input + i) * out + o] = source[(o * input + i) * taps + tap] }
                }
            }
            return matrix
        }
        offsets = Buffer((0..<taps).map { $0 * dilation - padding })
        self.stride = stride
        inputChannels = input
    }

    /// Output rows `0..<length`; reads zeros outside the signal.
    func apply(_ x: Signal, length: Int, team: ThreadTeam) -> Signal {
        let y = Signal(length: length, channels: product.outputs)
        product.forEachChunk(of: length, scratch: product.inputs, team: team) { rows, scratch in
            apply(x, rows: rows, to: y.values.pointer + rows.lowerBound * product.outputs, gathered: scratch)
        }
        return y
    }

    /// Some output rows, by the calling thread.
    ///
    /// - Parameters:
    ///   - y: [rows][outputs].
    ///   - gathered: room for [rows][inputs of the product].
    ///   - activated: whether the signal passes through a ReLU first.
    func apply(
        _ x: Signal, rows: Range<Int>, to y: UnsafeMutablePointer<Float>, gathered: UnsafeMutablePointer<Float>,
        activated: Bool = false
    ) {
        gatherTaps(
            x.values.pointer, total: x.length, channels: inputChannels, begin: rows.lowerBound * stride,
            rows: rows.count, stride: stride, offsets: UnsafeBufferPointer(offsets.elements), into: gathered)
        if activated { Kernels.active.relu(gathered, into: gathered, count: rows.count * product.inputs) }
        product.apply(gathered, rows: rows.count, to: y, stride: product.outputs)
    }
}

/// torch's `ConvTranspose1d` with filter 2·stride and padding stride / 2: makes a signal `stride` times longer.
/// Each output phase is a convolution of two input rows.
struct TransposedConvolution: Sendable {
    private let phases: [Product]
    /// The two input rows of an output row, by how far the phase has moved on.
    private let shifts: [Buffer<Int>]
    private let stride: Int
    private let padding: Int
    private let inputChannels: Int
    let outputChannels: Int

    init(_ weights: Weights, _ name: String, stride: Int, storage: WeightType = .float32) throws {
        let shape = try weights.tensor("\(name).weight").shape
        let (input, out, taps) = (shape[0], shape[1], shape[2])
        let bias = try weights.floats("\(name).bias")
        self.stride = stride
        padding = stride / 2
        shifts = [Buffer([-1, 0]), Buffer([0, 1])]
        inputChannels = input
        outputChannels = out
        phases = try (0..<stride).map { phase in
            try Product(
                inputs: 2 * input, outputs: out, bias: bias, storage: storage,
                memory: try weights.memory("\(name).weight.\(phase)", k: 2 * input, n: out, storage: storage)
            ) {
                let source = try weights.floats("\(name).weight")
                var matrix = [Float](repeating: 0, count: 2 * input * out)
                for (half, tap) in [(0, phase + stride), (1, phase)] {
                    for i in 0..<input {
                        for o in 0..<out { matrix[(half * input + i) * out + o] = source[(i * out + o) * taps + tap] }
                    }
                }
                return matrix
            }
        }
    }

    /// Multiplications and additions for a row of input.
    var operations: Int { phases.reduce(0) { $0 + $1.operations } }

    func apply(_ x: Signal, team: ThreadTeam) -> Signal {
        let y = Signal(length: x.length * stride, channels: outputChannels)
        phases[0].forEachChunk(of: x.length, scratch: 2 * inputChannels, team: team) { rows, gathered in
            for output in 0..<stride {
                // Output row q·stride + output takes input rows q + shift − 1 and q + shift, at this phase.
                let phase = (output + padding) % stride
                gatherTaps(
                    x.values.pointer, total: x.length, channels: inputChannels, begin: rows.lowerBound,
                    rows: rows.count, offsets: UnsafeBufferPointer(shifts[(output + padding) / stride].elements),
                    into: gathered)
                phases[phase].apply(
                    gathered, rows: rows.count,
                    to: y.values.pointer + (rows.lowerBound * stride + output) * outputChannels,
                    stride: stride * outputChannels)
            }
        }
        return y
    }
}
