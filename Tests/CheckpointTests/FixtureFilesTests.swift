import Foundation
import Testing

@testable import Checkpoint

/// What the original and the port wrote, read and damaged.
struct FixtureFilesTests {
    @Test func `every fixture file opens and all its values are finite`() throws {
        #expect(Fixtures.tensorFiles.count == 23)
        for name in Fixtures.tensorFiles {
            let checkpoint = try Checkpoint.open(path: Fixtures.path(name))
            #expect(!checkpoint.tensors.isEmpty, "\(name)")
            for tensor in checkpoint.tensors.values where !name.contains("expected") {
                #expect(try tensor.firstNonFinite() == nil, "\(name) \(tensor.name)")
            }
        }
    }

    @Test func `formats, types, shapes and companions are as the original wrote them`() throws {
        let legacy = try Checkpoint.open(path: Fixtures.path("lyrics-single/prior_level_2.pth.tar"))
        #expect(legacy.format == .torch(.legacy))
        #expect(legacy.object?.dictionaryValue?["step"]?.intValue == 1000)
        #expect(legacy.tensors["prior.x_emb.weight"]?.shape == [79 + 128, 48])
        let zip = try Checkpoint.open(path: Fixtures.path("lyrics-encdec/prior_level_2.pth.tar"))
        #expect(zip.format == .torch(.zip))
        #expect(zip.tensors["prior.transformer._attn_mods.0.attn.c_attn.w"]?.type == .float16)
        #expect(zip.tensors["prior.transformer._attn_mods.0.attn.c_attn.b"]?.type == .float32)
        let expected = try Checkpoint.open(path: Fixtures.path("lyrics-single/expected.safetensors"))
        #expect(expected.tensors["ancestral.z0"]?.type == .int64)
    }

    /// Each cut removes bytes that the file's tables speak of, so each must be noticed.
    @Test(arguments: Fixtures.tensorFiles)
    func `a fixture file cut anywhere is refused`(name: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.copy(Fixtures.path(name), (name as NSString).lastPathComponent)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        var random = SplitMix64(state: UInt64(size))
        var cuts: Set<Int> = [
            1, 4, 7, 8, 9, 14, 15, 16, 25, 128, size - 1, size - 4, size - 21, size - 22, size - 98,
        ]
        // Most of the structure is at the start, so half of the cuts are.
        for _ in 0..<20 { cuts.insert(Int.random(in: 1..<size, using: &random)) }
        for _ in 0..<20 { cuts.insert(Int.random(in: 1..<min(size, 4096), using: &random)) }
        for cut in cuts.sorted(by: >) {
            #expect(truncate(path, cut) == 0)
            let error = checkpointError { _ = try Checkpoint.open(path: path) }
            #expect(error?.path == path, "\(name) cut at \(cut)")
        }
    }

    @Test(arguments: [
        "two-level-unlabelled/prior_level_1.pth.tar", "no-lyrics/prior_level_0.pth.tar",
        "hf-lyrics-single/model-00003-of-00003.safetensors",
    ])
    func `a fixture file with flipped bytes is read or refused, never a crash`(name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name))))
        try fuzz(bytes, rounds: 60, seed: 7)
    }

    @Test func `small files with flipped bytes are read or refused, never a crash`() throws {
        let object = PickleBuilder.build { builder in
            builder.model("w") {
                $0.tensor(
                    "HalfStorage", key: "k", count: 12, offset: 1, shape: [2, 3], strides: [1, 2],
                    view: (2, 10))
            }
        }
        try fuzz(
            PickleBuilder.legacyFile(object: object, storages: [("k", 12, [UInt8](repeating: 5, count: 24))]),
            rounds: 800, seed: 1)
        try fuzz(ZipBuilder.torchFile([1, 2, 3, 4]), rounds: 800, seed: 2)
        try fuzz(ZipBuilder.torchFile([1, 2, 3, 4], isZip64: true), rounds: 800, seed: 3)
        let header = Array(
            (#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
                + #""b":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}"#).utf8)
        try fuzz(
            littleEndian([UInt64(header.count)]) + header + [UInt8](repeating: 3, count: 24), rounds: 800,
            seed: 4)
    }

    /// Opens mutations of a file, each with a few bytes changed, and reads every tensor of those that open.
    private func fuzz(_ original: [UInt8], rounds: Int, seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("f")
        var random = SplitMix64(state: seed)
        var refused = 0
        var bytes = original
        for _ in 0..<rounds {
            var places: [Int] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // The tables are at the start, and in a zip at the end too.
                let structure = min(original.count, 2048)
                let place =
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: Int.random(in: 0..<original.count, using: &random)
                    case 1: Int.random(in: 0..<structure, using: &random)
                    default: original.count - 1 - Int.random(in: 0..<structure, using: &random)
                    }
                places.append(place)
                let extremes: [UInt8] = [
                    0, 1, 0x7F, 0x80, 0xFF, bytes[place] ^ 1, .random(in: 0...255, using: &random),
                ]
                bytes[place] = extremes.randomElement(using: &random)!
            }
            try folder.write(bytes, "f")
            do {
                for tensor in try Checkpoint.open(path: path).tensors.values { try tensor.withBytes { _ in } }
            } catch is CheckpointError {
                refused += 1
            }
            for place in places { bytes[place] = original[place] }
        }
        #expect(refused > 0)
    }
}
