import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing

/// The published models, by name.
@Suite struct PresetTests {
    @Test(arguments: Hyperparameters.presets)
    func `every preset is sound`(_ name: String) throws {
        let hyperparameters = try Hyperparameters(preset: name)
        #expect(hyperparameters.priors.count == 3)
        #expect(hyperparameters.priors.map(\.level) == [0, 1, 2])
        #expect(hyperparameters.geometry.levels.map(\.samplesPerToken) == [8, 32, 128])
        #expect(hyperparameters.geometry.sampleRate == 44_100)
    }

    @Test func `an unknown preset is an error that lists those there are`() {
        #expect(unlessError("6b", "5b, 5b_lyrics, 1b_lyrics") { _ = try Hyperparameters(preset: "6b") } == nil)
    }

    @Test(arguments: ["5b", "5b_lyrics", "1b_lyrics"])
    func `the VQ-VAE has the published sizes`(_ name: String) throws {
        let vqvae = try Hyperparameters(preset: name).vqvae
        #expect(vqvae.samplesPerToken == [8, 32, 128])
        #expect(vqvae.embeddingWidth == 64 && vqvae.codes == 2048 && vqvae.width == 32 && vqvae.depth == 4)
        #expect(vqvae.multipliers == [2, 1, 1] && vqvae.dilationGrowth == 3 && vqvae.reversesDecoderDilation)
        #expect(abs(millions(WeightTable.vqvae(vqvae)) - 2) < 0.6)
    }

    @Test(arguments: ["5b", "5b_lyrics", "1b_lyrics"])
    func `the upsamplers have the published sizes, and level 1 alone scales its conditioner's residuals`(_ name: String)
        throws
    {
        let hyperparameters = try Hyperparameters(preset: name)
        for prior in hyperparameters.priors.prefix(2) {
            let shape = prior.transformer(codes: 2048)
            #expect(prior.windowLength == 8192 && shape.width == 1920 && shape.depth == 72 && shape.heads == 1)
            #expect(shape.order == 2 && shape.blocks == 128 && shape.blockLength == 64)
            #expect(shape.stateWidth == 480 && shape.mlpWidth == 1920 && shape.headWidth == 480)
            #expect(prior.conditionerWidth == 1024 && prior.conditionerDepth == 16)
            #expect(prior.conditionerDilationGrowth == 3 && prior.conditionerDilationCycle == 8)
            #expect(prior.genreAndArtistBins == [120, 4111] && prior.genreSlots == 5 && !prior.labelsV3)
            #expect(prior.conditionerScalesResiduals == (prior.level == 1))
            let table = WeightTable.prior(prior, vqvae: hyperparameters.vqvae)
            let conditioner = table.filter { $0.name.hasPrefix("conditioner_blocks") }
            expectClose(millions(table), 980)
            // Published as 0.16 billion.
            expectClose(millions(conditioner), 160, within: 0.03)
            expectClose(millions(table) - millions(conditioner), 820)
        }
    }

    /// name, window, width, depth, heads, order, blocks, lyrics, vocabulary of lyrics, millions of parameters.
    struct Top: Sendable {
        var name: String
        var window, width, depth, heads, order, blocks, lyrics, lyricVocabulary: Int
        var millions: Double
    }

    @Test(arguments: [
        Top(
            name: "5b", window: 8192, width: 4800, depth: 72, heads: 8, order: 2, blocks: 128, lyrics: 0,
            lyricVocabulary: 80, millions: 5060),
        Top(
            name: "5b_lyrics", window: 8192, width: 4800, depth: 79, heads: 8, order: 10, blocks: 128, lyrics: 512,
            lyricVocabulary: 80, millions: 5640),
        Top(
            name: "1b_lyrics", window: 6144, width: 2048, depth: 72, heads: 2, order: 12, blocks: 64, lyrics: 384,
            lyricVocabulary: 79, millions: 940),
    ])
    func `the top levels have the published sizes`(_ top: Top) throws {
        let hyperparameters = try Hyperparameters(preset: top.name)
        let prior = hyperparameters.priors[2]
        let shape = prior.transformer(codes: 2048)
        #expect(prior.windowLength == top.window && shape.width == top.width && shape.depth == top.depth)
        #expect(shape.heads == top.heads && shape.order == top.order && shape.blocks == top.blocks)
        #expect(prior.lyricLength == top.lyrics && prior.lyricVocabulary == top.lyricVocabulary)
        #expect(prior.mergedDecoder == (top.name != "1b_lyrics") && prior.halfPrecision == prior.mergedDecoder)
        #expect(prior.labelsV3 == (top.name == "1b_lyrics"))
        expectClose(millions(WeightTable.prior(prior, vqvae: hyperparameters.vqvae)), top.millions)
    }

    @Test func `5b_lyrics reads lyrics with an encoder of 18 layers`() throws {
        let prior = try Hyperparameters(preset: "5b_lyrics").priors[2]
        let encoder = try #require(prior.lyricTransformer)
        #expect(encoder.depth == 18 && encoder.width == 1280 && encoder.heads == 4 && encoder.order == 2)
        #expect(encoder.length == 512 && encoder.blockLength == 16 && encoder.vocabulary == 80)
        #expect(prior.transformer(codes: 2048).encoderLength == 512)
        #expect(prior.alignmentLayer == 68 && prior.alignmentHead == 2)
        #expect(prior.transformer(codes: 2048).pattern(layer: 68) == .lyricEncoder)
    }

    @Test func `1b_lyrics has lyrics and music in one sequence of blocks of 102`() throws {
        let prior = try Hyperparameters(preset: "1b_lyrics").priors[2]
        let shape = prior.transformer(codes: 2048)
        #expect(prior.lyricTransformer == nil && prior.lyricPrefix == 384)
        #expect(shape.length == 6528 && shape.blockLength == 102)
        #expect(shape.vocabulary == 2048 + 79 && shape.primeLength == 448)
        #expect(prior.alignmentLayer == 63 && prior.alignmentHead == 0)
        #expect(shape.pattern(layer: 63) == .prime)
        #expect(prior.genreAndArtistBins == [604, 7898] && prior.genreSlots == 1 && prior.timeBins == 64)
    }

    @Test(arguments: [("5b", 60.0), ("5b_lyrics", 23.8), ("1b_lyrics", 17.84)])
    func `lengths that the models were trained on`(_ name: String, _ least: Double) throws {
        let timing = try #require(try Hyperparameters(preset: name).geometry.timing)
        #expect(abs(Double(timing.minimumTotal) / 44_100 - least) < 0.01)
        #expect(timing.maximumTotal == 600 * 44_100)
    }

    @Test func `a song of 180 s has the published numbers of tokens and windows`() throws {
        let geometry = try Hyperparameters(preset: "5b").geometry
        let length = 180 * 44_100 / 128 * 128
        let plan = try Plan(geometry: geometry, sampleLength: length, hops: [4096, 4096, 1024], known: [0, 0, 0])
        #expect(plan.levels.map(\.total) == [992_240, 248_060, 62_015])
        #expect(plan.levels.map(\.windows.count) == [242, 60, 54])
    }

    /// Parameters of what a file must have, in millions: tied weights once.
    private func millions(_ table: [WeightSpecification]) -> Double {
        Double(table.filter { !$0.optional }.reduce(0) { $0 + $1.shape.reduce(1, *) }) / 1e6
    }

    private func expectClose(
        _ value: Double, _ published: Double, within share: Double = 0.01,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(abs(value / published - 1) < share, "\(value) against \(published)", sourceLocation: sourceLocation)
    }
}
