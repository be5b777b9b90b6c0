import Foundation
import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing

/// A change to the `tiny` preset that contradicts itself, and what the error must name.
struct Contradiction: Sendable, CustomStringConvertible {
    /// Values as JSON, since `Any` is not Sendable.
    var changes: [(String, String)]
    var names: String

    init(_ path: String, _ json: String, names: String? = nil) {
        self.init([(path, json)], names: names ?? path)
    }

    init(_ changes: [(String, String)], names: String) {
        self.changes = changes
        self.names = names
    }

    var description: String { changes.map { "\($0.0) = \($0.1)" }.joined(separator: ", ") }

    func apply() throws -> Data {
        var json = try LooseJSON(preset: "tiny")
        for (path, text) in changes {
            json.set(
                path,
                text == "absent"
                    ? nil : try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed))
        }
        return try json.data
    }
}

@Suite struct HyperparametersTests {
    private static let lyrics = [
        ("prior_level_2.use_tokens", "true"), ("prior_level_2.n_tokens", "32"), ("prior_level_2.prime_width", "32"),
        ("prior_level_2.prime_blocks", "4"), ("prior_level_2.prime_attn_order", "2"),
    ]

    private static let contradictions: [Contradiction] = [
        .init("prior_level_2.attn_order", "3"), .init("prior_level_2.attn_order", "-1"),
        .init("prior_level_0.attn_order", "11"), .init("prior_level_2.attn_order", "6"),
        .init("prior_level_2.heads", "0"), .init("prior_level_2.heads", "7", names: "heads 7 does not divide"),
        .init("prior_level_2.blocks", "7", names: "prior_level_2.blocks 7 does not divide the 1024"),
        .init("prior_level_2.blocks", "0"), .init("prior_level_2.blocks", "-16"),
        .init("prior_level_2.blocks", "absent", names: "prior_level_2.blocks is needed by attn_order 2"),
        .init("prior_level_2.n_ctx", "0"), .init("prior_level_2.n_ctx", "-1024"),
        .init("prior_level_2.n_ctx", "9223372036854775807"), .init("prior_level_2.n_ctx", "\"8192\""),
        .init("prior_level_2.n_ctx", "absent"), .init("prior_level_2.n_ctx", "10.5", names: "n_ctx"),
        .init(
            [("prior_level_0.n_ctx", "2046"), ("prior_level_0.blocks", "2")],
            names: "prior_level_0.n_ctx 2046 is not a multiple of 4"),
        .init("prior_level_1.prior_width", "0"), .init("prior_level_1.prior_depth", "-3"),
        .init("prior_level_1.prior_depth", "0"), .init("prior_level_2.m_attn", "0"),
        .init("prior_level_2.m_attn", "1e300"), .init("prior_level_2.m_mlp", "-1"),
        .init("prior_level_2.single_enc_dec", "true"),
        .init(
            [
                ("prior_level_2.single_enc_dec", "true"), ("prior_level_2.n_tokens", "32"),
                ("prior_level_2.n_vocab", "0"),
            ], names: "prior_level_2.n_tokens needs n_vocab"),
        .init([("prior_level_2.n_tokens", "-1")], names: "prior_level_2.n_tokens"),
        .init(
            [("prior_level_2.n_tokens", "9223372036854775807"), ("prior_level_2.single_enc_dec", "true")],
            names: "prior_level_2.n_tokens"),
        .init(
            [
                ("prior_level_2.n_tokens", "32"), ("prior_level_2.n_vocab", "9223372036854775807"),
                ("prior_level_2.single_enc_dec", "true"),
            ], names: "prior_level_2.n_vocab"),
        .init(
            [
                ("prior_level_2.n_tokens", "32"), ("prior_level_2.n_vocab", "65500"),
                ("prior_level_2.single_enc_dec", "true"),
            ], names: "at most 65535"),
        .init(
            [("prior_level_2.attn_order", "8"), ("prior_level_2.prior_depth", "10")],
            names: "prior_level_2.attn_order 8 attends to lyrics"),
        .init(
            [("prior_level_2.attn_order", "10"), ("prior_level_2.prior_depth", "19")],
            names: "prior_level_2.attn_order 10 attends to lyrics"),
        .init(
            [("prior_level_2.attn_order", "12"), ("prior_level_2.prior_depth", "16")],
            names: "prior_level_2.attn_order 12 needs single_enc_dec"),
        .init("prior_level_2.y_bins", "absent"), .init("prior_level_2.y_bins", "[16]"),
        .init("prior_level_2.y_bins", "[0, 16]"),
        .init("prior_level_2.y_bins", "[16, -1]"), .init("prior_level_0.max_bow_genre_size", "absent"),
        .init("prior_level_0.max_bow_genre_size", "0"),
        .init("prior_level_0.max_bow_genre_size", "9223372036854775807"),
        .init("prior_level_2.t_bins", "0"), .init("prior_level_2.pos_init", "true"),
        .init(lyrics + [("prior_level_2.alignment_layer", "6")], names: "prior_level_2.alignment_layer 6"),
        .init(lyrics + [("prior_level_2.alignment_layer", "-1")], names: "prior_level_2.alignment_layer -1"),
        .init(
            lyrics + [("prior_level_2.alignment_layer", "3"), ("prior_level_2.alignment_head", "2")],
            names: "prior_level_2.alignment_head"),
        .init(
            lyrics + [("prior_level_2.alignment_layer", "0"), ("prior_level_2.alignment_head", "0")],
            names: "prior_level_2.alignment_layer 0"),
        .init(lyrics + [("prior_level_2.labels", "false")], names: "prior_level_2 reads lyrics"),
        .init(
            lyrics + [("prior_level_2.labels", "false"), ("prior_level_2.single_enc_dec", "true")],
            names: "prior_level_2 reads lyrics"),
        .init(lyrics + [("prior_level_2.prime_blocks", "5")], names: "prior_level_2.prime_blocks 5"),
        .init(lyrics + [("prior_level_2.prime_blocks", "0")], names: "prior_level_2.prime_blocks"),
        .init(lyrics + [("prior_level_2.prime_heads", "0")], names: "prior_level_2.prime_heads"),
        .init(lyrics + [("prior_level_2.prime_width", "0")], names: "prior_level_2.prime_width"),
        .init(lyrics + [("prior_level_2.prime_depth", "-2")], names: "prior_level_2.prime_depth"),
        .init(lyrics + [("prior_level_2.prime_m_attn", "1e300")], names: "prior_level_2.prime_m_attn"),
        .init(
            lyrics + [("prior_level_2.prime_attn_order", "12"), ("prior_level_2.prime_depth", "16")],
            names: "prior_level_2.prime_attn_order"),
        .init("prior_level_0.cond_width", "0"), .init("prior_level_0.cond_depth", "0"),
        .init("prior_level_0.cond_dilation_cycle", "0"), .init("prior_level_0.cond_m_conv", "0"),
        .init(
            [("prior_level_0.cond_dilation_cycle", "absent"), ("prior_level_0.cond_depth", "64")],
            names: "prior_level_0.cond_dilation_growth_rate"),
        .init("prior_level_2.t_ranges", "[[10, 5], [0, 10], [0, 1]]"),
        .init("prior_level_2.t_ranges", "[[1e300, 2e300], [0, 10], [0, 1]]"),
        .init("prior_level_2.t_ranges", "[[1, 5], [0, 10]]"),
        .init(
            [("prior_level_2.min_duration", "60"), ("prior_level_2.max_duration", "20")],
            names: "prior_level_2.min_duration"),
        .init("prior_level_1", "absent"), .init("vqvae", "absent"), .init("vqvae.width", "absent"),
        .init("vqvae.levels", "0", names: "levels is 0"), .init("vqvae.levels", "17", names: "levels is 17"),
        .init("vqvae.downs_t", "[3, 2]"), .init("vqvae.strides_t", "[3, 2, 2]", names: "strides_t"),
        .init("vqvae.downs_t", "[3, 2, 17]"),
        .init([("vqvae.downs_t", "[16, 16, 16]"), ("vqvae.strides_t", "[8, 8, 8]")], names: "vqvae.downs_t"),
        .init("vqvae.l_bins", "0"), .init("vqvae.l_bins", "65001"), .init("vqvae.hvqvae_multipliers", "[2, 1]"),
        .init("vqvae.hvqvae_multipliers", "[2, 1, 0]"), .init("vqvae.dilation_cycle", "0"),
        .init("vqvae.m_conv", "0"), .init("vqvae.width", "0"), .init("vqvae.emb_width", "-1"), .init("vqvae.sr", "0"),
        .init([("vqvae.depth", "64")], names: "vqvae.dilation_growth_rate"),
    ]

