import Foundation
import Pictures
import Testing

@Suite struct SpectrogramTests {
    private func spectrogram(of audio: [Float], rate: Int, pieces: Int = 1) -> Spectrogram {
        var builder = SpectrogramBuilder(samples: audio.count, rate: rate)
        let size = (audio.count + pieces - 1) / pieces
        audio.withUnsafeBufferPointer { audio in
            for start in stride(from: 0, to: audio.count, by: size) {
                builder.append(UnsafeBufferPointer(rebasing: audio[start..<min(start + size, audio.count)]))
            }
        }
        return builder.finish()
    }

    private func sine(_ hertz: Double, rate: Int, seconds: Double) -> [Float] {
        (0..<Int(seconds * Double(rate))).map { Float(sin(2 * .pi * hertz * Double($0) / Double(rate))) }
    }

    @Test(arguments: [(110.0, 44_100), (1_000, 44_100), (9_000, 44_100), (1_000, 22_050)])
    func `a sine lights the band that it lies in, at 0 dB, and no other far away`(hertz: Double, rate: Int) throws {
        let picture = spectrogram(of: sine(hertz, rate: rate, seconds: 1), rate: rate)
        let column = picture.columns / 2
        let levels = picture.decibels.map { $0[column] }
        let band = try #require(picture.edges.lastIndex { $0 <= hertz })
        let strongest = try #require(levels.indices.max { levels[$0] < levels[$1] })
        #expect(abs(strongest - band) <= 1, "\(strongest) instead of \(band)")
        #expect(abs(levels[strongest]) < 1.5, "\(levels[strongest]) dB")
        for (other, level) in levels.enumerated() where abs(picture.edges[other] - hertz) > 300 {
            #expect(level < -55, "band \(other) has \(level) dB")
        }
    }

    @Test func `a sine in the middle of silence is where it sounds`() throws {
        let quiet = [Float](repeating: 0, count: 44_100)
        let picture = spectrogram(of: quiet + sine(1_000, rate: 44_100, seconds: 1) + quiet, rate: 44_100)
        let band = try #require(picture.edges.lastIndex { $0 <= 1_000 })
        let loud = (0..<picture.columns).filter { picture.decibels[band][$0] > -20 }
        let step = picture.seconds / Double(picture.columns)
        #expect(abs(Double(try #require(loud.first)) * step - 1) < 0.05)
        #expect(abs(Double(try #require(loud.last)) * step - 2) < 0.05)
    }

    @Test func `pieces of any size give the same as all at once`() {
        let audio = sine(440, rate: 16_000, seconds: 0.7)
        let whole = spectrogram(of: audio, rate: 16_000)
        #expect(spectrogram(of: audio, rate: 16_000, pieces: 97).decibels == whole.decibels)
    }

    @Test func `the size is bounded for an hour, and there is one for a single sample`() {
        let hour = SpectrogramBuilder(samples: 3_600 * 44_100, rate: 44_100)
        #expect(hour.columns == 1_400)
        #expect(3_600 * 44_100 / hour.hop < 6_000, "frames are taken from it, not all of it")
        let least = spectrogram(of: [0.5], rate: 44_100)
        #expect(least.columns == 1 && least.decibels.count == least.bands)
    }

    @Test func `audio that ends early or goes on too long does no harm`() {
        var builder = SpectrogramBuilder(samples: 44_100, rate: 44_100)
        #expect(builder.finish().decibels.joined().allSatisfy { $0 < -150 })
        builder = SpectrogramBuilder(samples: 1_000, rate: 44_100)
        sine(440, rate: 44_100, seconds: 1).withUnsafeBufferPointer { builder.append($0) }
        #expect(builder.finish().decibels.joined().allSatisfy { $0.isFinite })
    }

    @Test func `a sound of many pitches has the numbers that it always had`() {
        let audio = (0..<22_050).map { place -> Float in
            let time = Double(place) / 22_050
            return (1...30).reduce(0) { $0 + Float(sin(2 * .pi * 57.3 * Double($1 * $1) * time) / Double($1)) }
        }
        let picture = spectrogram(of: audio, rate: 22_050)
        let bands = [0, 7, 33, 80, 121, 159].map { picture.decibels[$0][picture.columns / 3] }
        for (band, wanted) in zip(bands, Self.recorded) { #expect(abs(band - wanted) < 0.002, "\(bands)") }
    }

    /// By the program as it was in November 2026.
    private static let recorded: [Float] = [-1.4767, -57.0341, -58.1652, -72.2458, -72.5149, -30.8963]
}
