import Foundation
import Tensor

/// How much a place in a recording looks like a seam: four measures, each against its surroundings.
///
/// Each is the greatest value within 12 ms of the place, in robust deviations (median and quartiles) of the values in
/// the quarter of a second on both sides. Music has onsets everywhere: only the comparison with other places of the
/// same song (`SeamReport`) says whether a seam shows.
package struct SeamMeasures: Sendable, Hashable, Codable {
    /// Spectral flux: the log-mel spectrum's rise over 12 ms, summed over bands.
    package var onset: Double
    /// How far a partial is from where its own phase and strength lead to (complex-domain deviation).
    package var phase: Double
    /// The difference of the log-mel spectra of the 35 ms before and after.
    package var change: Double
    /// The second difference of the samples, over 1 ms: a click.
    package var click: Double

    /// Of all four; none may outvote the others alone.
    package var score: Double { [onset, phase, change, click].reduce(0) { $0 + min(max($1, -3), 8) } }
}

/// Measures places of one recording.
package struct SeamDetector {
    /// Audio samples of a frame and between frames.
    private let frameLength: Int
    private let hop: Int
    private let bands = 40
    /// Points of the transform in each band, evenly spaced in mel.
    private let pointsPerBand = 3
    private let fourier: WindowedTransform
    /// Frames on each side of a place.
    private let context: Int
    private let rate: Int

    /// - Parameter rate: hertz.
    package init(rate: Int) {
        self.rate = rate
        frameLength = max(16, rate * 1024 / 44_100)
        hop = max(1, frameLength / 4)
        context = Int(0.25 * Double(rate)) / hop
        let points = bands * pointsPerBand
        let scale = MelScale(from: 60, to: min(14_000, 0.45 * Double(rate)))
        fourier = WindowedTransform(
            frequencies: (0..<points).map { scale.hertz(at: (Double($0) + 0.5) / Double(points)) }, rate: rate,
            frameLength: frameLength)
    }

    /// Samples on each side of a place that are listened to.
    package var reach: Int { (context + 8) * hop + frameLength }

    /// - Parameter audio: the samples from `reach` before the place to `reach` after it.
    package func measure(_ audio: [Float]) -> SeamMeasures {
        let frames = 2 * (context + 8) + 1
        let spectra = transform(audio, frames: frames)
        let middle = frames / 2
        let mel = spectra.map(logMel)
        let onset = (2..<frames).map { frame in
            zip(mel[frame], mel[frame - 2]).reduce(0) { $0 + Double(max(0, $1.0 - $1.1)) }
        }
        let phase = (2..<frames).map { Self.deviation(spectra[$0 - 2], spectra[$0 - 1], spectra[$0]) }
        let change = (6..<frames - 6).map { frame in Self.difference(mel, frame) }
        return SeamMeasures(
            onset: stand(onset, at: middle - 2, near: 2), phase: stand(phase, at: middle - 2, near: 2),
            change: stand(change, at: middle - 6, near: 2), click: click(audio))
    }

    /// In robust deviations of all values, the greatest of those near a place.
    private func stand(_ values: [Double], at place: Int, near: Int) -> Double {
        let peak = values[max(0, place - near)...min(values.count - 1, place + near)].max() ?? 0
        // Peaks of the surroundings, not single frames: otherwise any peak would stand out.
        let width = 2 * near + 1
        let peaks = stride(from: 0, to: values.count - width + 1, by: 2).map { values[$0..<$0 + width].max()! }.sorted()
        let median = peaks[peaks.count / 2]
        let spread = peaks[peaks.count * 3 / 4] - peaks[peaks.count / 4]
        return (peak - median) / max(spread, 1e-6 + 0.05 * abs(median))
    }

    private func click(_ audio: [Float]) -> Double {
        let block = max(1, rate / 1000)
        let middle = audio.count / 2
        let reach = context * hop
        let values = stride(from: middle - reach, to: middle + reach, by: block).map { start in
            log10(
                1e-12
                    + (start..<start + block).reduce(0.0) { sum, place in
                        let curve = Double(audio[place + 1] - 2 * audio[place] + audio[place - 1])
                        return max(sum, curve * curve)
                    })
        }
        return stand(values, at: reach / block, near: 4)
    }

    /// Root mean square over bands of what changes in the spectrum of about 35 ms on both sides.
    private static func difference(_ mel: [[Float]], _ frame: Int) -> Double {
        var sum = 0.0
        for band in mel[frame].indices {
            // A frame is four hops long: those that only just do not overlap the place, and later ones.
            let before = (mel[frame - 6][band] + mel[frame - 4][band] + mel[frame - 2][band]) / 3
            let after = (mel[frame + 6][band] + mel[frame + 4][band] + mel[frame + 2][band]) / 3
            sum += Double((after - before) * (after - before))
        }
        return (sum / Double(mel[frame].count)).squareRoot()
    }

    /// Of a spectrum from what the two before it lead to, relative to its strength.
    private static func deviation(_ first: [Float], _ second: [Float], _ third: [Float]) -> Double {
        let points = first.count / 2
        var (deviation, strength) = (0.0, 1e-9)
        for point in 0..<points {
            let (a, b) = (Double(first[point]), Double(first[points + point]))
            let (c, d) = (Double(second[point]), Double(second[points + point]))
            // The step from the first to the second, once more: second · second · conj(first) / |…|.
            let (x, y): (Double, Double) = (c * c - d * d, 2 * c * d)
            let (re, im): (Double, Double) = (x * a + y * b, y * a - x * b)
            let length: Double = (re * re + im * im).squareRoot()
            let scale: Double = (c * c + d * d).squareRoot() / max(1e-12, length)
            let (e, f) = (Double(third[point]), Double(third[points + point]))
            let (offRe, offIm) = (e - re * scale, f - im * scale)
            deviation += (offRe * offRe + offIm * offIm).squareRoot()
            strength += (e * e + f * f).squareRoot()
        }
        return deviation / strength
    }

    private func logMel(_ spectrum: [Float]) -> [Float] {
        let points = bands * pointsPerBand
        return (0..<bands).map { band in
            var power: Float = 0
            for point in band * pointsPerBand..<(band + 1) * pointsPerBand {
                let (re, im) = (spectrum[point], spectrum[points + point])
                power += re * re + im * im
            }
            return log10(power + 1e-8)
        }
    }

    /// [frame][2 · points], frames in the middle of the audio.
    private func transform(_ audio: [Float], frames: Int) -> [[Float]] {
        let first = audio.count / 2 - frames / 2 * hop - frameLength / 2
        var rows: [Float] = []
        rows.reserveCapacity(frames * frameLength)
        for frame in 0..<frames { rows += audio[first + frame * hop..<first + frame * hop + frameLength] }
        let (product, columns) = (fourier.spectra(of: rows), 2 * fourier.points)
        return (0..<frames).map { Array(product[$0 * columns..<($0 + 1) * columns]) }
    }
}
