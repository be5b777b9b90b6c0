import Checkpoint
import Foundation
import Testing

@Suite struct NumpyFileTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("numpy-\(UUID().uuidString)")

    private func bytes(_ body: (String) throws -> Void) throws -> [UInt8] {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("file").path
        try body(path)
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test(arguments: [[3], [2, 3], [0, 5], [2, 3, 4]])
    func `an array has numpy's header and its numbers`(shape: [Int]) throws {
        let numbers = (0..<shape.reduce(1, *)).map { Float($0) / 3 }
        let file = try numbers.withUnsafeBytes { raw in
            try bytes { try NumpyFile.write(.init(name: "", shape: shape, bytes: raw), to: $0) }
        }
        #expect(Array(file.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        let length = Int(file[8]) | Int(file[9]) << 8
        #expect((10 + length) % 64 == 0)
        let text = String(decoding: file[10..<10 + length], as: UTF8.self)
        let sizes = shape.count == 1 ? "(3,)" : "(\(shape.map(String.init).joined(separator: ", ")))"
        #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': \(sizes), }") && text.hasSuffix("\n"))
        #expect(Array(file[(10 + length)...]) == numbers.withUnsafeBytes { Array($0) })
    }

    @Test func `an archive is a zip whose checksums hold`() throws {
        let numbers: [Float] = [1, 2, 3, 4, 5, 6]
        let file = try numbers.withUnsafeBytes { raw in
            try bytes { path in
                try NumpyFile.writeArchive(
                    [
                        .init(name: "layer_1", shape: [2, 3], bytes: raw),
                        .init(name: "layer_2", shape: [6], bytes: raw),
                    ], to: path)
            }
        }
        // The list of its end names two files, and lies where it says.
        let end = file.suffix(22)
        #expect(Array(end.prefix(4)) == [0x50, 0x4B, 5, 6] && end[end.startIndex + 10] == 2)
        let place = (0..<4).reduce(0) { $0 | Int(end[end.startIndex + 16 + $1]) << (8 * $1) }
        #expect(Array(file[place..<place + 4]) == [0x50, 0x4B, 1, 2])
        let stored = file[(30 + "layer_1.npy".utf8.count)...].prefix(128 + 24)
        let wanted = (0..<4).reduce(UInt32(0)) { $0 | UInt32(file[14 + $1]) << UInt32(8 * $1) }
        #expect(Array(stored).withUnsafeBytes { CRC32.checksum($0) } == wanted)
    }
}
