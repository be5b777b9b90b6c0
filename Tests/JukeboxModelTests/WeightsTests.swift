import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import Testing

/// Files that do not fit their geometry.
@Suite struct WeightsTests {
    private static let parts: [ModelPart] = [.vqvae, .prior(level: 0), .prior(level: 2)]
    private let victims: [ModelPart: String] = [
        .vqvae: "decoders.1.level_blocks.0.model.1.0.model.0.model.1.weight",
        .prior(level: 0): "conditioner_blocks.0.cond.model.0.weight",
        .prior(level: 2): "prior.transformer._attn_mods.3.attn.c_attn.w",
    ]

    private func load(_ part: ModelPart, of model: Model) throws {
        switch part {
        case .vqvae: _ = try model.vqvae()
        case .prior(let level): _ = try model.prior(level: level)
        }
    }

    /// The error of loading a part after a change; must be the same from `weights(of:)`, which inspection uses.
    private func complaint(_ part: ModelPart, _ change: (inout [String: LooseTensor]) -> Void) throws -> String {
        let copy = try ModelCopy(.noLyrics)
        try copy.rewrite(part, change)
        let model = try copy.open()
        let text = errorText { try load(part, of: model) }
        #expect(errorText { _ = try model.weights(of: part) } == text)
        #expect(text.contains(copy.folder.file("\(part).safetensors").path), "\(text)")
        return text
    }

    @Test(arguments: parts)
    func `a missing tensor is named with the shape it should have`(_ part: ModelPart) throws {
        let victim = try #require(victims[part])
        var shape: [Int] = []
        let text = try complaint(part) { shape = $0.removeValue(forKey: victim)!.shape }
        #expect(text.contains("\(victim) of shape \(shape) is missing"))
    }

    @Test(arguments: parts)
    func `a wrong shape is named with the right one`(_ part: ModelPart) throws {
        let victim = try #require(victims[part])
        var shape: [Int] = []
        let text = try complaint(part) {
            shape = $0[victim]!.shape
            $0[victim]!.shape = shape.reversed()
        }
        #expect(text.contains("\(victim) has shape \(Array(shape.reversed()))"))
        #expect(text.contains("expects \(shape)"))
    }

    @Test func `a scalar, an empty tensor and one more dimension are wrong shapes`() throws {
        let victim = victims[.prior(level: 2)]!
        for shape in [[], [0, 64], [1, 64, 48]] {
            let text = try complaint(.prior(level: 2)) {
                $0[victim]!.shape = shape
                $0[victim]!.bytes = Array($0[victim]!.bytes.prefix(shape.reduce(1, *) * 4))
            }
            #expect(text.contains("\(victim) has shape \(shape)") && text.contains("expects [64, 48]"), "\(text)")
        }
    }

    @Test(arguments: parts)
    func `a tensor that has no place is named`(_ part: ModelPart) throws {
        let text = try complaint(part) {
            $0["prior.transformer._attn_mods.99.ln_0.bias"] = LooseTensor(
                name: "", type: .float32, shape: [3], bytes: [UInt8](repeating: 0, count: 12))
        }
        #expect(text.contains("prior.transformer._attn_mods.99.ln_0.bias of shape [3] has no place"))
    }

    @Test(arguments: [ElementType.int32, .int64, .uint8, .bool])
    func `integers are no weights`(_ type: ElementType) throws {
        for part in Self.parts {
            let victim = try #require(victims[part])
            let text = try complaint(part) {
                let count = $0[victim]!.shape.reduce(1, *)
                $0[victim]!.type = type
                $0[victim]!.bytes = [UInt8](repeating: 1, count: count * type.size)
            }
            #expect(text.contains("\(victim) is of type \(type)") && text.contains("float32 or float16"), "\(text)")
        }
    }

    @Test func `a file of another level does not fit`() throws {
        let copy = try ModelCopy(.noLyrics)
        try FileManager.default.removeItem(at: copy.folder.file("prior_level_0.pth.tar"))
        try FileManager.default.copyItem(
            at: Fixture.noLyrics.folder.appendingPathComponent("prior_level_2.pth.tar"),
            to: copy.folder.file("prior_level_0.pth.tar"))
        let text = errorText { _ = try copy.open().prior(level: 0) }
        #expect(text.contains("prior_level_0.pth.tar"))
    }

    @Test func `a part that the folder lacks is an error that says what was looked for`() throws {
        let copy = try ModelCopy(.noLyrics)
        try FileManager.default.removeItem(at: copy.folder.file("vqvae.pth.tar"))
        #expect(unlessError(copy.folder.path, "vqvae") { _ = try copy.open().vqvae() } == nil)
    }

    @Test func `a folder without hyperparameters must be named like a preset, or be given one`() throws {
        let copy = try ModelCopy(.noLyrics)
        try FileManager.default.removeItem(at: copy.folder.file("hparams.json"))
        #expect(unlessError("hparams.json", "--preset", "5b_lyrics") { _ = try copy.open() } == nil)
        let named = try Model(path: copy.folder.path, preset: "5b")
        #expect(named.hyperparameters == (try Hyperparameters(preset: "5b")))
        #expect(
            unlessError("prior_level_2.pth.tar", "shape [128, 64]", "expects [2048, 4800]") {
                _ = try named.prior(level: 2)
            } == nil)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `NaN and infinite weights are reported with tensor and element`(_ value: Float) throws {
        let victim = "prior.transformer._attn_mods.3.ln_1.weight"
        let copy = try ModelCopy(.noLyrics)
        try copy.rewrite(.prior(level: 2)) { $0[victim]!.set(5, to: value) }
        let weights = try copy.open().weights(of: .prior(level: 2))
        #expect(unlessError("prior_level_2.safetensors", victim, "element 5") { try weights.checkFinite() } == nil)
        #expect(
            unlessError("prior_level_2.safetensors", victim, "element 5") { _ = try copy.open().prior(level: 2) } == nil
        )
        #expect(throws: Never.self) { try copy.open().prior(level: 1) }
    }

    @Test func `sizes and types count every stored tensor once`() throws {
        let weights = try Fixture.lyricsEncDec.model().weights(of: .prior(level: 2))
        let stored = try Fixture.lyricsEncDec.model().folder.weights(of: .prior(level: 2)).tensors.values
        #expect(weights.size.parameters == stored.reduce(0) { $0 + $1.count })
        #expect(weights.size.bytes == stored.reduce(0) { $0 + $1.byteCount })
        #expect(Set(weights.types.keys) == ["float16", "float32"])
        #expect(weights.types.values.reduce(0, +) == weights.size.parameters)
    }
}