    @Test(arguments: contradictions)
    func `a contradiction is an error that names the field and its place`(_ contradiction: Contradiction) throws {
        let data = try contradiction.apply()
        #expect(
            unlessError("here.json", contradiction.names) {
                _ = try Hyperparameters(json: data, source: "here.json")
            } == nil)
    }

    @Test(arguments: ["", "{", "[1]", "null", "7"])
    func `what is no JSON object is an error that names the file`(_ text: String) {
        #expect(unlessError("here.json") { _ = try Hyperparameters(json: Data(text.utf8), source: "here.json") } == nil)
    }

    @Test func `the changes that the errors ask for are accepted`() throws {
        for changes in [
            [], Self.lyrics, [("prior_level_2.attn_order", "0"), ("prior_level_2.blocks", "absent")],
            Self.lyrics + [("prior_level_2.attn_order", "8"), ("prior_level_2.prior_depth", "10")],
            Self.lyrics + [
                ("prior_level_2.single_enc_dec", "true"), ("prior_level_2.attn_order", "12"),
                ("prior_level_2.prior_depth", "48"),
            ],
            [("prior_level_2.heads", "4"), ("prior_level_2.labels", "false"), ("prior_level_2.y_bins", "0")],
            [("prior_level_2.labels", "0"), ("vqvae.hvqvae_multipliers", "null")],
        ] {
            let data = try Contradiction(changes, names: "").apply()
            #expect(throws: Never.self) { try Hyperparameters(json: data, source: "here.json") }
        }
    }

    @Test func `geometry for planning follows from hyperparameters`() throws {
        let single = try Fixture.lyricsSingle.model().geometry
        #expect(single.sampleRate == 44_100)
        #expect(single.levels.map(\.samplesPerToken) == [8, 32, 128])
        #expect(single.levels.map(\.tokensPerUpperToken) == [4, 4, nil])
        #expect(single.levels.map(\.windowLength) == [256, 256, 96])
        #expect(single.levels.map(\.codes) == [128, 128, 128])
        #expect(single.levels.map(\.vocabulary) == [128, 128, 128 + 79])
        #expect(single.timing == TimingRange(minimumTotal: 44_100, maximumTotal: 26_460_000))
        let two = try Fixture.twoLevel.model().geometry
        #expect(two.sampleRate == 22_050 && two.timing == nil)
        #expect(two.levels.map(\.samplesPerToken) == [32, 256])
        #expect(two.levels.map(\.tokensPerUpperToken) == [8, nil])
        let separate = try Fixture.lyricsEncDec.model().geometry
        #expect(separate.levels.map(\.vocabulary) == [128, 128, 128])
    }
}
