import Checkpoint
import Features
import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// What other projects take, on a model whose numbers the original gave.
@Suite struct ConventionTests {
    private static let fixture = Fixture.noLyrics

    private static func audio() throws -> [Float] { Array(try fixture.floats("audio.in").prefix(16_384)) }

    private func features(_ request: FeatureRequest, _ audio: [Float]) throws -> [[FeatureArray]] {
        let extractor = try FeatureExtractor(
            model: Self.fixture.model(), request: request, team: ThreadTeam(threads: 2))
        let windows = try extractor.geometry.windows(request, count: audio.count, total: audio.count)
        return try #require(try extractor.features(windows, of: audio))
    }

    private func expect(_ array: FeatureArray, is name: String, tolerance: Float) throws {
        let tensor = try #require(try OracleTests.oracle(Self.fixture).tensors[name])
        #expect(array.shape == tensor.shape)
        let worst = try zip(array.values.elements, tensor.floats()).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= tolerance, "\(name)")
    }

    private func request(_ convention: FeatureConvention, layers: [Int] = [5]) -> FeatureRequest {
        var request = convention.request
        request.layers = layers
        return request
    }

    @Test func `jukemirlib: rows of every layer, in the order that was asked for`() throws {
        let found = try features(request(.jukemirlib, layers: [9, 5, 1]), Self.audio())
        #expect(found.count == 1 && found[0].count == 3)
        for (array, layer) in zip(found[0], [9, 5, 1]) {
            try expect(array, is: "full.layer_\(layer)", tolerance: 1e-3)
        }
        let short = try features(request(.jukemirlib), Array(Self.audio().prefix(5000)))
        try expect(short[0][0], is: "short.layer_5", tolerance: 1e-3)
    }

    @Test func `jukemir: one mean, and no short recording`() throws {
        try expect(features(request(.jukemir), Self.audio())[0][0], is: "full.layer_5.mean", tolerance: 1e-4)
        #expect(
            unlessError("39 tokens") { _ = try features(request(.jukemir), Array(Self.audio().prefix(5000))) } == nil)
    }

    @Test func `edge: slices with their own peak at 30 Hz`() throws {
        var request = request(.edge)
        #expect(request.rate == 30 && request.windows == .slices(length: 5, hop: 2.5))
        request.windows = .slices(length: 0.2, hop: 0.1)
        let audio = try Self.audio()
        let slices = try features(request, audio)
        #expect(slices.count == 2 && slices.allSatisfy { $0[0].shape == [6, 64] })
        // The second is what a recording of its own gives.
        var second = Array(audio[4410..<4410 + 8820])
        FeatureExtractor.normalise(&second)
        let alone = try features(FeatureRequest(layers: [5], rate: 30), second)
        #expect(sameBits(Array(slices[1][0].values.elements), Array(alone[0][0].values.elements)))
    }

    @Test func `sheetsage: all frames of all windows`() throws {
        try expect(features(request(.sheetsage), Self.audio())[0][0], is: "windows.layer_5", tolerance: 1e-3)
        // 1.5 windows: rows of the recording alone, and means over all of them.
        let audio = try Self.audio() + Self.audio().prefix(8000)
        let all = try features(request(.sheetsage), audio)[0][0]
        #expect(all.shape == [190, 64])
        var mean = request(.sheetsage)
        mean.pool = .mean
        let pooled = try features(mean, audio)[0][0]
        let wanted = all.mean()
        #expect(zip(Array(pooled.values.elements), Array(wanted.values.elements)).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func `llark: averages of 34 rows`() throws {
        try expect(features(request(.llark), Self.audio())[0][0], is: "full.layer_5.avg34", tolerance: 1e-4)
        #expect(try features(request(.llark), Array(Self.audio().prefix(5000)))[0][0].shape == [1, 64])
    }

    @Test func `layers and rates that are not there are refused`() throws {
        let audio = try Self.audio()
        #expect(unlessError("layers 1 to 9") { _ = try features(FeatureRequest(layers: [10]), audio) } == nil)
        #expect(
            unlessError("344.5", "at most") { _ = try features(FeatureRequest(layers: [1], rate: 400), audio) } == nil)
    }
}
