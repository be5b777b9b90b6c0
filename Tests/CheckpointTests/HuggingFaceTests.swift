import Foundation
import Testing

@testable import Checkpoint

struct HuggingFaceTests {
    private static let twins = [("hf-no-lyrics", "no-lyrics"), ("hf-lyrics-single", "lyrics-single")]

    @Test(arguments: twins)
    func `every tensor has the name, type, shape and bytes of the original's`(port: String, original: String)
        throws
    {
        let ported = try ModelFolder.open(Fixtures.path(port))
        let twin = try ModelFolder.open(Fixtures.path(original))
        #expect(ported.layout == .huggingFace && twin.layout == .openAI)
        #expect(ported.levels == [0, 1, 2] && twin.levels == [0, 1, 2])
        for part in [ModelPart.vqvae, .prior(level: 0), .prior(level: 1), .prior(level: 2)] {
            let (a, b) = (try ported.weights(of: part), try twin.weights(of: part))
            #expect(a.names == b.names, "\(part)")
            for name in b.names {
                let (x, y) = try #require(
                    zip(a[name].map { [$0] } ?? [], b[name].map { [$0] } ?? []).first { _ in true })
                #expect(x.name == name && same(x, y), "\(part) \(name)")
            }
        }
    }

    @Test func `a lyric encoder's names are translated`() throws {
        let names = HuggingFaceNames([], levels: 3, path: "p")
        for (ported, original) in [
            ("encoder.embed_tokens.weight", "prime_prior.x_emb.weight"),
            ("encoder.start_token", "prime_prior.start_token"),
            ("encoder.pos_emb.pos_emb", "prime_prior.pos_emb.pos_emb"),
            (
                "encoder.transformer._attn_mods.3.mlp.c_fc.bias",
                "prime_prior.transformer._attn_mods.3.mlp.c_fc.b"
            ),
            (
                "encoder.transformer._attn_mods.3.layer_norm_1.bias",
                "prime_prior.transformer._attn_mods.3.ln_1.bias"
            ),
            ("encoder.proj_in.weight", "prime_state_proj.w"), ("encoder.proj_in.bias", "prime_state_proj.b"),
            ("encoder.final_layer_norm.weight", "prime_state_ln.weight"),
            ("encoder.lm_head.weight", "prime_x_out.weight"),
            (
                "prior.transformer._attn_mods.18.attn.c_enc_kv.weight",
                "prior.transformer._attn_mods.18.attn.c_enc_kv.w"
            ),
            ("prior.start_token", "prior.start_token"), ("prior.fc_proj_out.weight", "prior.x_out.weight"),
        ] {
            let found = try names.canonical("priors.0.\(ported)")
            #expect(found.part == .prior(level: 2) && found.name == original)
        }
    }

    @Test func `numbers follow from the model, whatever its size`() throws {
        let block = "vqvae.encoders.1.level_blocks.0"
        let names = HuggingFaceNames(
            [
                "\(block).downsample_block.8.weight",
                "\(block).downsample_block.9.resnet_block.0.conv1d_1.bias",
                "priors.1.prior.start_token",
            ], path: "p")
        #expect(names.levels == 2)
        #expect(
            try names.canonical("\(block).proj_out.bias").name == "encoders.1.level_blocks.0.model.5.bias")
        #expect(
            try names.canonical("\(block).downsample_block.9.resnet_block.12.conv1d_2.bias").name
                == "encoders.1.level_blocks.0.model.4.1.model.12.model.3.bias")
        let upsampler = "priors.1.conditioner_blocks.upsampler.upsample_block"
        #expect(
            try names.canonical("\(upsampler).4.resnet_block.15.conv1d_1.weight").name
                == "conditioner_blocks.0.cond.model.3.0.blocks.15.model.1.weight")
        #expect(
            try names.canonical("\(upsampler).5.weight").name == "conditioner_blocks.0.cond.model.3.1.weight")
        #expect(try names.canonical("priors.1.prior.start_token").part == .prior(level: 0))
    }

    @Test(arguments: [
        "vqvae", "vqvae.x", "priors", "priors.0", "priors.3.prior.start_token", "priors.-1.prior.start_token",
        "priors.0.prior.transformer._attn_mods.0.attn.c_attn.w", "",
        "vqvae.encoders.0.level_blocks.0.downsample_block",
        "vqvae.encoders.0.level_blocks.0.downsample_block.x.weight", "priors.0.y_emb.artist_emb.emb.weight",
        "vqvae.decoders.0.level_blocks.0.upsample_block.-3.weight",
        "vqvae.decoders.0.level_blocks.0.upsample_block.9223372036854775807.weight",
    ])
    func `an unknown name is named in the error`(name: String) {
        let names = HuggingFaceNames([], levels: 3, path: "p")
        expectError("tensor \(name) is not") { _ = try names.canonical(name) }
    }

    @Test(arguments: twins)
    func `the configuration agrees with the original's hyperparameters`(port: String, original: String) throws {
        let converted = try #require(try ModelFolder.open(Fixtures.path(port)).hyperparameters?.objectValue)
        let wanted = try #require(try ModelFolder.open(Fixtures.path(original)).hyperparameters?.objectValue)
        #expect(Set(converted.keys) == Set(wanted.keys))
        for (part, fields) in converted {
            for (name, value) in try #require(fields.objectValue) {
                #expect(value == wanted[part]?[name], "\(part).\(name)")
            }
        }
    }

    @Test func `the two forms have the fields that shape a model`() throws {
        let converted = try #require(try ModelFolder.open(Fixtures.path("hf-lyrics-single")).hyperparameters)
        let top = try #require(converted["prior_level_2"])
        #expect(top["attn_order"]?.intValue == 12 && top["n_tokens"]?.intValue == 32)
        #expect(top["single_enc_dec"]?.boolValue == true && top["labels_v3"]?.boolValue == true)
        #expect(converted["prior_level_1"]?["cond_res_scale"]?.boolValue == true)
        #expect(converted["prior_level_0"]?["cond_dilation_cycle"]?.intValue == 3)
        #expect(converted["vqvae"]?["hvqvae_multipliers"] == .array([.int(2), .int(1), .int(1)]))
    }

    @Test func `an empty configuration has the port's defaults, and a lyric encoder is carried over`() throws {
        let text = """
            {"model_type":"jukebox","nb_priors":2,"prior_0":{"is_encoder_decoder":false,
            "attention_pattern":"large_separated_enc_dec_w_lyrics","metadata_dims":[120,4111],
            "lyric_vocab_size":80,
            "encoder_config":{"hidden_size":1280,"num_layers":18,"n_heads":4,"blocks":32,
            "attention_pattern":"RawColumnPreviousRowAttention","init_scale":0.7}}}
            """
        let root = try Array(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "c") }
        let parts = try HuggingFaceConfig(root, path: "c").hyperparameters()
        #expect(Set(parts.objectValue?.keys.map { $0 } ?? []) == ["vqvae", "prior_level_0", "prior_level_1"])
        let top = try #require(parts["prior_level_1"])
        #expect(top["attn_order"] == .int(10) && top["prime_attn_order"] == .int(2))
        #expect(
            top["prime_width"] == .int(1280) && top["prime_depth"] == .int(18)
                && top["prime_blocks"] == .int(32))
        #expect(top["single_enc_dec"] == .bool(false) && top["labels_v3"] == .bool(false))
        #expect(
            top["n_ctx"] == .int(6144) && top["prior_width"] == .int(2048)
                && top["merged_decoder"] == .bool(true))
        #expect(parts["vqvae"]?["width"] == .int(32) && parts["vqvae"]?["l_bins"] == .int(2048))
        #expect(parts["prior_level_0"]?["attn_order"] == .int(12))
    }

    @Test(arguments: [
        (#"{}"#, "model_type"), (#"{"model_type":"bert"}"#, "bert"),
        (#"{"model_type":"jukebox","nb_priors":0}"#, "nb_priors"),
        (#"{"model_type":"jukebox","prior_config_list":[{}]}"#, "fewer than 3"),
        (#"{"model_type":"jukebox","prior_0":{"n_ctx":"x"}}"#, "prior_0.n_ctx"),
        (#"{"model_type":"jukebox","prior_1":{"attention_pattern":"spiral"}}"#, "spiral"),
        (#"{"model_type":"jukebox","vqvae_config":{"res_downs_t":[3,"x"]}}"#, "vqvae_config.res_downs_t"),
    ])
    func `a configuration that cannot be read says where`(text: String, fragment: String) throws {
        let root = try Array(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "c") }
        expectError("c", fragment) { _ = try HuggingFaceConfig(root, path: "c").hyperparameters() }
    }
}
