/// What weights are: the fingerprint that is announced, and what follows from the same bytes for each tensor, so that
/// weights which are loaded later, one by one, can be compared with it.
package struct WeightIdentity: Sendable, Hashable, Codable {
    package internal(set) var fingerprint: String
    /// By the tensor's name, the hash of its bytes.
    let tensors: [String: String]
}

/// A tensor's bytes are not those that the fingerprint was made of.
package struct WeightsChanged: Error, CustomStringConvertible {
    package let path: String
    package let tensor: String

    package var description: String {
        "\(path): the tensor \(tensor) is not what it was when the model's fingerprint was made; the file was changed or "
            + "replaced meanwhile, or the disk reads it differently"
    }
}

/// A level's weights are not those that were announced.
package struct ModelChanged: Error, CustomStringConvertible {
    package let level: Int
    /// What was found when it was loaded.
    package let cause: String
    package let announced: String
    package let found: String

    package var description: String {
        "the weights of level \(level) have changed since this process began: \(cause). It announced \(announced), and the "
            + "files have \(found) now. Start it again to use them, or put the former files back"
    }
}
