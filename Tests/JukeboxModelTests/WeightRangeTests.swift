import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import Testing

/// Numbers that a profile cannot hold.
struct WeightRangeTests {
    private let none = "(nothing was thrown)"

    private func model(_ part: ModelPart, _ tensor: String, to value: Float, _ type: ElementType = .float32) throws
        -> ModelCopy
    {
        let copy = try ModelCopy(.noLyrics)
        try copy.rewrite(part) { tensors in
            let count = tensors[tensor]!.shape.reduce(1, *)
            if type == .bfloat16 {
                tensors[tensor]!.type = .bfloat16
                let half = UInt16(value.bitPattern >> 16)
                tensors[tensor]!.bytes = (0..<count).flatMap { _ in [UInt8(half & 0xFF), UInt8(half >> 8)] }
            } else {
                tensors[tensor]!.set(3, to: value)
            }
        }
        return copy
    }

    private func complaint(_ copy: ModelCopy, _ part: ModelPart, _ profile: NumericProfile) throws -> String {
        let model = try Model(path: copy.folder.path, profile: profile)
        guard case .prior(let level) = part else { return errorText { _ = try model.vqvae() } }
        let text = errorText { _ = try model.prior(level: level) }
        let inspected = errorText {
            try model.weights(of: part).check(
                profile, of: model.hyperparameters.priors[level], vqvae: model.hyperparameters.vqvae)
        }
        #expect(text == inspected)
        return text
    }

    @Test(arguments: [
        (ModelPart.prior(level: 2), "prior.transformer._attn_mods.0.mlp.c_fc.w", "f32 or int8"),
        (.prior(level: 2), "prior.x_out.weight", "f32"), (.prior(level: 1), "prior.x_emb.weight", "f32"),
        (.prior(level: 1), "conditioner_blocks.0.cond.model.0.weight", "f32"),
    ])
    func `a number beyond float16 is named with tensor, value and the profiles that hold it`(
        _ part: ModelPart, _ tensor: String, _ others: String
    ) throws {
        let copy = try model(part, tensor, to: -1.5e6)
        let text = try complaint(copy, part, .f16)
        for words in [tensor, "-1500000.0", "element 3", "profile f16", "--profile \(others) can hold it"] {
            #expect(text.contains(words), "\(text)")
        }
        #expect(try complaint(copy, part, .f32) == none)
        #expect(try (complaint(copy, part, .int8) == none) == others.contains("int8"))
    }

    @Test func `the limit is where float16 rounds to infinity, either way`() throws {
        let (part, tensor) = (ModelPart.prior(level: 2), "prior.transformer._attn_mods.1.attn.c_attn.w")
        for value in [65_519, -65_519, 1e-30, 0] as [Float] {
            #expect(try complaint(model(part, tensor, to: value), part, .f16) == none, "\(value)")
        }
        for value in [65_520, -65_520, 1e38] as [Float] {
            #expect(try complaint(model(part, tensor, to: value), part, .f16).contains("65520"), "\(value)")
        }
        let huge = try model(part, tensor, to: 3e38)
        #expect(try complaint(huge, part, .int8).contains("--profile f32 can hold it"))
    }

    @Test func `bfloat16 is looked at as well, and what stays float32 is not`() throws {
        let part = ModelPart.prior(level: 2)
        let brain = try model(part, "prior.transformer._attn_mods.0.mlp.c_proj.w", to: 65_536, .bfloat16)
        #expect(try complaint(brain, part, .f16).contains("65536.0"))
        let bias = try model(part, "prior.transformer._attn_mods.0.mlp.c_proj.b", to: 1e6)
        for profile in NumericProfile.allCases { #expect(try complaint(bias, part, profile) == none) }
    }

    @Test func `no profile holds what is no number`() throws {
        let part = ModelPart.prior(level: 2)
        for value in [Float.nan, .infinity, -.infinity] {
            let copy = try model(part, "prior.transformer._attn_mods.0.mlp.c_fc.w", to: value)
            for profile in NumericProfile.allCases {
                #expect(try complaint(copy, part, profile).contains("NaN or infinity at element 3"))
            }
        }
    }

    @Test func `the largest number is found`() throws {
        let copy = try model(.prior(level: 2), "prior.x_emb.weight", to: -1234)
        let largest = try copy.open().weights(of: .prior(level: 2)).largest
        #expect(largest?.name == "prior.x_emb.weight" && largest?.magnitude == 1234)
    }
}
