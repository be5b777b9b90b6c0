/// A file of named tensors, recognised by its content: safetensors, or torch.save of either format.
///
/// Opening maps the file and reads its tables; the data is read when a tensor is.
package struct Checkpoint: Sendable {
    package enum Format: Sendable, Equatable {
        case safetensors
        case torch(TorchFile.Format)

        package var name: String {
            switch self {
            case .safetensors: "safetensors"
            case .torch(let format): format.rawValue
            }
        }
    }

    package let path: String
    package let format: Format
    /// The tensors by name. In a torch file those of the state dict, without a leading `module.`.
    package let tensors: [String: StoredTensor]
    /// The tensors' names in the file's order.
    package let names: [String]
    /// The `__metadata__` of a safetensors file.
    package let metadata: [String: String]
    /// The saved object of a torch file, with what lies beside the state dict (`step`, `hps`).
    package let object: PickleValue?

    /// Opens a checkpoint.
    ///
    /// A torch file must hold a dict with the state dict under `model`, as the original writes it, or be a
    /// state dict.
    package static func open(path: String) throws -> Checkpoint {
        let file = try MappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        do {
            let checkpoint = try open(file)
            try file.checkWhole()
            return checkpoint
        } catch {
            // Rather than what is wrong with what came in place of what is gone.
            try file.checkWhole()
            throw error
        }
    }

    /// Why a file that begins so can be no checkpoint, to be said after its name; nil when it may be one.
    package static func problem(beginning bytes: UnsafeRawBufferPointer) -> String? {
        TorchFile.matches(bytes) || SafetensorsFile.matches(bytes) ? nil : FileKind.describe(bytes)
    }

    /// Whether a file that begins so is a web page, which servers send instead of what they have not.
    package static func isWebPage(beginning bytes: UnsafeRawBufferPointer) -> Bool { FileKind.isWebPage(bytes) }

    private static func open(_ file: MappedFile) throws -> Checkpoint {
        let path = file.path
        if TorchFile.matches(file.bytes) { return try Checkpoint(TorchFile(file)) }
        guard
            SafetensorsFile.matches(file.bytes)
                || path.hasSuffix(".safetensors") && !FileKind.isKnown(file.bytes)
        else { throw CheckpointError(.unsupported, path, FileKind.describe(file.bytes)) }
        return try Checkpoint(try SafetensorsFile(file), path)
    }

    private init(_ file: SafetensorsFile, _ path: String) throws {
        self.path = path
        format = .safetensors
        names = file.tensors.map(\.name)
        tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
        metadata = file.metadata
        object = nil
    }

    private init(_ file: TorchFile) throws {
        path = file.path
        format = .torch(file.format)
        metadata = [:]
        object = file.object
        var tensors: [String: StoredTensor] = [:]
        var names: [String] = []
        for (key, value) in try Checkpoint.stateDictionary(file).pairs {
            guard case .string(let fullName) = key, case .tensor(let record) = value else {
                throw CheckpointError(
                    .malformed, file.path,
                    "the state dict holds \(value.kindName) under \(key.stringValue ?? key.kindName), "
                        + "expected tensors under names")
            }
            let name = fullName.hasPrefix("module.") ? String(fullName.dropFirst("module.".count)) : fullName
            guard tensors.updateValue(try file.tensor(record, named: name), forKey: name) == nil else {
                throw CheckpointError(.malformed, file.path, "tensor \(name) occurs twice")
            }
            names.append(name)
        }
        self.tensors = tensors
        self.names = names
    }

    private static func stateDictionary(_ file: TorchFile) throws -> PickleDictionary {
        guard let root = file.object.dictionaryValue else {
            throw CheckpointError(
                .unsupported, file.path,
                "holds \(file.object.kindName), expected a dict with the entry `model`")
        }
        if let model = root["model"] {
            guard let state = model.dictionaryValue else {
                throw CheckpointError(
                    .malformed, file.path, "its entry `model` is \(model.kindName), expected a dict")
            }
            return state
        }
        let isStateDictionary = root.pairs.contains { if case .tensor = $0.value { true } else { false } }
        guard isStateDictionary, root["zs"] == nil else {
            throw CheckpointError(
                .unsupported, file.path,
                "holds no weights: a dict with the entries \(root.names.prefix(6).joined(separator: ", ")), "
                    + "expected `model`")
        }
        return root
    }
}
