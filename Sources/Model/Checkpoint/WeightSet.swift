/// The tensors of one network under the original's names, wherever they came from.
///
/// Names are those of OpenAI's files: `encoders.0.level_blocks.0.model.0.0.weight`,
/// `prior.transformer._attn_mods.0.attn.c_attn.w`, and so on. Training options of the original change two
/// names, which are brought back to the published form: a conditioner's ResNet blocks are always
/// `conditioner_blocks.0.cond.model.{i}.0.blocks.{j}`, those of the VQ-VAE always `….model.{j}`.
package struct WeightSet: Sendable {
    package let part: ModelPart
    package let tensors: [String: StoredTensor]
    /// The file or files they come from, for messages.
    package let source: String

    package init(part: ModelPart, tensors: [String: StoredTensor], source: String) {
        self.part = part
        self.tensors = tensors
        self.source = source
    }

    package subscript(name: String) -> StoredTensor? { tensors[name] }

    /// The names in alphabetical order.
    package var names: [String] { tensors.keys.sorted() }

    /// The first NaN or infinity in any tensor, by name and row-major index; nil if all values are finite.
    /// Reads every byte.
    package func firstNonFinite() throws -> (tensor: String, index: Int)? {
        for name in names {
            if let index = try tensors[name]?.firstNonFinite() { return (name, index) }
        }
        return nil
    }

    /// The published form of a name in one of OpenAI's files: recomputation in training renames ResNet
    /// blocks.
    static func canonicalName(_ name: String, of part: ModelPart) -> String {
        var words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        switch part {
        case .prior:
            // conditioner_blocks.0.cond.model.{i}.0.model.{j}.model.{1|3}.weight
            if words.count == 11, words[0] == "conditioner_blocks", words[6] == "model" {
                words[6] = "blocks"
            }
        case .vqvae:
            // encoders.{l}.level_blocks.{b}.model.{i}.1.blocks.{j}.model.{1|3}.weight
            if words.count == 12, words[2] == "level_blocks", words[7] == "blocks" { words[7] = "model" }
        }
        return words.joined(separator: ".")
    }
}
