import Foundation
import Stitching
import Testing

struct SeamReportTests {
    private static let rate = 22_050
    private static let seconds = 12

    /// Plucked notes of several partials over a little noise, as music has them.
    private static func song(_ shift: Double = 0) -> [Float] {
        var state: UInt64 = 7
        func chance() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24) - 0.5
        }
        let pitches = [220.0, 277.2, 329.6, 440, 392, 246.9, 293.7]
        return (0..<rate * seconds).map { place in
            let time = Double(place) / Double(rate)
            let beat = Int(time / 0.37)
            let age = time - Double(beat) * 0.37
            let pitch = pitches[beat * 5 % pitches.count]
            let tone = (1...4).reduce(0.0) { $0 + sin(2 * .pi * pitch * Double($1) * (time + shift)) / Double($1) }
            return Float(0.3 * tone * exp(-3 * age)) + 0.004 * chance()
        }
    }

    private static let cuts = (1...10).map { Int(Double(rate) * (Double($0) * 1.05 + 0.21)) }

    private func report(_ audio: [Float]) throws -> SeamReport {
        try #require(
            try SeamReport(seams: Self.cuts, length: audio.count, rate: Self.rate) { from, count in
                (from..<from + count).map { audio.indices.contains($0) ? audio[$0] : 0 }
            })
    }

    @Test func `places where nothing was done are not told apart`() throws {
        let report = try report(Self.song())
        #expect(report.auc < 0.7, "\(report.auc) \(report.aucs)")
        #expect(report.seams.count == 10 && report.others.count == 200)
    }

    @Test func `hard cuts to another phase are detected`() throws {
        let (one, other) = (Self.song(), Self.song(0.0013))
        var audio = one
        for (number, cut) in Self.cuts.enumerated() where number.isMultiple(of: 2) {
            let end = number + 1 < Self.cuts.count ? Self.cuts[number + 1] : one.count
            audio[cut..<end] = other[cut..<end]
        }
        let report = try report(audio)
        #expect(report.auc > 0.9, "\(report.auc) \(report.aucs)")
    }

    @Test func `a silent gap and a change of loudness are detected`() throws {
        var gaps = Self.song()
        for cut in Self.cuts { for place in cut..<cut + Self.rate / 100 { gaps[place] = 0 } }
        #expect(try report(gaps).auc > 0.85)
        var louder = Self.song()
        for (number, cut) in Self.cuts.enumerated() where number.isMultiple(of: 2) {
            let end = number + 1 < Self.cuts.count ? Self.cuts[number + 1] : louder.count
            for place in cut..<end { louder[place] *= 3 }
        }
        #expect(try report(louder).auc > 0.75)
    }

    @Test func `the plot shows every place, and names the song harmlessly`() throws {
        let report = try report(Self.song())
        let svg = SeamPlot(report, title: "a <b> & c", seconds: 12).svg
        #expect(svg.components(separatedBy: "<circle").count - 1 == 210)
        #expect(svg.contains("a &lt;b> &amp; c") && svg.hasSuffix("</svg>\n"))
    }

    @Test func `the AUC counts pairs, ties by half`() {
        #expect(SeamReport.auc([3, 1], [0, 2]) == 0.75)
        #expect(SeamReport.auc([1], [1, 1]) == 0.5)
    }

    @Test func `a place in a song has the measures that it always had`() {
        let detector = SeamDetector(rate: Self.rate)
        let song = Self.song()
        let place = 5 * Self.rate
        let measures = detector.measure(Array(song[place - detector.reach...place + detector.reach]))
        let found = [measures.onset, measures.phase, measures.change, measures.click]
        for (value, wanted) in zip(found, Self.recorded) { #expect(abs(value - wanted) < 0.0005, "\(found)") }
    }

    /// By the program as it was in November 2026.
    private static let recorded = [-0.362696, -0.589988, -0.028330, -0.106996]
}
