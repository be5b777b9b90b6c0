/// torch.save's format before version 1.6, which the published `*.pth.tar` files have.
///
/// Five pickles (magic number, protocol version 1001, system information, the object, the list of storage
/// keys), then for each key a u64 number of elements and the raw little-endian elements.
enum LegacyTorchFile {
    /// The first pickle: PROTO 2, LONG1 of ten bytes 0x1950a86a20f9469cfc6c, STOP.
    private static let magic: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: magic) }

    /// The object and where each storage's elements start in the file.
    static func read(_ file: MappedFile) throws -> (object: PickleValue, starts: [String: Int]) {
        let version = try PickleMachine.read(file.bytes, path: file.path, position: magic.count)
        guard version.value.intValue == 1001 else {
            throw CheckpointError(.unsupported, file.path, "the torch.save protocol version is not 1001")
        }
        let system = try PickleMachine.read(file.bytes, path: file.path, position: version.end)
        if case .bool(false)? = system.value.dictionaryValue?["little_endian"] {
            throw CheckpointError(.unsupported, file.path, "was written by a big-endian machine")
        }
        let object = try PickleMachine.read(file.bytes, path: file.path, position: system.end)
        let keys = try PickleMachine.read(file.bytes, path: file.path, position: object.end)
        return (object.value, try starts(keys, object, file))
    }

    private static func starts(
        _ keyList: PickleMachine.Outcome, _ object: PickleMachine.Outcome, _ file: MappedFile
    ) throws -> [String: Int] {
        guard let keys = keyList.value.elements?.map({ $0.stringValue ?? "?" }) else {
            throw CheckpointError(.malformed, file.path, "the list of storages is not a list")
        }
        try checkLength(keys, object, file, dataStart: keyList.end)
        var starts: [String: Int] = [:]
        var reader = ByteReader(file.bytes, path: file.path, position: keyList.end)
        for key in keys {
            // checkLength has seen that every key is known and that its data ends inside the file.
            guard let storage = object.storages[key] else { continue }
            let place = reader.position
            let count = try reader.size("the size of storage \(key)")
            guard count == storage.count else {
                throw CheckpointError(
                    .malformed, file.path,
                    "storage \(key) at byte \(place): \(storage.count) elements are expected, \(count) are "
                        + "announced"
                )
            }
            guard starts.updateValue(reader.position, forKey: key) == nil else {
                throw CheckpointError(.malformed, file.path, "storage \(key) is listed twice")
            }
            _ = try reader.take(count * storage.type.size, "storage \(key)")
        }
        if let missing = object.storageKeys.first(where: { starts[$0] == nil }) {
            throw CheckpointError(.malformed, file.path, "storage \(missing) is used but not listed")
        }
        return starts
    }

    /// The tables say how long the file must be, so a download that stopped early is found before any data is
    /// read.
    private static func checkLength(
        _ keys: [String], _ object: PickleMachine.Outcome, _ file: MappedFile, dataStart: Int
    ) throws {
        var end = dataStart
        var firstMissing: (number: Int, key: String, end: Int)?
        for (number, key) in keys.enumerated() {
            guard let storage = object.storages[key] else {
                throw CheckpointError(.malformed, file.path, "storage \(key) is listed, but nothing uses it")
            }
            guard let next = checkedSum(end, 8).flatMap({ checkedSum($0, storage.count * storage.type.size) })
            else {
                throw CheckpointError(.malformed, file.path, "storage \(key): the sizes are too large")
            }
            end = next
            if end > file.size, firstMissing == nil { firstMissing = (number, key, end) }
        }
        if let firstMissing {
            throw CheckpointError(
                .truncated, file.path,
                "is cut short: \(end) bytes are expected, the file has \(file.size). From storage "
                    + "\(firstMissing.number + 1) of \(keys.count) (key \(firstMissing.key), up to byte "
                    + "\(firstMissing.end)) on, data is missing; download or copy the file again")
        }
    }
}
