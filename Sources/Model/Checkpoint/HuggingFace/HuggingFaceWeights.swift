import Foundation

/// The weights of a folder in Hugging Face form: one file, or several with an index.
struct HuggingFaceWeights: Sendable {
    private enum Layout: Sendable {
        case single(path: String)
        /// From tensor name to file name, as the index has it.
        case sharded(index: String, files: [String: String])
    }

    private let folder: String
    private let layout: Layout

    /// What a folder may hold, in order of preference.
    static let fileNames = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ]

    /// Finds the weights; nil if the folder has none in this form.
    init?(folder: String) throws {
        let present = Self.fileNames.first { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
        guard let present else { return nil }
        let path = "\(folder)/\(present)"
        self.folder = folder
        layout =
            present.hasSuffix(".json")
            ? .sharded(index: path, files: try Self.weightMap(path)) : .single(path: path)
    }

    /// The part's tensors under the original's names, and the files they come from.
    ///
    /// - Parameter levels: the number of priors, nil to count those that the names mention.
    func tensors(of part: ModelPart, levels: Int?) throws -> (tensors: [String: StoredTensor], source: String) {
        switch layout {
        case .single(let path):
            let checkpoint = try Checkpoint.open(path: path)
            let names = HuggingFaceNames(checkpoint.names, levels: levels, path: path)
            let tensors = try translate(checkpoint.names, names, part, path) { checkpoint.tensors[$0] }
            return (tensors, path)
        case .sharded(let index, let files):
            let names = HuggingFaceNames(files.keys, levels: levels, path: index)
            var shards: [String: Checkpoint] = [:]
            let tensors = try translate(files.keys.sorted(), names, part, index) { name in
                guard let file = files[name] else { return nil }
                let shard = try shards[file] ?? Checkpoint.open(path: "\(folder)/\(file)")
                shards[file] = shard
                guard let tensor = shard.tensors[name] else {
                    throw CheckpointError(
                        .missing, shard.path, "has no tensor \(name), which \(index) says it holds")
                }
                return tensor
            }
            return (tensors, shards.keys.sorted().map { "\(folder)/\($0)" }.joined(separator: ", "))
        }
    }

    /// The number of priors that the names mention.
    func countedLevels() throws -> Int {
        switch layout {
        case .single(let path):
            HuggingFaceNames(try Checkpoint.open(path: path).names, path: path).levels
        case .sharded(let index, let files):
            HuggingFaceNames(files.keys, path: index).levels
        }
    }

    private func translate(
        _ originals: [String], _ names: HuggingFaceNames, _ part: ModelPart, _ path: String,
        _ tensor: (String) throws -> StoredTensor?
    ) throws -> [String: StoredTensor] {
        var tensors: [String: StoredTensor] = [:]
        for original in originals {
            let (owner, name) = try names.canonical(original)
            guard owner == part, let stored = try tensor(original) else { continue }
            guard tensors.updateValue(stored.renamed(name), forKey: name) == nil else {
                throw CheckpointError(.malformed, path, "tensor \(name) of \(part) occurs twice")
            }
        }
        return tensors
    }

    private static func weightMap(_ path: String) throws -> [String: String] {
        guard let members = try JSONValue.read(path: path)["weight_map"]?.objectValue else {
            throw CheckpointError(.malformed, path, "has no weight_map")
        }
        return try Dictionary(
            uniqueKeysWithValues: members.map { name, value in
                guard let file = value.stringValue else {
                    throw CheckpointError(.malformed, path, "the file of tensor \(name) is not a string")
                }
                guard !file.isEmpty, !file.contains("/"), file != "..", file != ".", !file.contains("\0")
                else {
                    throw CheckpointError(
                        .forbidden, path,
                        "tensor \(name) is said to be in \"\(file)\", which is outside of the folder")
                }
                return (name, file)
            })
    }
}
