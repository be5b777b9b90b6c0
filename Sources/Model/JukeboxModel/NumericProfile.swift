import Tensor

/// What weights are computed from; `ElementType` is also what files hold of a number.
typealias WeightType = ElementType

/// How numbers are kept, and with it every bit that is computed: part of every fingerprint.
///
/// The number after the name is the version of the contract.
package enum NumericProfile: Sendable, CaseIterable {
    /// Weights as stored, caches float32: for comparison with the original.
    case f32
    /// Weights and caches float16.
    case f16
    /// Transformer weights int8 with a scale for 128 rotated numbers of a column, multiplied with rows that are
    /// quantised likewise; the last layers, caches and other weights float16.
    case int8

    /// What sampling uses unless told otherwise.
    package static let standard = NumericProfile.f16

    /// The profile called `f32`, `f16` or `int8`.
    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// `f32`, `f16` or `int8`.
    package var name: String { "\(self)" }

    /// All of them, for people: `f32, f16 or int8`.
    package static var list: String {
        let names = allCases.map(\.name)
        return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
    }

    /// What fingerprints begin with: the name, and the version of what it means.
    package var identifier: String {
        switch self {
        case .f32: "f32/1"
        case .f16: "f16/1"
        case .int8: "int8/2"
        }
    }

    package init?(identifier: String) {
        guard let found = Self.allCases.first(where: { $0.identifier == identifier }) else { return nil }
        self = found
    }

    /// The profile that a fingerprint begins with.
    package init?(fingerprint: String) {
        self.init(identifier: String(fingerprint.prefix { $0 != ":" }))
    }

    /// What one profile keeps, and how; nil keeps the type of the model's file.
    private struct Row {
        /// Matrices of a transformer's layers, but for the last.
        var layers: WeightType?
        /// Those of the last layers.
        var last: WeightType?
        /// Other products: output, conditioner, projection of the lyrics.
        var others: WeightType?
        /// Keys and values.
        var caches: ScalarType
    }

    private var row: Row {
        switch self {
        case .f32: Row(layers: nil, last: nil, others: nil, caches: .float32)
        case .f16: Row(layers: .float16, last: .float16, others: .float16, caches: .float16)
        case .int8: Row(layers: .int8, last: .float16, others: .float16, caches: .float16)
        }
    }

    /// Layers at a transformer's end that int8 leaves alone: they make two thirds of what it would cost in quality.
    private static let lastLayers = 2

    /// What the weights of a transformer's layer become; nil keeps the stored type.
    func weights(layer: Int, of depth: Int) -> WeightType? { layer < depth - Self.lastLayers ? row.layers : row.last }

    /// What the weights of other products become; nil keeps the stored type.
    var otherWeights: WeightType? { row.others }

    /// What keys and values become.
    var caches: ScalarType { row.caches }

    /// Bytes of so many numbers at most, whatever part of a prior they are.
    func mostBytes(of count: Int) -> Int {
        [row.layers, row.last, row.others].reduce(0) { max($0, ($1 ?? .float32).byteCount(of: count)) }
    }
}
