import Features
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

@Suite struct FeatureWindowTests {
    private static func geometry() throws -> FeatureGeometry { FeatureGeometry(try Fixture.noLyrics.model()) }
    /// A window of the model: 128 tokens of 128 audio samples.
    private static let whole = 128 * 128

    private func windows(_ rule: WindowRule, count: Int, whole: Bool = false) throws -> [FeatureWindow] {
        let request = FeatureRequest(layers: [1], windows: rule, wantsWholeWindow: whole)
        return try Self.geometry().windows(request, count: count, total: count)
    }

    @Test func `the first window is encoded with what follows it, up to 25 s`() throws {
        let long = try windows(.first, count: 5_000_000)
        #expect(long.map(\.samples) == [0..<1_102_500] && long[0].rows == 128 && long[0].padding == 0)
        let short = try windows(.first, count: 5000)
        #expect(short.map(\.samples) == [0..<5000] && short[0].rows == 39)
    }

    @Test func `a padded window has zeros, and rows of the recording alone`() throws {
        let window = try #require(try windows(.padded, count: 5000).first)
        #expect(window.samples == 0..<5000 && window.padding == Self.whole - 5000 && window.rows == 39)
        #expect(try windows(.padded, count: 50_000).map(\.samples) == [0..<Self.whole])
    }

    @Test func `slices are recordings of their own, and the rest is dropped`() throws {
        // 0.2 s are 8820 samples, 0.1 s are 4410.
        let slices = try windows(.slices(length: 0.2, hop: 0.1), count: 18_000)
        #expect(slices.map(\.samples) == [0..<8820, 4410..<13_230, 8820..<17_640])
        #expect(slices.allSatisfy { $0.hasOwnPeak && $0.rows == 68 && $0.labels == slices[0].labels })
    }

    @Test func `all of it is windows without overlap, each with its place`() throws {
        let windows = try windows(.all, count: 40_000)
        #expect(windows.map(\.rows) == [128, 128, 56])
        #expect(windows.map(\.samples) == [0..<16_384, 16_384..<32_768, 32_768..<40_000])
        #expect(windows.map(\.padding) == [0, 0, 3 * 16_384 - 40_000])
        #expect(windows.map { $0.labels[1] } == [0, 16_384, 32_768])
        #expect(windows.allSatisfy { $0.labels[0] == 2_646_016 })
    }

    @Test func `what cannot be is refused with a reason`() throws {
        #expect(unlessError("100 audio samples", "128") { _ = try windows(.first, count: 100) } == nil)
        #expect(
            unlessError("39 tokens", "whole window of 128") { _ = try windows(.first, count: 5000, whole: true) } == nil
        )
        #expect(
            unlessError("shorter than a slice") { _ = try windows(.slices(length: 0.2, hop: 0.1), count: 8000) } == nil)
        #expect(
            unlessError("longer than a window") { _ = try windows(.slices(length: 5, hop: 1), count: 999_999) } == nil)
    }

    @Test func `rules and poolings read what they write`() {
        for text in ["first", "padded", "all", "slices:5,2.5"] { #expect(WindowRule(text)?.text == text) }
        for text in ["none", "mean", "avg:34"] { #expect(Pooling(text)?.text == text) }
        for text in ["", "slices", "slices:5", "slices:0,1", "slices:5,2.5,1", "slices:nan,1"] {
            #expect(WindowRule(text) == nil, "\(text)")
        }
        for text in ["", "avg", "avg:0", "avg:x", "max"] { #expect(Pooling(text) == nil, "\(text)") }
    }
}
