import Foundation

/// A folder with a model, in any of three layouts:
///
/// - OpenAI's: `vqvae.pth.tar`, `prior_level_{l}.pth.tar` (or `.pth`), and `hparams.json` if it is not a
///   published one;
/// - our own: the same with `.safetensors`;
/// - Hugging Face's: `config.json` and `model.safetensors` or `pytorch_model.bin`, sharded with an index or
///   not.
package struct ModelFolder: Sendable {
    package enum Layout: String, Sendable {
        case openAI = "OpenAI"
        case own = "Orchestrion"
        case huggingFace = "Hugging Face"
    }

    package let path: String
    package let layout: Layout
    /// The content of `hparams.json`, or what `config.json` says in the same form: an object with `vqvae` and
    /// `prior_level_{l}`. nil if there is neither, as with the published files, whose geometry goes by name.
    package let hyperparameters: JSONValue?
    /// Where ``hyperparameters`` come from, for messages.
    package let hyperparametersSource: String?
    /// The levels whose priors are here, ascending.
    package let levels: [Int]
    /// Whether a VQ-VAE is here.
    package let hasVQVAE: Bool
    /// The folder beside this one that the parts which are not here were taken from.
    package let neighbour: String?

    private let files: [ModelPart: String]
    private let huggingFace: HuggingFaceWeights?
    private let huggingFaceLevels: Int?

    private static let extensions = ["safetensors", "pth.tar", "pth"]

    /// Looks what the folder holds; weights are opened by ``weights(of:)``.
    package static func open(_ directory: String) throws -> ModelFolder { try ModelFolder(directory) }

    private init(_ directory: String) throws {
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        let entries = try ModelPlace.entries(of: path)
        let own = ModelFolder.parts(entries, path)
        let others = entries.contains("hparams.json") ? [:] : ModelFolder.lent(to: path, own)
        files = own.merging(others) { own, _ in own }
        neighbour = others.isEmpty ? nil : ModelPlace.neighbour(of: path)
        let configPath = "\(path)/config.json"
        let config = entries.contains("config.json") ? try JSONValue.read(path: configPath) : nil
        let weights = files.isEmpty ? try HuggingFaceWeights(folder: path) : nil
        if let weights {
            let converted = try config.map { try HuggingFaceConfig($0, path: configPath) }
            let count = try converted?.levels ?? weights.countedLevels()
            (layout, huggingFace, huggingFaceLevels) = (.huggingFace, weights, count)
            (levels, hasVQVAE) = (Array(0..<count), true)
            hyperparameters =
                try ModelFolder.ownHyperparameters(entries, path) ?? converted?.hyperparameters()
            hyperparametersSource = ModelFolder.hyperparametersSource(entries, path, config: converted != nil)
        } else {
            guard !files.isEmpty else { throw ModelFolder.nothingFound(path) }
            layout = files.values.contains { $0.hasSuffix(".safetensors") } ? .own : .openAI
            (huggingFace, huggingFaceLevels) = (nil, nil)
            levels = files.keys.compactMap { if case .prior(let level) = $0 { level } else { nil } }.sorted()
            hasVQVAE = files[.vqvae] != nil
            hyperparameters = try ModelFolder.ownHyperparameters(entries, path)
            hyperparametersSource = ModelFolder.hyperparametersSource(entries, path, config: false)
        }
    }

    /// The tensors of one network under the original's names. Opening maps files and reads their tables, no
    /// more.
    ///
    /// Where output and embedding share their weights (`merged_decoder` false) and the file holds them once,
    /// both names are given.
    package func weights(of part: ModelPart) throws -> WeightSet {
        let tensors: [String: StoredTensor]
        let source: String
        if let huggingFace {
            (tensors, source) = try huggingFace.tensors(of: part, levels: huggingFaceLevels)
            guard !tensors.isEmpty else { throw missing(part) }
        } else {
            guard let file = files[part] else { throw missing(part) }
            source = file
            tensors = try ModelFolder.canonical(try Checkpoint.open(path: file), part)
        }
        return WeightSet(part: part, tensors: tied(tensors, part), source: source)
    }

    private static func canonical(_ checkpoint: Checkpoint, _ part: ModelPart) throws -> [String:
        StoredTensor]
    {
        var tensors: [String: StoredTensor] = [:]
        for (name, tensor) in checkpoint.tensors {
            let published = WeightSet.canonicalName(name, of: part)
            let stored = published == name ? tensor : tensor.renamed(published)
            guard tensors.updateValue(stored, forKey: published) == nil else {
                throw CheckpointError(
                    .malformed, checkpoint.path, "tensor \(published) occurs under two names")
            }
        }
        return tensors
    }

    private func tied(_ tensors: [String: StoredTensor], _ part: ModelPart) -> [String: StoredTensor] {
        let (output, embedding) = ("prior.x_out.weight", "prior.x_emb.weight")
        guard case .prior = part, tensors[output] == nil, let shared = tensors[embedding],
            hyperparameters?[part.description]?["merged_decoder"]?.boolValue == false
        else { return tensors }
        return tensors.merging([output: shared.renamed(output)]) { own, _ in own }
    }

    /// The files of OpenAI's and our own layout; safetensors are preferred where a part is there twice.
    private static func parts(_ entries: [String], _ path: String) -> [ModelPart: String] {
        var files: [ModelPart: String] = [:]
        for suffix in extensions.reversed() {
            for entry in entries where entry.hasSuffix(".\(suffix)") {
                let stem = entry.dropLast(suffix.count + 1)
                if stem == "vqvae" {
                    files[.vqvae] = "\(path)/\(entry)"
                } else if stem.hasPrefix("prior_level_"),
                    let level = Int(stem.dropFirst("prior_level_".count)),
                    stem == "prior_level_\(level)", level >= 0
                {
                    files[.prior(level: level)] = "\(path)/\(entry)"
                }
            }
        }
        return files
    }

    private static func ownHyperparameters(_ entries: [String], _ path: String) throws -> JSONValue? {
        guard entries.contains("hparams.json") else { return nil }
        let value = try JSONValue.read(path: "\(path)/hparams.json")
        guard value.objectValue != nil else {
            throw CheckpointError(.malformed, "\(path)/hparams.json", "is not a JSON object")
        }
        return value
    }

    private static func hyperparametersSource(_ entries: [String], _ path: String, config: Bool) -> String? {
        if entries.contains("hparams.json") { return "\(path)/hparams.json" }
        return config ? "\(path)/config.json" : nil
    }

    private static func nothingFound(_ path: String) -> CheckpointError {
        let own = extensions.map { "vqvae.\($0)" } + extensions.map { "prior_level_N.\($0)" }
        return CheckpointError(
            .missing, path,
            "holds no model; looked for \((own + HuggingFaceWeights.fileNames).joined(separator: ", "))"
                + ModelPlace.hints(path, isModel: looksLikeOne))
    }

    private static func looksLikeOne(_ path: String) -> Bool {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return !parts(entries, path).isEmpty || HuggingFaceWeights.fileNames.contains(where: entries.contains)
    }

    /// What the original's cache keeps once for all models: the VQ-VAE and the upsamplers, in `5b`.
    private static func lent(to path: String, _ own: [ModelPart: String]) -> [ModelPart: String] {
        guard !own.isEmpty, let neighbour = ModelPlace.neighbour(of: path) else { return [:] }
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: neighbour)) ?? []
        let shared: [ModelPart] = [.vqvae, .prior(level: 0), .prior(level: 1)]
        return parts(entries, neighbour).filter { shared.contains($0.key) && own[$0.key] == nil }
    }

    /// What was taken from another folder, for people; nil where all is here.
    package var neighbourNote: String? {
        guard let neighbour else { return nil }
        let lent = files.filter { $0.value.hasPrefix("\(neighbour)/") }.keys.map(\.description).sorted()
        return "\(path) lacks \(lent.joined(separator: ", ")); taken from \(neighbour)"
    }

    /// - Throws: `CheckpointError` saying what to do when the part is not here.
    package func check(has part: ModelPart) throws {
        guard huggingFace == nil else { return }
        guard let file = files[part] else { throw missing(part) }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder.boolValue {
            throw CheckpointError(.missing, file, "is a folder, and a file is expected")
        }
    }

    private func missing(_ part: ModelPart) -> CheckpointError {
        let wanted =
            huggingFace == nil
            ? ModelFolder.extensions.map { "\(part).\($0)" }.joined(separator: ", ")
            : "tensors of \(part) in \(HuggingFaceWeights.fileNames.joined(separator: ", "))"
        let present = files.keys.map(\.description).sorted().joined(separator: ", ")
        return CheckpointError(
            .missing, path,
            "has no \(part): looked for \(wanted)" + (present.isEmpty ? "" : "; the folder holds \(present)")
                + ModelPlace.hints(path, missing: part))
    }
}
