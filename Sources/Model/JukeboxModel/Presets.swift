package import Foundation

extension Hyperparameters {
    /// Geometries that can be named: the published models, and parts of them for benchmarks.
    package static let presets = ["5b", "5b_lyrics", "1b_lyrics", "tiny"]

    /// - Throws: `HyperparameterError` listing the names.
    package init(preset: String) throws {
        try self.init(json: Self.json(preset: preset), source: "preset \(preset)")
    }

    /// The `hparams.json` of a preset.
    ///
    /// - Throws: `HyperparameterError` listing the names.
    package static func json(preset: String) throws -> Data {
        if preset == "tiny" { return Data(tiny.utf8) }
        guard let top = tops[preset] else {
            throw HyperparameterError("no preset is called \(preset); there are \(presets.joined(separator: ", "))")
        }
        return Data(
            (#"{"vqvae":\#(vqvae),"prior_level_0":\#(upsampler(resScale: false)),"#
                + #""prior_level_1":\#(upsampler(resScale: true)),"prior_level_2":\#(top)}"#).utf8)
    }

    private static let vqvae = #"""
        {"levels":3,"downs_t":[3,2,2],"strides_t":[2,2,2],"hvqvae_multipliers":[2,1,1],"emb_width":64,
         "l_bins":2048,"width":32,"depth":4,"m_conv":1.0,"dilation_growth_rate":3,"sr":44100}
        """#

    private static func upsampler(resScale: Bool) -> String {
        #"""
        {"n_ctx":8192,"prior_width":1920,"prior_depth":72,"heads":1,"attn_order":2,"blocks":128,
         "init_scale":0.4,"cond_width":1024,"cond_depth":16,"cond_dilation_growth_rate":3,
         "cond_dilation_cycle":8,"cond_c_res":1,"cond_res_scale":\#(resScale),"y_bins":[120,4111],
         "t_bins":128,"max_bow_genre_size":5,"n_vocab":80}
        """#
    }

    private static let tops = [
        "5b": #"""
        {"n_ctx":8192,"prior_width":4800,"prior_depth":72,"heads":8,"attn_order":2,"blocks":128,
         "init_scale":0.1,"y_bins":[120,4111],"t_bins":128,"max_bow_genre_size":5,"n_vocab":80,
         "t_ranges":[[2646000,26460000],[0,26460000],[0,1]],"merged_decoder":true,"fp16_params":true}
        """#,
        "5b_lyrics": #"""
        {"n_ctx":8192,"prior_width":4800,"prior_depth":79,"heads":8,"attn_order":10,"blocks":128,
         "init_scale":0.1,"prime_width":1280,"prime_depth":18,"prime_heads":4,"prime_attn_order":2,
         "prime_blocks":32,"prime_init_scale":0.7,"y_bins":[120,4111],"t_bins":128,
         "max_bow_genre_size":5,"n_vocab":80,"t_ranges":[[1049580,26460000],[0,26460000],[0,1]],
         "use_tokens":true,"n_tokens":512,"prime_loss_fraction":0.4,"merged_decoder":true,
         "fp16_params":true,"alignment_layer":68,"alignment_head":2}
        """#,
        "1b_lyrics": #"""
        {"n_ctx":6144,"prior_width":2048,"prior_depth":72,"heads":2,"attn_order":12,"blocks":64,
         "init_scale":0.2,"labels_v3":true,"y_bins":[604,7898],"t_bins":64,"max_bow_genre_size":1,
         "n_vocab":79,"t_ranges":[[786744,26460000],[0,26460000],[0,1]],"use_tokens":true,
         "n_tokens":384,"prime_loss_fraction":0.4,"single_enc_dec":true,"alignment_layer":63,
         "alignment_head":0}
        """#,
    ]

    /// A three-level model small enough to sample in seconds: for demonstrations and tests.
    private static let tiny = #"""
        {"vqvae":{"levels":3,"downs_t":[3,2,2],"strides_t":[2,2,2],"hvqvae_multipliers":[2,1,1],
          "emb_width":32,"l_bins":256,"width":16,"depth":2,"dilation_growth_rate":3,"sr":44100},
         "prior_level_0":{"n_ctx":2048,"prior_width":64,"prior_depth":3,"heads":1,"attn_order":2,"blocks":32,
          "init_scale":0.6,"cond_width":32,"cond_depth":4,"cond_dilation_growth_rate":3,
          "cond_dilation_cycle":4,"cond_c_res":1,"y_bins":[16,16],"t_bins":64,"max_bow_genre_size":5,
          "n_vocab":80},
         "prior_level_1":{"n_ctx":2048,"prior_width":64,"prior_depth":3,"heads":1,"attn_order":2,"blocks":32,
          "init_scale":0.6,"cond_width":32,"cond_depth":4,"cond_dilation_growth_rate":3,
          "cond_dilation_cycle":4,"cond_c_res":1,"cond_res_scale":true,"y_bins":[16,16],"t_bins":64,
          "max_bow_genre_size":5,"n_vocab":80},
         "prior_level_2":{"n_ctx":1024,"prior_width":96,"prior_depth":6,"heads":2,"attn_order":2,"blocks":16,
          "init_scale":0.6,"y_bins":[16,16],"t_bins":64,"max_bow_genre_size":5,"n_vocab":80,
          "min_duration":1.0,"max_duration":600.0}}
        """#
}
