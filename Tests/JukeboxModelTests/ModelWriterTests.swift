import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

@Suite struct ModelWriterTests {
    @Test func `the same seed writes the same bytes, another seed others`() throws {
        let folder = try TemporaryFolder()
        let (a, b, c) = (
            try randomModel(seed: 4, in: folder), try randomModel(seed: 4, in: folder),
            try randomModel(seed: 5, in: folder)
        )
        for file in ["vqvae", "prior_level_0", "prior_level_1", "prior_level_2"] {
            func bytes(_ model: Model) throws -> Data {
                try Data(contentsOf: URL(fileURLWithPath: "\(model.folder.path)/\(file).safetensors"))
            }
            #expect(try bytes(a) == bytes(b), "\(file)")
            #expect(try bytes(a) != bytes(c), "\(file)")
        }
        #expect(try a.fingerprints() == b.fingerprints())
        #expect(Set(try a.fingerprints().values).isDisjoint(with: try c.fingerprints().values))
    }

    @Test func `what is written loads, is finite, and its numbers spread as asked`() throws {
        let folder = try TemporaryFolder()
        let model = try randomModel(seed: 1, in: folder)
        _ = try model.vqvae()
        for level in 0...2 {
            _ = try model.prior(level: level)
            try model.weights(of: .prior(level: level)).checkFinite()
        }
        let set = try model.folder.weights(of: .prior(level: 2))
        let embedding = try #require(set["prior.x_emb.weight"]).floats().map(Double.init)
        let mean = embedding.reduce(0, +) / Double(embedding.count)
        let deviation = (embedding.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(embedding.count)).squareRoot()
        #expect(abs(mean) < 0.0005)
        #expect(abs(deviation / (0.02 * 0.6) - 1) < 0.03)
        #expect(try #require(set["prior.transformer._attn_mods.0.ln_0.weight"]).floats().allSatisfy { $0 == 1 })
        #expect(try #require(set["prior.transformer._attn_mods.0.attn.c_attn.b"]).floats().allSatisfy { $0 == 0 })
    }

    @Test func `half precision writes Conv1D weights as float16, and nothing else`() throws {
        let folder = try TemporaryFolder()
        let model = try randomModel(
            seed: 1, in: folder, [("prior_level_2.fp16_params", true), ("prior_level_2.merged_decoder", true)])
        for (name, tensor) in try model.folder.weights(of: .prior(level: 2)).tensors {
            #expect(tensor.type == (name.hasSuffix(".w") ? .float16 : .float32), "\(name)")
            guard tensor.type == .float16 else { continue }
            let values = try tensor.floats().map(Double.init)
            let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
            #expect(abs(deviation / (0.02 * 0.6) - 1) < 0.05, "\(name)")
        }
        #expect(try model.folder.weights(of: .prior(level: 1)).tensors.values.allSatisfy { $0.type == .float32 })
        _ = try model.prior(level: 2)
    }

    @Test func `progress ends at the whole, which is what the files hold`() throws {
        let folder = try TemporaryFolder()
        let json = try Hyperparameters.json(preset: "tiny")
        var last = (0, 1)
        var previous = 0
        try ModelWriter.write(
            Hyperparameters(preset: "tiny"), json: json, seed: 1, folder: folder.file("deep/er")
        ) {
            #expect($0 > previous)
            previous = $0
            last = ($0, $1)
        }
        #expect(last.0 == last.1)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("deep/er").path)
        #expect(
            Set(files) == [
                "vqvae.safetensors", "prior_level_0.safetensors", "prior_level_1.safetensors",
                "prior_level_2.safetensors", "hparams.json",
            ])
        #expect(try Data(contentsOf: folder.file("deep/er/hparams.json")) == json)
    }

    @Test func `a folder that cannot be made is an error`() throws {
        let folder = try TemporaryFolder()
        try folder.write("", "file")
        let json = try Hyperparameters.json(preset: "tiny")
        #expect(throws: (any Error).self) {
            try ModelWriter.write(
                Hyperparameters(preset: "tiny"), json: json, seed: 1, folder: folder.file("file/model"))
        }
    }
}
