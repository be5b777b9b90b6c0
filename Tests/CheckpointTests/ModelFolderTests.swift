import Foundation
import Testing

@testable import Checkpoint

struct ModelFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func safetensors(_ name: String, _ tensors: [(String, [Float])]) throws {
        let writer = try SafetensorsWriter(
            path: folder.file(name),
            entries: tensors.map { .init(name: $0.0, type: .float32, shape: [$0.1.count]) })
        for (name, values) in tensors { try writer.write(values, to: name) }
        try writer.finish()
    }

    @Test func `an OpenAI folder is recognised with its levels and hyperparameters`() throws {
        let model = try ModelFolder.open(Fixtures.path("two-level-unlabelled") + "/")
        #expect(model.layout == .openAI && model.levels == [0, 1] && model.hasVQVAE)
        #expect(model.hyperparameters?["vqvae"]?["l_bins"]?.intValue == 96)
        #expect(model.hyperparametersSource == Fixtures.path("two-level-unlabelled/hparams.json"))
        let weights = try model.weights(of: .prior(level: 1))
        #expect(weights["prior.start_token"]?.shape == [1, 40])
        #expect(weights.source == Fixtures.path("two-level-unlabelled/prior_level_1.pth.tar"))
        #expect(try weights.firstNonFinite() == nil)
    }

    @Test func `our own layout is preferred, and hyperparameters may be absent`() throws {
        try safetensors("vqvae.safetensors", [("bottleneck.level_blocks.0.k", [1])])
        try safetensors("prior_level_2.safetensors", [("prior.x_emb.weight", [1])])
        try folder.write("not read", "vqvae.pth.tar")
        try folder.write("not a level", "prior_level_02.safetensors")
        let model = try ModelFolder.open(folder.path)
        #expect(model.layout == .own && model.levels == [2])
        #expect(model.hyperparameters == nil && model.hyperparametersSource == nil)
        #expect(try model.weights(of: .vqvae).names == ["bottleneck.level_blocks.0.k"])
        #expect(try model.weights(of: .prior(level: 2)).names == ["prior.x_emb.weight"])
    }

    @Test func `tied weights that are stored once appear under both names`() throws {
        try safetensors("prior_level_0.safetensors", [("prior.x_emb.weight", [1, 2])])
        try safetensors("prior_level_1.safetensors", [("prior.x_emb.weight", [1, 2])])
        try folder.write(
            #"{"prior_level_0":{"merged_decoder":false},"prior_level_1":{"merged_decoder":true}}"#,
            "hparams.json")
        let model = try ModelFolder.open(folder.path)
        #expect(try model.weights(of: .prior(level: 0))["prior.x_out.weight"]?.floats() == [1, 2])
        #expect(try model.weights(of: .prior(level: 1))["prior.x_out.weight"] == nil)
    }

    @Test func `names that depend on training options are brought to the published form`() throws {
        try safetensors(
            "prior_level_0.safetensors", [("conditioner_blocks.0.cond.model.1.0.model.2.model.3.bias", [1])])
        try safetensors(
            "vqvae.safetensors", [("decoders.0.level_blocks.0.model.1.0.blocks.2.model.3.bias", [1])])
        let model = try ModelFolder.open(folder.path)
        #expect(
            try model.weights(of: .prior(level: 0)).names
                == ["conditioner_blocks.0.cond.model.1.0.blocks.2.model.3.bias"])
        #expect(
            try model.weights(of: .vqvae).names == [
                "decoders.0.level_blocks.0.model.1.0.model.2.model.3.bias"
            ])
    }

    @Test func `a NaN is reported with tensor and index`() throws {
        try safetensors("vqvae.safetensors", [("a", [1, 2]), ("b", [1, .nan, .infinity])])
        let found = try ModelFolder.open(folder.path).weights(of: .vqvae).firstNonFinite()
        #expect(found?.tensor == "b" && found?.index == 1)
    }

    @Test func `a folder without a model says what was looked for`() throws {
        expectError(folder.path, "vqvae.pth.tar", "prior_level_N.safetensors", "pytorch_model.bin") {
            _ = try ModelFolder.open(folder.path)
        }
        expectError("absent", "not a folder") { _ = try ModelFolder.open(folder.file("absent")) }
    }

    @Test func `a missing part says what was looked for and what is there`() throws {
        let model = try ModelFolder.open(Fixtures.path("two-level-unlabelled"))
        expectError("prior_level_2.pth.tar", "prior_level_0") { _ = try model.weights(of: .prior(level: 2)) }
        let ported = try ModelFolder.open(Fixtures.path("hf-no-lyrics"))
        expectError("prior_level_7", "model.safetensors") { _ = try ported.weights(of: .prior(level: 7)) }
    }

    @Test(arguments: ["../x.safetensors", "/etc/passwd", "a/b.safetensors", "..", ""])
    func `an index that leads out of the folder is refused`(file: String) throws {
        try folder.write(
            #"{"weight_map":{"vqvae.decoders.0.out.bias":"\#(file)"}}"#, "model.safetensors.index.json")
        let error = checkpointError { _ = try ModelFolder.open(folder.path) }
        #expect(error?.kind == .forbidden)
    }

    @Test func `an index that names absent shards or tensors is refused`() throws {
        try folder.write(
            #"{"weight_map":{"vqvae.decoders.0.out.bias":"s.safetensors"}}"#, "model.safetensors.index.json")
        let model = try ModelFolder.open(folder.path)
        expectError("s.safetensors", "no such file") { _ = try model.weights(of: .vqvae) }
        try safetensors("s.safetensors", [("other", [1])])
        expectError("no tensor vqvae.decoders.0.out.bias") { _ = try model.weights(of: .vqvae) }
    }

    @Test func `hyperparameters that are no object are refused`() throws {
        try folder.write("x", "vqvae.pth")
        try folder.write("[]", "hparams.json")
        expectError("hparams.json", "object") { _ = try ModelFolder.open(folder.path) }
    }
}
