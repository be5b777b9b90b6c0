import Foundation

/// A safetensors file, read by the book, so that the program's own reader is not its own witness.
package struct Safetensors: Sendable {
    private let path: String
    private let data: Data
    private var tensors: [String: (shape: [Int], place: Range<Int>)] = [:]

    package init(_ path: String) throws {
        self.path = path
        data = try Data(contentsOf: URL(fileURLWithPath: path))
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length)) as? [String: Any] ?? [:]
        for (name, value) in header where name != "__metadata__" {
            guard let fields = value as? [String: Any], let shape = fields["shape"] as? [Int],
                let offsets = fields["data_offsets"] as? [Int]
            else { throw TestSupportError("\(path): \(name) is not the description of a tensor") }
            tensors[name] = (shape, offsets[0] + 8 + length..<offsets[1] + 8 + length)
        }
    }

    /// The tensor whose bytes come first.
    package var firstName: String { tensors.min { $0.value.place.lowerBound < $1.value.place.lowerBound }?.key ?? "" }

    /// Where a tensor's bytes lie in the file.
    package func place(of name: String) throws -> Range<Int> {
        guard let tensor = tensors[name] else { throw TestSupportError("\(path) has no tensor \(name)") }
        return tensor.place
    }

    /// The rows of a matrix of int64.
    package func rows(_ name: String) throws -> [[Int]] {
        guard let tensor = tensors[name], tensor.shape.count == 2 else {
            throw TestSupportError("\(path) has no matrix \(name)")
        }
        let values = data.subdata(in: tensor.place).withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
            }
        }
        let columns = tensor.shape[1]
        return (0..<tensor.shape[0]).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
    }
}
