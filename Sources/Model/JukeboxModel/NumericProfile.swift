import Tensor

/// What weights are computed from; `ElementType` is also what files hold.
typealias WeightType = ElementType

/// How numbers are kept, and with it every bit that is computed: part of every fingerprint.
///
/// The number after the name is the version of the contract.
package enum NumericProfile: String, Sendable, CaseIterable {
    /// Weights as stored, caches float32: for comparison with the original.
    case f32 = "f32/1"
    /// Weights and caches float16.
    case f16 = "f16/1"
    /// Transformer weights int8 with a scale for 128 rotated numbers of a column, multiplied with rows that are
    /// quantised likewise; the last layers, caches and other weights float16.
    case int8 = "int8/2"

    /// What sampling uses unless told otherwise.
    package static let standard = NumericProfile.f16

    /// The profile called `f32`, `f16` or `int8`.
    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// `f32`, `f16` or `int8`.
    package var name: String { "\(self)" }

    /// The profile that a fingerprint begins with.
    package init?(fingerprint: String) {
        self.init(rawValue: String(fingerprint.prefix { $0 != ":" }))
    }

    /// What the weights of a transformer's layer become; nil keeps the stored type.
    func weights(layer: Int, of depth: Int) -> WeightType? {
        switch self {
        case .f32: nil
        case .f16: .float16
        case .int8: layer < depth - Self.lastLayers ? .int8 : .float16
        }
    }

    /// Layers at a transformer's end that int8 leaves alone: they make two thirds of what it would cost in quality.
    private static let lastLayers = 2

    /// What the weights of other products become; nil keeps the stored type.
    var otherWeights: WeightType? { self == .f32 ? nil : .float16 }

    var caches: WeightType { self == .f32 ? .float32 : .float16 }
}
