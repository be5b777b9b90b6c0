import Foundation
import Testing

@testable import Checkpoint

struct StoredTensorTests {
    private func tensor(
        _ bytes: [UInt8], _ type: ElementType, _ shape: [Int], strides: [Int]? = nil, offset: Int = 0,
        skip: Int = 0
    ) throws -> StoredTensor {
        let folder = try TemporaryFolder()
        // Odd leading bytes make every load unaligned.
        let path = try folder.write([UInt8](repeating: 0xEE, count: skip) + bytes, "t")
        return try StoredTensor(
            name: "t", type: type, shape: shape, strides: strides, offset: offset,
            file: try MappedFile(path: path),
            storageStart: skip, storageCount: bytes.count / type.size)
    }

    @Test func `floats come out of every floating-point type, aligned or not`() throws {
        let wanted: [Float] = [1, -2.5, 0.125, 65_504]
        for skip in [0, 1, 3] {
            #expect(try tensor(littleEndian(wanted), .float32, [4], skip: skip).floats() == wanted)
            #expect(
                try tensor(littleEndian(wanted.map(Double.init)), .float64, [2, 2], skip: skip).floats()
                    == wanted)
            #expect(
                try tensor(littleEndian(wanted.map(Float16.init)), .float16, [4], skip: skip).floats()
                    == wanted)
        }
        let brain = wanted.prefix(3).map { UInt16($0.bitPattern >> 16) }
        #expect(
            try tensor(littleEndian(Array(brain)), .bfloat16, [3], skip: 1).floats()
                == Array(wanted.prefix(3)))
    }

    @Test func `integers come out of every integer type`() throws {
        #expect(try tensor(littleEndian([Int64.max, -1]), .int64, [2], skip: 1).int64s() == [Int.max, -1])
        #expect(try tensor(littleEndian([Int32(7), -7]), .int32, [2]).int64s() == [7, -7])
        #expect(try tensor(littleEndian([Int16(7), -7]), .int16, [2]).int64s() == [7, -7])
        #expect(try tensor([0xFF, 1], .int8, [2]).int64s() == [-1, 1])
        #expect(try tensor([0xFF, 1], .uint8, [2]).int64s() == [255, 1])
        #expect(try tensor([0, 1], .bool, [2]).int64s() == [0, 1])
    }

    @Test func `a wrong type is an error that names tensor and types`() throws {
        let floats = try tensor(littleEndian([Float(1)]), .float32, [1])
        expectError("tensor t", "float32", "integers") { _ = try floats.int64s() }
        let integers = try tensor(littleEndian([Int64(1)]), .int64, [1])
        expectError("tensor t", "int64", "floating-point") { _ = try integers.floats() }
    }

    @Test func `a transposed view and a slice come out row-major`() throws {
        let values: [Float] = [0, 1, 2, 3, 4, 5]
        let transposed = try tensor(littleEndian(values), .float32, [3, 2], strides: [1, 3])
        #expect(!transposed.isContiguous && transposed.byteRange == nil)
        #expect(try transposed.floats() == [0, 3, 1, 4, 2, 5])
        let slice = try tensor(littleEndian(values), .float32, [2, 2], strides: [3, 1], offset: 1)
        #expect(try slice.floats() == [1, 2, 4, 5])
        let column = try tensor(
            littleEndian(values), .float32, [2, 1, 1], strides: [3, .max, 99], offset: 2)
        #expect(try column.floats() == [2, 5])
    }

    @Test func `strides of dimensions of size one do not matter`() throws {
        let values: [Float] = [0, 1, 2]
        let tensor = try tensor(littleEndian(values), .float32, [1, 3, 1], strides: [.max, 1, 77])
        #expect(tensor.isContiguous)
        #expect(try tensor.floats() == values)
    }

    @Test func `scalars and empty tensors are read`() throws {
        #expect(try tensor(littleEndian([Float(3)]), .float32, []).floats() == [3])
        #expect(try tensor(littleEndian([Float(3)]), .float32, [2, 0, 5]).floats() == [])
        #expect(
            try tensor(littleEndian([Float(3)]), .float32, [0, .max, .max], strides: [1, 1, 1]).count == 0)
    }

    @Test(arguments: [
        ([4], [1], 0), ([3], [1], 1), ([2, 2], [2, 1], 0), ([-1], [1], 0), ([2], [-1], 1), ([2], [.max], 0),
        ([.max, .max], [1, 1], 0), ([2], [2], 2), ([1], [1], 3), ([1], [1], -1), ([4], [0], 0),
        ([2], [1, 1], 0),
    ])
    func `a view outside of its storage is refused`(shape: [Int], strides: [Int], offset: Int) throws {
        expectError("tensor t") {
            _ = try tensor(
                littleEndian([Float](repeating: 0, count: 3)), .float32, shape, strides: strides,
                offset: offset)
        }
    }

    @Test func `a storage outside of its file is refused`() throws {
        let folder = try TemporaryFolder()
        let file = try MappedFile(path: try folder.write([UInt8](repeating: 0, count: 16), "t"))
        for (start, count) in [(0, 5), (13, 1), (-1, 1), (.max, 1), (0, .max), (16, 1), (0, -1)] {
            expectError("tensor t") {
                _ = try StoredTensor(
                    name: "t", type: .float32, shape: [1], file: file, storageStart: start,
                    storageCount: count)
            }
        }
    }

    @Test func `the first NaN or infinity is found at its index in every type`() throws {
        for index in [0, 1, 1023, 1024, 2999] {
            var floats = [Float](repeating: .greatestFiniteMagnitude, count: 3000)
            floats[index] = index.isMultiple(of: 2) ? .nan : -.infinity
            floats[2999] = .nan
            #expect(try tensor(littleEndian(floats), .float32, [3000], skip: 1).firstNonFinite() == index)
            #expect(
                try tensor(littleEndian(floats.map(Double.init)), .float64, [3000]).firstNonFinite() == index)
            let brain = floats.map { UInt16($0.bitPattern >> 16) }
            #expect(try tensor(littleEndian(brain), .bfloat16, [3000]).firstNonFinite() == index)
            let half = floats.map { $0.isFinite ? Float16.greatestFiniteMagnitude : Float16.nan }
            #expect(try tensor(littleEndian(half), .float16, [3000]).firstNonFinite() == index)
        }
        #expect(
            try tensor(littleEndian([Float(1), -0, .leastNonzeroMagnitude]), .float32, [3]).firstNonFinite()
                == nil)
        #expect(try tensor(littleEndian([Int64(-1)]), .int64, [1]).firstNonFinite() == nil)
    }

    @Test func `a missing file, an empty file and a folder are errors that name the path`() throws {
        let folder = try TemporaryFolder()
        let missing = checkpointError { _ = try MappedFile(path: folder.file("absent")) }
        #expect(missing?.kind == .missing && missing?.path == folder.file("absent"))
        let empty = try folder.write([], "empty")
        expectError(empty, "empty") { _ = try MappedFile(path: empty) }
        expectError(folder.path, "regular file") { _ = try MappedFile(path: folder.path) }
    }
}
