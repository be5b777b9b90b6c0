import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import Testing

/// A fingerprint says that two workers would sample the same tokens.
@Suite struct FingerprintTests {
    @Test(arguments: [(Fixture.lyricsSingle, Fixture.hfLyricsSingle), (.noLyrics, .hfNoLyrics)])
    func `both layouts of one model have the same fingerprints`(_ one: Fixture, _ other: Fixture) throws {
        #expect(try one.model().fingerprints() == other.model().fingerprints())
    }

    @Test func `fingerprints are the profile and 64 hexadecimal digits, and differ between levels and models`() throws {
        var all: Set<String> = []
        for fixture in Fixture.originals { all.formUnion(try fixture.model().fingerprints().values) }
        #expect(all.count == 11)
        for fingerprint in all {
            let parts = fingerprint.split(separator: ":")
            #expect(parts.count == 2 && parts[0] == "f32/1")
            #expect(parts[1].count == 64 && parts[1].allSatisfy { $0.isHexDigit })
        }
    }

    @Test func `profiles differ in fingerprint, and each is found in its own`() throws {
        let folder = Fixture.noLyrics.folder.path
        var all: Set<String> = []
        for profile in NumericProfile.allCases {
            let model = try Model(path: folder, profile: profile)
            let fingerprints = try model.fingerprints().values
            #expect(fingerprints.allSatisfy { NumericProfile(fingerprint: $0) == profile })
            all.formUnion(fingerprints.map { $0.split(separator: ":")[1] }.map(String.init))
            #expect(try model.prior(level: 2).profile == profile)
        }
        #expect(all.count == 9)
        #expect(try Model(path: folder).profile == .f16)
        #expect(NumericProfile(name: "int8") == .int8 && NumericProfile(name: "int8/1") == nil)
    }

    @Test func `the file format and what lies beside the weights do not matter`() throws {
        let copy = try ModelCopy(.lyricsSingle)
        for level in 0...2 { try copy.rewrite(.prior(level: level)) }
        try FileManager.default.removeItem(at: copy.folder.file("v3_artist_ids.txt"))
        #expect(try copy.open().fingerprints() == Fixture.lyricsSingle.model().fingerprints())
    }

    @Test func `one bit of one weight changes the fingerprint of its level alone`() throws {
        let original = try Fixture.noLyrics.model().fingerprints()
        for victim in [
            "prior.transformer._attn_mods.0.ln_0.bias", "y_emb.artist_emb.emb.weight", "prior.x_emb.weight",
            "conditioner_blocks.0.ln.weight",
        ] {
            let copy = try ModelCopy(.noLyrics)
            try copy.rewrite(.prior(level: 1)) { $0[victim]!.bytes[8] ^= 1 }
            let changed = try copy.open().fingerprints()
            #expect(changed[0] == original[0] && changed[2] == original[2], "\(victim)")
            #expect(changed[1] != original[1], "\(victim)")
        }
    }

    @Test func `the VQ-VAE's weights do not count: no token depends on them`() throws {
        let copy = try ModelCopy(.noLyrics)
        try copy.rewrite(.vqvae) { $0["decoders.0.out.bias"]!.bytes[0] ^= 1 }
        #expect(try copy.open().fingerprints() == Fixture.noLyrics.model().fingerprints())
    }

    @Test func `the same weights under another geometry are another model`() throws {
        let original = try Fixture.noLyrics.model().fingerprints()
        for (path, value) in [
            ("prior_level_2.heads", 2 as Any), ("prior_level_2.max_duration", 500.0), ("prior_level_2.blocks", 8),
            ("prior_level_2.res_scale", true),
        ] {
            let copy = try ModelCopy(.noLyrics)
            var json = try LooseJSON(Data(contentsOf: copy.folder.file("hparams.json")))
            json.set(path, value)
            try FileManager.default.removeItem(at: copy.folder.file("hparams.json"))
            try json.data.write(to: copy.folder.file("hparams.json"))
            let changed = try copy.open().fingerprints()
            #expect(changed[0] == original[0] && changed[1] == original[1], "\(path)")
            #expect(changed[2] != original[2], "\(path)")
        }
    }

    @Test func `options of training do not count`() throws {
        let copy = try ModelCopy(.noLyrics)
        var json = try LooseJSON(Data(contentsOf: copy.folder.file("hparams.json")))
        for (field, value) in [
            ("lr", 0.5 as Any), ("init_scale", 7.0), ("fp16_params", true), ("prime_loss_fraction", 0.9),
        ] {
            json.set("prior_level_2.\(field)", value)
        }
        try FileManager.default.removeItem(at: copy.folder.file("hparams.json"))
        try json.data.write(to: copy.folder.file("hparams.json"))
        #expect(try copy.open().fingerprints() == Fixture.noLyrics.model().fingerprints())
    }
}
