import Checkpoint
import Tensor

/// Rows of an embedding, [rows][width], float32.
struct EmbeddingTable: Sendable {
    let values: Buffer<Float>
    let rows: Int
    let width: Int

    init(_ weights: Weights, _ name: String) throws {
        let tensor = try weights.tensor(name)
        rows = tensor.shape[0]
        width = tensor.shape[1]
        values = Buffer(try weights.floats(name))
    }

    func copy(row: Int, to out: UnsafeMutablePointer<Float>) {
        out.update(from: values.pointer + row * width, count: width)
    }

    func add(row: Int, to out: UnsafeMutablePointer<Float>) {
        Kernels.active.accumulate(values.pointer + row * width, onto: out, count: width)
    }
}

/// The original's `Conv1D`: x · w + b with w [in, out].
struct Linear: Sendable {
    let matrix: PackedMatrix
    let bias: Buffer<Float>

    /// - Parameter storage: what the weights become; nil keeps their type.
    init(_ weights: Weights, _ name: String, storage: WeightType?) throws {
        matrix = try .packing(weights, "\(name).w", transposed: false, storage: storage)
        bias = Buffer(try weights.floats("\(name).b"))
    }

    func apply(
        _ x: UnsafePointer<Float>, rows: Int, to y: UnsafeMutablePointer<Float>, team: ThreadTeam
    ) {
        matrix.multiply(
            x, rows: rows, xStride: matrix.k, bias: bias.pointer, into: y, yStride: matrix.n, team: team)
    }
}

extension PackedMatrix {
    /// Packs a checkpoint's matrix, or takes it from the weights' store.
    ///
    /// - Parameters:
    ///   - transposed: the tensor is [out, in] (an embedding or `nn.Linear`) rather than [in, out].
    ///   - storage: what the numbers become; nil keeps what can be packed as it is, and makes float32 of all else.
    static func packing(
        _ weights: Weights, _ name: String, transposed: Bool, storage: WeightType?
    ) throws -> PackedMatrix {
        let tensor = try weights.tensor(name)
        let (k, n) = transposed ? (tensor.shape[1], tensor.shape[0]) : (tensor.shape[0], tensor.shape[1])
        let source = packable(tensor)
        let storage = storage ?? .scalar(source ?? .float32)
        let memory = try weights.memory(name, count: byteCount(k: k, n: n, storage: storage))
        func pack(_ bytes: UnsafeRawBufferPointer) -> PackedMatrix {
            PackedMatrix(
                k: k, n: n, source: bytes, sourceType: source ?? .float32, transposed: transposed, storage: storage,
                memory: memory)
        }
        if memory.isFilled { return pack(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return source == nil ? try weights.floats(name).withUnsafeBytes(pack) : try weights.withBytes(name, pack)
    }
}

/// The type of a tensor's numbers where matrices can be packed from them as they are; nil where they become float32 first.
private func packable(_ tensor: StoredTensor) -> ScalarType? {
    switch tensor.type {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16, .float64, .int64, .int32, .int16, .int8, .uint8, .bool: nil
    }
}

/// LayerNorm with gain and bias, eps 1e-5.
struct Norm: Sendable {
    let gain: Buffer<Float>
    let bias: Buffer<Float>

    init(_ weights: Weights, _ name: String) throws {
        gain = Buffer(try weights.floats("\(name).weight"))
        bias = Buffer(try weights.floats("\(name).bias"))
    }

    func apply(_ x: UnsafePointer<Float>, rows: Int, to y: UnsafeMutablePointer<Float>) {
        Kernels.active.layerNorm(
            x, gain: gain.pointer, bias: bias.pointer, epsilon: 1e-5, into: y, rows: rows, width: gain.count)
    }
}
