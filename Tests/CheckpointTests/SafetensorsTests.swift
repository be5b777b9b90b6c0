import Foundation
import Testing

@testable import Checkpoint

struct SafetensorsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file with this header and so many bytes of data.
    private func file(_ header: String, data: Int) throws -> String {
        let bytes = Array(header.utf8)
        return try folder.write(
            littleEndian([UInt64(bytes.count)]) + bytes + [UInt8](repeating: 1, count: data), "f.safetensors")
    }

    @Test func `what is written is read again, in order`() throws {
        let path = folder.file("f.safetensors")
        let entries: [SafetensorsWriter.Entry] = [
            .init(name: "z", type: .float32, shape: [2, 2]),
            .init(name: "empty", type: .int64, shape: [0, 3]),
            .init(name: "a\"\\\n", type: .uint8, shape: [3]), .init(name: "last", type: .float16, shape: []),
        ]
        let writer = try SafetensorsWriter(
            path: path, entries: entries, metadata: ["made by": "a \"test\"\t"])
        try writer.write([Float(1), 2], to: "z")
        try writer.write([Float(3), 4], to: "z")
        try writer.write([UInt8(7), 8, 9], to: "a\"\\\n")
        try writer.write([Float16(0.5)], to: "last")
        try writer.finish()
        let checkpoint = try Checkpoint.open(path: path)
        #expect(checkpoint.format == .safetensors)
        #expect(checkpoint.names == ["z", "empty", "a\"\\\n", "last"])
        #expect(checkpoint.metadata == ["made by": "a \"test\"\t"])
        #expect(try checkpoint.tensors["z"]?.floats() == [1, 2, 3, 4])
        #expect(checkpoint.tensors["z"]?.shape == [2, 2])
        #expect(try checkpoint.tensors["a\"\\\n"]?.int64s() == [7, 8, 9])
        #expect(try checkpoint.tensors["last"]?.floats() == [0.5])
        #expect(checkpoint.tensors["z"]?.byteRange?.lowerBound.isMultiple(of: 8) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["f.safetensors"])
    }

    @Test func `an unfinished file leaves nothing behind and the old file in place`() throws {
        let path = try folder.write("old", "f.safetensors")
        do {
            let writer = try SafetensorsWriter(
                path: path, entries: [.init(name: "a", type: .float32, shape: [2])])
            try writer.write([Float(1)], to: "a")
            expectError("tensor a", "4 of its 8 bytes") { try writer.finish() }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["f.safetensors"])
    }

    @Test func `data in the wrong order, too much data and bad entries are refused`() throws {
        let path = folder.file("f.safetensors")
        let writer = try SafetensorsWriter(
            path: path,
            entries: [
                .init(name: "a", type: .float32, shape: [1]), .init(name: "b", type: .float32, shape: [1]),
            ])
        expectError("tensor b", "tensor a was expected") { try writer.write([Float(1)], to: "b") }
        expectError("tensor a takes 4 bytes") { try writer.write([Float(1), 2], to: "a") }
        expectError("twice") {
            _ = try SafetensorsWriter(
                path: path,
                entries: [
                    .init(name: "a", type: .bool, shape: [1]), .init(name: "a", type: .bool, shape: [1]),
                ])
        }
        expectError("too large") {
            _ = try SafetensorsWriter(
                path: path, entries: [.init(name: "a", type: .int64, shape: [.max, 2])])
        }
        #expect { try SafetensorsWriter(path: folder.file("none/f"), entries: []) } throws: {
            "\($0)" == "\(folder.file("none/f")): No such file or directory"
        }
    }

    /// A header's member for one float.
    private static func float(_ name: String, _ start: Int, _ end: Int) -> String {
        #""\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[\#(start),\#(end)]}"#
    }

    @Test(arguments: [
        (
            "{\(float("a", 0, 4)),\(float("a", 4, 8))}",
            8, "twice"
        ),
        (
            "{\(float("a", 0, 4)),\(float("b", 0, 4))}",
            4, "inside the tensor before"
        ),
        (
            "{\(float("a", 0, 4)),\(float("b", 8, 12))}",
            12, "gap"
        ),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 8, "takes 8 bytes"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "cut short"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "the file has 9"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "shape"),
        (#"{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,4]}}"#, 4, "shape"),
        (#"{"a":{"dtype":"F32","shape":[1e3],"data_offsets":[0,4]}}"#, 4, "shape"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "data_offsets"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}"#, 4,
            "cut short"
        ),
        (#"{"a":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}"#, 1, "F8_E5M2"),
        (#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype"),
        (#"{"__metadata__":{"a":1}}"#, 0, "__metadata__"),
        (#"[1]"#, 0, "not a JSON object"),
        (#"{"a":"#, 0, "JSON"),
    ])
    func `a header that lies is refused`(header: String, data: Int, fragment: String) throws {
        let path = try file(header, data: data)
        expectError(path, fragment) { _ = try Checkpoint.open(path: path) }
    }

    @Test func `header lengths that cannot be are refused`() throws {
        for length in [UInt64.max, 1 << 62, 100_000_001, 3] {
            let path = try folder.write(littleEndian([length]) + [0x7B, 0x7D], "f.safetensors")
            expectError(path, "header") { _ = try Checkpoint.open(path: path) }
        }
    }

    @Test func `a twelve-gigabyte file opens without touching its data`() throws {
        let count = 3_000_000_000
        let path = try file(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[\(count)],\"data_offsets\":[0,\(count * 4)]}}", data: 0)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(truncate(path, size + count * 4) == 0)
        let started = ContinuousClock.now
        let tensor = try #require(try Checkpoint.open(path: path).tensors["a"])
        #expect(ContinuousClock.now - started < .milliseconds(500))
        #expect(tensor.count == count && tensor.byteCount == 12_000_000_000)
    }
}
