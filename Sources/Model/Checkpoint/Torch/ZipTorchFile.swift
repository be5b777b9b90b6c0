/// torch.save's format since version 1.6: a zip with `NAME/data.pkl`, `NAME/byteorder` and one
/// `NAME/data/KEY` for each storage.
enum ZipTorchFile {
    /// The object and where each storage's elements start in the file.
    static func read(_ file: MappedFile) throws -> (object: PickleValue, starts: [String: Int]) {
        let archive = try ZipArchive(file)
        let prefix = try folder(archive, file.path)
        if archive[prefix + "constants.pkl"] != nil {
            throw CheckpointError(
                .unsupported, file.path, "is a TorchScript program; save its state_dict instead")
        }
        if let order = archive[prefix + "byteorder"] {
            let text = String(decoding: file.bytes[order.range].prefix(16), as: UTF8.self)
            guard text == "little" else {
                throw CheckpointError(
                    .unsupported, file.path, "its byte order is \"\(text)\", only little is read")
            }
        }
        let object = try pickle(archive, prefix, file)
        var starts: [String: Int] = [:]
        for (key, storage) in object.storages {
            guard let entry = archive["\(prefix)data/\(key)"] else {
                throw CheckpointError(.missing, file.path, "the zip has no entry \(prefix)data/\(key)")
            }
            guard entry.range.count == storage.count * storage.type.size else {
                throw CheckpointError(
                    .malformed, file.path,
                    "entry \(entry.name) has \(entry.range.count) bytes, \(storage.count) elements of "
                        + "\(storage.type.rawValue) take \(storage.count * storage.type.size)")
            }
            starts[key] = entry.range.lowerBound
        }
        return (object.value, starts)
    }

    /// The folder that holds everything, with a slash behind it.
    private static func folder(_ archive: ZipArchive, _ path: String) throws -> String {
        let pickles = archive.entries.map(\.name).filter { name in
            name.hasSuffix("/data.pkl") && name.count(where: { $0 == "/" }) == 1
        }
        guard pickles.count == 1 else {
            let found = archive.entries.prefix(3).map(\.name).joined(separator: ", ")
            throw CheckpointError(
                .unsupported, path,
                pickles.isEmpty
                    ? "is a zip, but not one of torch.save: it has no NAME/data.pkl (it holds \(found)…)"
                    : "the zip holds more than one data.pkl")
        }
        return String(pickles[0].dropLast("data.pkl".count))
    }

    private static func pickle(
        _ archive: ZipArchive, _ prefix: String, _ file: MappedFile
    ) throws -> PickleMachine.Outcome {
        guard let entry = archive[prefix + "data.pkl"] else {
            throw CheckpointError(.missing, file.path, "the zip has no entry \(prefix)data.pkl")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
        guard CRC32.checksum(bytes) == entry.crc else {
            throw CheckpointError(
                .malformed, file.path,
                "entry \(entry.name) is damaged (its checksum is wrong); download it again")
        }
        return try PickleMachine.read(bytes, path: file.path, origin: entry.range.lowerBound)
    }
}
