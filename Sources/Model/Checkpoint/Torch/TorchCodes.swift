/// The levels' codes in a file of torch.save, level 0 first: a list or tuple of tensors, a dict that has it as `zs` or has
/// `z0`, `z1`, …, or the top level's tensor alone.
struct TorchCodes {
    /// By level; nil for one that is left out.
    let tensors: [StoredTensor?]

    private static let forms =
        "a list of the levels' tensors, level 0 first (torch.save(zs, …)), or a dict with such a list `zs`, as the "
        + "original's data.pth.tar is"

    /// - Parameter levels: how many the model has; what a tensor alone needs.
    init(_ file: MappedFile, levels: Int?) throws {
        let torch = try TorchFile(file)
        switch torch.object {
        case .list, .tuple:
            tensors = try Self.list(torch.object.elements ?? [], torch)
        case .dictionary(let members):
            if let elements = members["zs"]?.elements {
                tensors = try Self.list(elements, torch)
            } else {
                tensors = try Self.named(members, torch)
            }
        case .tensor:
            guard let levels else {
                throw CheckpointError(
                    .unsupported, file.path, "holds one tensor, whose level is not told: expected \(Self.forms)")
            }
            let top = try Self.tensor(torch.object, level: levels - 1, torch)
            tensors = Array(repeating: nil, count: levels - 1) + [top]
        default:
            throw CheckpointError(
                .unsupported, file.path, "holds \(torch.object.kindName), no codes: expected \(Self.forms)")
        }
    }

    private static func list(_ elements: [PickleValue], _ torch: TorchFile) throws -> [StoredTensor?] {
        try elements.enumerated().map { level, value in
            if case .none = value { return nil }
            return try tensor(value, level: level, torch)
        }
    }

    /// A dict with a tensor for each level.
    private static func named(_ members: PickleDictionary, _ torch: TorchFile) throws -> [StoredTensor?] {
        let found = (0..<16).compactMap { level in
            members["z\(level)"].map { (level: level, value: $0) }
        }
        guard let last = found.last else {
            throw CheckpointError(
                .missing, torch.path,
                "has no list of codes `zs`, which the original's data.pth.tar has (a dict with the entries "
                    + "\(members.names.prefix(6).joined(separator: ", "))); expected \(forms)")
        }
        var tensors = [StoredTensor?](repeating: nil, count: last.level + 1)
        for (level, value) in found { tensors[level] = try tensor(value, level: level, torch) }
        return tensors
    }

    private static func tensor(_ value: PickleValue, level: Int, _ torch: TorchFile) throws -> StoredTensor {
        guard case .tensor(let record) = value else {
            throw CheckpointError(
                .malformed, torch.path, "zs[\(level)] is \(value.kindName), expected a tensor [samples, tokens]")
        }
        let tensor = try torch.tensor(record, named: "zs[\(level)]")
        // One sample's codes, without the dimension of samples.
        guard record.shape.count == 1, tensor.count > 0 else { return tensor }
        let row = TensorRecord(
            storage: record.storage, offset: record.offset, shape: [1] + record.shape, strides: [1] + record.strides)
        return try torch.tensor(row, named: "zs[\(level)]")
    }
}
