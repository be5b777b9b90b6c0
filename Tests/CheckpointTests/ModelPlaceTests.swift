import Foundation
import Testing

@testable import Checkpoint

/// What is given instead of a model's folder.
struct ModelPlaceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func make(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        return folder.file(name)
    }

    private func part(_ name: String, _ tensor: String = "a") throws {
        let writer = try SafetensorsWriter(
            path: folder.file(name), entries: [.init(name: tensor, type: .float32, shape: [1])])
        try writer.write([Float(1)], to: tensor)
        try writer.finish()
    }

    @Test func `the original's lyric models take what they share from the folder 5b beside them`() throws {
        for top in ["1b_lyrics", "5b_lyrics"] {
            let path = try make("models/\(top)")
            let shared = try make("models/5b")
            try part("models/\(top)/prior_level_2.safetensors", "own")
            for name in ["vqvae", "prior_level_0", "prior_level_1", "prior_level_2"] {
                try part("models/5b/\(name).safetensors", name)
            }
            let model = try ModelFolder.open(path)
            #expect(model.levels == [0, 1, 2] && model.hasVQVAE && model.neighbour == shared)
            #expect(try model.weights(of: .vqvae).names == ["vqvae"])
            #expect(try model.weights(of: .prior(level: 2)).names == ["own"])
            let note = try #require(model.neighbourNote)
            for word in ["prior_level_0, prior_level_1, vqvae", shared] { #expect(note.contains(word), "\(note)") }
            try FileManager.default.removeItem(atPath: shared)
            let alone = try ModelFolder.open(path)
            #expect(alone.neighbour == nil && alone.levels == [2])
            expectError("vqvae.pth.tar of 5b here, or the folder 5b beside \(top)") { try alone.check(has: .vqvae) }
        }
    }

    @Test func `only folders of those names look beside themselves, and what is there comes first`() throws {
        _ = try make("5b")
        try part("5b/vqvae.safetensors", "theirs")
        for name in ["mine", "1b_lyrics"] {
            let path = try make(name)
            try part("\(name)/prior_level_2.safetensors")
            try part("\(name)/vqvae.safetensors", "own")
            let model = try ModelFolder.open(path)
            #expect(model.neighbour == nil && model.neighbourNote == nil)
            #expect(try model.weights(of: .vqvae).names == ["own"])
        }
        try FileManager.default.removeItem(atPath: folder.file("mine/vqvae.safetensors"))
        #expect(try !ModelFolder.open(folder.file("mine")).hasVQVAE)
    }

    @Test func `a folder of folders names those with a model, and 5b without a top those that have one`() throws {
        _ = try (make("models/5b"), make("models/1b_lyrics"))
        try part("models/5b/vqvae.safetensors")
        try part("models/1b_lyrics/prior_level_2.safetensors")
        expectError("give the folder of the model: \(folder.file("models/1b_lyrics"))", "models/5b") {
            _ = try ModelFolder.open(folder.file("models"))
        }
        let lower = try ModelFolder.open(folder.file("models/5b"))
        expectError("a top level is in \(folder.file("models/1b_lyrics"))") { try lower.check(has: .prior(level: 2)) }
    }

    @Test func `downloads that are not finished, archives and other programs' files are named`() throws {
        let path = try make("m")
        for (name, bytes, words) in [
            ("vqvae.pth.tar.crdownload", "x", "unfinished download"), ("prior_level_2.pth.tar.part", "x", "unfinished"),
            ("jukebox.gguf", "GGUF\u{3}", "GGUF"), ("model.tar.gz", "", "there"),
            ("models.zip", "PK\u{3}\u{4}", "unpack"),
            ("top.onnx", "\u{8}\u{7}\u{12}\u{7}pytorch", "ONNX"),
        ] {
            try folder.write(bytes, "m/\(name)")
            expectError("m: holds no model", name, words) { _ = try ModelFolder.open(path) }
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        try part("m/prior_level_0.safetensors")
        try folder.write("x", "m/vqvae.safetensors.part")
        expectError("has no vqvae", "vqvae.safetensors.part is an unfinished") {
            try ModelFolder.open(path).check(has: .vqvae)
        }
    }

    @Test func `names and addresses say how their model is had`() throws {
        for (name, words) in [
            ("openai/jukebox-1b-lyrics", "orchestrion model fetch hf:openai/jukebox-1b-lyrics jukebox-1b-lyrics"),
            ("https://huggingface.co/openai/jukebox-1b-lyrics/tree/main", "model fetch hf:openai/jukebox-1b-lyrics"),
            ("https://example.org/model.zip", "an address"), ("1b_lyrics", "orchestrion model fetch 1b_lyrics"),
            ("~/models/5b", "~"),
        ] {
            let problem = try #require(ModelPlace.problem(name))
            #expect(problem.contains("no such folder") && problem.contains(words), "\(problem)")
        }
        #expect(ModelPlace.origin(of: "/nowhere/at/all") == nil)
        let file = try folder.write("{}", "config.json")
        #expect(ModelPlace.problem(file)?.contains("is a file, not a folder") == true)
        #expect(ModelPlace.problem(file)?.contains(folder.path) == true)
        #expect(ModelPlace.problem(folder.path) == nil)
    }

    @Test func `a file of weights that is something else says what`() throws {
        for (bytes, words) in [
            (Array("\n<html>".utf8), "web page"), (Array("version https://git-lfs.github.com/spec/v1".utf8), "LFS"),
            (Array("GGUF".utf8), "GGUF"), ([UInt8](repeating: 0, count: 100), "zeros"), ([], "empty"),
            ([0x42, 0x5A, 0x68, 0x39], "bzip2"), ([0x93] + Array("NUMPY".utf8), "numpy"), ([0x80, 4, 0x95], "pickle"),
            (Array("Access to model x is restricted".utf8), "server's answer"),
        ] as [([UInt8], String)] {
            for name in ["prior_level_2.pth.tar", "prior_level_2.safetensors", "pytorch_model.bin"] {
                let path = try folder.write(bytes, name)
                expectError(path, words) { _ = try Checkpoint.open(path: path) }
            }
        }
    }
}
