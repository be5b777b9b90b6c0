/// Files of token codes: ours (safetensors with `z0`, `z1`, … as int64 [samples, tokens]) and the original's
/// `data.pth.tar` (a dict whose `zs` lists the levels' LongTensors [samples, tokens], level 0 first), or such a list
/// itself, as `torch.save(zs, …)` writes it.
package enum CodesFile {
    /// Far more samples than anyone makes at once: an empty tensor may claim any number without holding a
    /// byte.
    private static let sampleLimit = 65_536

    /// Tokens on both sides of the seams of a level that was sampled in segments, which its audio is joined with:
    /// `z0.before` and `z0.after`, int64 [samples, seams · margin].
    package struct Margins: Sendable, Hashable {
        /// By sample: the right segments' tokens before each splice.
        package var before: [[Int]] = []
        /// The left segments' tokens from each splice on.
        package var after: [[Int]] = []

        package init() {}
    }

    /// What else our own files say; nothing of files of another kind.
    package static func metadata(_ path: String) throws -> [String: String] {
        let file = try MappedFile(path: path)
        return SafetensorsFile.matches(file.bytes) ? try SafetensorsFile(file).metadata : [:]
    }

    /// The margins, by level; empty for songs that were not sampled in segments.
    package static func readMargins(_ path: String) throws -> [Int: Margins] {
        let file = try MappedFile(path: path)
        guard SafetensorsFile.matches(file.bytes) else { return [:] }
        var margins: [Int: Margins] = [:]
        for tensor in try SafetensorsFile(file).tensors {
            guard let (level, part) = marginName(tensor.name) else { continue }
            let values = try rows(tensor, level: level, samples: tensor.shape.first ?? 0)
            margins[level, default: Margins()][keyPath: part] = values
        }
        return margins
    }

    private static func marginName(_ name: String) -> (level: Int, part: WritableKeyPath<Margins, [[Int]]>)? {
        let parts = name.split(separator: ".")
        guard parts.count == 2, parts[0].hasPrefix("z"), let level = Int(parts[0].dropFirst()), (0..<16).contains(level)
        else { return nil }
        switch parts[1] {
        case "before": return (level, \.before)
        case "after": return (level, \.after)
        default: return nil
        }
    }

    /// The codes as [level][sample][token].
    ///
    /// A lower level that a file leaves out, or that was not sampled yet, has empty samples. Errors: not a
    /// codes file, a level that is not a matrix of integers, different numbers of samples, negative codes.
    ///
    /// - Parameter levels: how many the model has, for a file that holds the top level's tensor alone.
    package static func read(_ path: String, levels: Int? = nil) throws -> [[[Int]]] {
        let file = try MappedFile(path: path)
        let tensors =
            TorchFile.matches(file.bytes) ? try TorchCodes(file, levels: levels).tensors : try safetensorsLevels(file)
        let full = tensors.compactMap(\.self).first { $0.count > 0 } ?? tensors.compactMap(\.self).first
        guard let samples = full?.shape.first else {
            throw CheckpointError(.missing, path, "holds no codes: expected z0, z1, … or a dict with zs")
        }
        guard samples <= sampleLimit else {
            throw CheckpointError(
                .malformed, path, "claims \(samples) samples, at most \(sampleLimit) are read")
        }
        return try tensors.enumerated().map { level, tensor in
            guard let tensor else { return Array(repeating: [], count: samples) }
            return try rows(tensor, level: level, samples: samples)
        }
    }

    /// Writes codes [level][sample][token] as our safetensors; within a level all samples have the same
    /// length.
    package static func write(
        _ codes: [[[Int]]], margins: [Int: Margins] = [:], to path: String, metadata: [String: String] = [:]
    ) throws {
        var entries = try codes.enumerated().map { level, samples in
            let length = samples.first?.count ?? 0
            guard samples.allSatisfy({ $0.count == length }), samples.count == codes[0].count else {
                throw CheckpointError(
                    .malformed, path,
                    "level \(level): samples of \(samples.map(\.count)) tokens do not make a matrix of "
                        + "\(codes[0].count) rows")
            }
            return SafetensorsWriter.Entry(name: "z\(level)", type: .int64, shape: [samples.count, length])
        }
        var values = codes
        for (level, margins) in margins.sorted(by: { $0.key < $1.key }) {
            for (name, samples) in [("before", margins.before), ("after", margins.after)] {
                let shape = [samples.count, samples.first?.count ?? 0]
                entries.append(SafetensorsWriter.Entry(name: "z\(level).\(name)", type: .int64, shape: shape))
                values.append(samples)
            }
        }
        let writer = try SafetensorsWriter(path: path, entries: entries, metadata: metadata)
        for (entry, samples) in zip(entries, values) {
            for sample in samples { try writer.write(sample.map(Int64.init), to: entry.name) }
        }
        try writer.finish()
    }

    private static func safetensorsLevels(_ file: MappedFile) throws -> [StoredTensor?] {
        guard SafetensorsFile.matches(file.bytes) else {
            throw CheckpointError(.unsupported, file.path, FileKind.describe(file.bytes))
        }
        let tensors = try SafetensorsFile(file).tensors
        var levels: [StoredTensor?] = []
        for tensor in tensors where marginName(tensor.name) == nil {
            guard tensor.name.hasPrefix("z"), let level = Int(tensor.name.dropFirst()),
                (0..<16).contains(level),
                tensor.name == "z\(level)"
            else {
                throw CheckpointError(
                    .unsupported, file.path, "tensor \(tensor.name) is not one of a codes file (z0, z1, …)")
            }
            while levels.count <= level { levels.append(nil) }
            levels[level] = tensor
        }
        return levels
    }

    private static func rows(_ tensor: StoredTensor, level: Int, samples: Int) throws -> [[Int]] {
        // What was not sampled yet; some programs leave a tensor of another type in its place.
        if tensor.count == 0, tensor.shape.count <= 2 { return Array(repeating: [], count: samples) }
        guard tensor.shape.count == 2, tensor.shape[0] == samples else {
            throw CheckpointError(
                .malformed, tensor.path,
                "\(tensor.name) has shape \(tensor.shape), expected [samples, tokens] with \(samples) samples"
            )
        }
        let codes = try tensor.int64s()
        let length = tensor.shape[1]
        if let bad = codes.firstIndex(where: { $0 < 0 }) {
            throw CheckpointError(
                .malformed, tensor.path,
                "\(tensor.name): sample \(bad / length), token \(bad % length) is \(codes[bad]), codes are "
                    + "not negative"
            )
        }
        return (0..<samples).map { Array(codes[($0 * length)..<(($0 + 1) * length)]) }
    }
}
