import Foundation
import SystemErrors

/// Writes a safetensors file tensor by tensor, so that a model need not fit in memory.
///
/// The file appears under its name only when ``finish()`` has put all of it on the disk (temporary file,
/// fsync, rename); until then, and after an error, an older file of that name is untouched.
package final class SafetensorsWriter {
    /// One tensor to come.
    package struct Entry: Sendable {
        package let name: String
        package let type: ElementType
        package let shape: [Int]

        package init(name: String, type: ElementType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    private let path: String
    private let temporaryPath: String
    private let entries: [Entry]
    private let sizes: [Int]
    private var descriptor: Int32
    /// The tensor being written, and how many of its bytes are.
    private var current = 0
    private var written = 0

    /// Creates the temporary file beside `path` and writes the header.
    ///
    /// - Parameter entries: all tensors, in the order in which their data will be written.
    package init(path: String, entries: [Entry], metadata: [String: String] = [:]) throws {
        self.path = path
        self.entries = entries
        let header: [UInt8]
        (header, sizes) = try SafetensorsWriter.header(entries, metadata, path)
        temporaryPath = "\(path).partial-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw SystemError(path) }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        do {
            try (length + header).withUnsafeBytes(writeAll)
        } catch {
            discard()
            throw error
        }
    }

    deinit { discard() }

    /// Appends bytes to tensor `name`, which must be the next in order; a tensor may be written in pieces.
    package func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws {
        guard !bytes.isEmpty else { return }
        skipFinished()
        guard current < entries.count, entries[current].name == name else {
            let expected = current < entries.count ? "tensor \(entries[current].name)" : "nothing more"
            throw CheckpointError(
                .malformed, path, "data for tensor \(name) came where \(expected) was expected")
        }
        guard bytes.count <= sizes[current] - written else {
            throw CheckpointError(
                .malformed, path, "tensor \(name) takes \(sizes[current]) bytes, got \(written + bytes.count)"
            )
        }
        try writeAll(bytes)
        written += bytes.count
    }

    /// Appends little-endian values to tensor `name`, which must be the next in order.
    package func write<Value: BitwiseCopyable>(_ values: [Value], to name: String) throws {
        try values.withUnsafeBytes { try write($0, to: name) }
    }

    /// Checks that every tensor is complete, puts the file on the disk, and gives it its name.
    package func finish() throws {
        skipFinished()
        guard current == entries.count else {
            throw CheckpointError(
                .malformed, path,
                "tensor \(entries[current].name) has \(written) of its \(sizes[current]) bytes; nothing was "
                    + "written"
            )
        }
        guard fsync(descriptor) == 0 else { throw SystemError(path) }
        guard rename(temporaryPath, path) == 0 else { throw SystemError(path) }
        close(descriptor)
        descriptor = -1
        syncFolder()
    }

    private func skipFinished() {
        while current < entries.count, written == sizes[current] {
            current += 1
            written = 0
        }
    }

    /// Makes the rename itself durable. Some file systems refuse fsync on a folder; the file is complete
    /// anyway.
    private func syncFolder() {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let folderDescriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { return }
        _ = fsync(folderDescriptor)
        close(folderDescriptor)
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Foundation.write(
                descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError(path) }
            rest = rest.dropFirst(count)
        }
    }

    private func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        unlink(temporaryPath)
    }

    /// The header, padded with spaces so that the data starts at a multiple of 8 bytes, and the tensors'
    /// sizes.
    private static func header(
        _ entries: [Entry], _ metadata: [String: String], _ path: String
    ) throws -> ([UInt8], [Int]) {
        var members: [String] = []
        var sizes: [Int] = []
        var names: Set<String> = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for entry in entries {
            guard entry.name != "__metadata__", names.insert(entry.name).inserted else {
                throw CheckpointError(
                    .malformed, path, "the tensor name \(entry.name) is reserved or given twice")
            }
            guard let size = checkedProduct(entry.shape + [entry.type.size]),
                let end = checkedSum(offset, size)
            else {
                throw CheckpointError(
                    .malformed, path, "tensor \(entry.name): shape \(entry.shape) is negative or too large")
            }
            members.append(
                "\(quoted(entry.name)):{\"dtype\":\"\(entry.type.safetensorsName)\","
                    + "\"shape\":[\(entry.shape.map(String.init).joined(separator: ","))],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            sizes.append(size)
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        header.append(contentsOf: repeatElement(0x20, count: (8 - header.count % 8) % 8))
        return (header, sizes)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
