/// One of the networks that a model folder holds.
package enum ModelPart: Hashable, Sendable, CustomStringConvertible {
    case vqvae
    /// The transformer of a level, 0 at the bottom.
    case prior(level: Int)

    /// The original's name, which is also the name of its file without extension.
    package var description: String {
        switch self {
        case .vqvae: "vqvae"
        case .prior(let level): "prior_level_\(level)"
        }
    }
}
