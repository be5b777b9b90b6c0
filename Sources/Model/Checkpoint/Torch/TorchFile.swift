/// A file of torch.save, of either format: the object in it as plain values, and its tensors where they lie.
package struct TorchFile: Sendable {
    package enum Format: String, Sendable {
        case legacy = "torch (legacy)"
        case zip = "torch (zip)"
    }

    package let format: Format
    /// The saved object.
    package let object: PickleValue

    private let file: MappedFile
    /// Where each storage's elements start in the file, by key.
    private let starts: [String: Int]

    package var path: String { file.path }

    /// Opens a file and reads its tables, not its data.
    package init(path: String) throws {
        try self.init(try MappedFile(path: path))
    }

    package init(_ file: MappedFile) throws {
        self.file = file
        if ZipArchive.matches(file.bytes) {
            format = .zip
            (object, starts) = try ZipTorchFile.read(file)
        } else if LegacyTorchFile.matches(file.bytes) {
            format = .legacy
            (object, starts) = try LegacyTorchFile.read(file)
        } else {
            throw CheckpointError(.unsupported, file.path, FileKind.describe(file.bytes))
        }
    }

    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ZipArchive.matches(bytes) || LegacyTorchFile.matches(bytes)
    }

    /// The tensor that `record` of this file's object describes, checked against its storage.
    package func tensor(_ record: TensorRecord, named name: String) throws -> StoredTensor {
        let storage = record.storage
        guard let start = starts[storage.key] else {
            throw CheckpointError(.missing, path, "tensor \(name): the file has no storage \(storage.key)")
        }
        return try StoredTensor(
            name: name, type: storage.type, shape: record.shape, strides: record.strides,
            offset: record.offset,
            file: file, storageStart: start + storage.window.lowerBound * storage.type.size,
            storageCount: storage.window.count)
    }
}
