/// What a safetensors file holds.
///
/// Layout: u64 length of the header, the header (JSON: name → dtype, shape, data_offsets), the data.
package struct SafetensorsFile: Sendable {
    /// The tensors in the order of their data.
    package let tensors: [StoredTensor]
    /// The header's `__metadata__`.
    package let metadata: [String: String]

    /// Headers are at most this long, as in the reference implementation.
    private static let headerLimit = 100_000_000

    /// Reads the header; the data is not touched.
    ///
    /// Refused, each with an error that names the tensor: unknown element types, ranges outside the file or
    /// that overlap or leave a gap, ranges that do not agree with shape and type, a name twice.
    package init(_ file: MappedFile) throws {
        let header = try SafetensorsFile.header(file)
        guard let members = try JSONParser.parse(header, path: file.path, origin: 8).objectValue else {
            throw CheckpointError(.malformed, file.path, "the safetensors header is not a JSON object")
        }
        var entries: [(range: Range<Int>, tensor: StoredTensor)] = []
        var metadata: [String: String] = [:]
        let dataStart = 8 + header.count
        for (name, value) in members {
            if name == "__metadata__" {
                metadata = try SafetensorsFile.metadata(value, file.path)
            } else {
                entries.append(try SafetensorsFile.entry(name, value, file, dataStart))
            }
        }
        // An empty tensor comes before the tensor that starts where it lies.
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.tensor.name)
                < ($1.range.lowerBound, $1.range.upperBound, $1.tensor.name)
        }
        try SafetensorsFile.checkCoverage(entries, dataSize: file.size - dataStart, file.path)
        self.tensors = entries.map(\.tensor)
        self.metadata = metadata
    }

    /// Whether a file looks like one: a JSON object behind its 64-bit length.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && !ZipArchive.matches(bytes)
    }

    private static func header(_ file: MappedFile) throws -> UnsafeRawBufferPointer {
        var reader = ByteReader(file.bytes, path: file.path)
        let length = try reader.size("the safetensors header's length")
        guard length <= headerLimit else {
            throw CheckpointError(
                .malformed, file.path,
                "the safetensors header claims \(length) bytes, the limit is \(headerLimit); is it a "
                    + "safetensors file?"
            )
        }
        return try reader.take(length, "the safetensors header")
    }

    private static func metadata(_ value: JSONValue, _ path: String) throws -> [String: String] {
        guard let members = value.objectValue else {
            throw CheckpointError(.malformed, path, "__metadata__ is not a JSON object")
        }
        return try members.mapValues { member in
            guard let text = member.stringValue else {
                throw CheckpointError(.malformed, path, "__metadata__ holds something that is not a string")
            }
            return text
        }
    }

    private static func entry(
        _ name: String, _ value: JSONValue, _ file: MappedFile, _ dataStart: Int
    ) throws -> (Range<Int>, StoredTensor) {
        func wrong(_ kind: CheckpointError.Kind, _ problem: String) -> CheckpointError {
            CheckpointError(kind, file.path, "tensor \(name): \(problem)")
        }
        guard let typeName = value["dtype"]?.stringValue else { throw wrong(.malformed, "it has no dtype") }
        guard let type = ElementType(safetensorsName: typeName) else {
            throw wrong(.unsupported, "its dtype \(typeName) is not one that is read here")
        }
        guard let shape = integers(value["shape"]), let size = checkedProduct(shape + [type.size]) else {
            throw wrong(.malformed, "its shape is missing, negative or too large")
        }
        guard let offsets = integers(value["data_offsets"]), offsets.count == 2, offsets[0] >= 0,
            offsets[1] >= offsets[0]
        else { throw wrong(.malformed, "its data_offsets are not two ascending numbers") }
        guard offsets[1] - offsets[0] == size else {
            throw wrong(
                .malformed,
                "\(typeName) of shape \(shape) takes \(size) bytes, its data_offsets span "
                    + "\(offsets[1] - offsets[0])"
            )
        }
        guard offsets[1] <= file.size - dataStart else {
            throw wrong(
                .truncated,
                "its data ends at byte \(offsets[1]) of the data, the file has \(file.size - dataStart); "
                    + "the file is cut short, download or copy it again")
        }
        let tensor = try StoredTensor(
            name: name, type: type, shape: shape, file: file, storageStart: dataStart + offsets[0],
            storageCount: size / type.size)
        return (offsets[0]..<offsets[1], tensor)
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard let elements = value?.arrayValue else { return nil }
        var numbers: [Int] = []
        for element in elements {
            guard case .int(let number) = element else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// The ranges must follow each other without overlap or gap and end where the file ends.
    private static func checkCoverage(
        _ entries: [(range: Range<Int>, tensor: StoredTensor)], dataSize: Int, _ path: String
    ) throws {
        var end = 0
        for (range, tensor) in entries {
            guard range.lowerBound == end else {
                throw CheckpointError(
                    .malformed, path,
                    "tensor \(tensor.name): its data starts at \(range.lowerBound), "
                        + (range.lowerBound < end ? "inside the tensor before it" : "after a gap")
                        + ", which ends at \(end)")
            }
            end = range.upperBound
        }
        guard end == dataSize else {
            throw CheckpointError(
                .malformed, path, "the tensors take \(end) bytes of data, the file has \(dataSize)")
        }
    }
}
