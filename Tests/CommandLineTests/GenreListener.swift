import Foundation
import Tensor

/// Names the genre of a recording from the mean and spread of its log-mel spectrum: a logistic regression that
/// `Scripts/train/evaluate --parts listener` fitted to corpus songs, as the top level's codec leaves them.
struct GenreListener: Decodable {
    let genres: [String]
    /// Of the features, for standardising them.
    private let mean: [Double]
    private let spread: [Double]
    /// [features and a constant][genre]
    private let w: [[Double]]

    private static let size = 2048
    private static let hop = 441
    private static let bands = 64
    private static let rate = 44_100.0

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/music-box/genres.json")
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }

    /// - Parameter audio: mono, 44.1 kHz.
    func genre(of audio: [Float]) -> String {
        let features = Self.timbre(Self.logMel(audio))
        let standard = zip(features, zip(mean, spread)).map { ($0 - $1.0) / $1.1 } + [1]
        let scores = genres.indices.map { genre in zip(standard, w).reduce(0) { $0 + $1.0 * $1.1[genre] } }
        return genres[scores.indices.max { scores[$0] < scores[$1] }!]
    }

    /// Mean, then standard deviation, of each band.
    private static func timbre(_ mel: [[Double]]) -> [Double] {
        let means = (0..<bands).map { band in mel.reduce(0) { $0 + $1[band] } / Double(mel.count) }
        let spreads = (0..<bands).map { band -> Double in
            let squares = mel.reduce(0) { $0 + pow($1[band] - means[band], 2) }
            return (squares / Double(mel.count)).squareRoot()
        }
        return means + spreads
    }

    /// [frame][band], natural logarithms of magnitudes in triangular bands of equal width in mel.
    private static func logMel(_ audio: [Float]) -> [[Double]] {
        let edges = melEdges
        let bins = Int(edges.first! * Double(size) / rate)...Int(edges.last! * Double(size) / rate) + 1
        let silence = Array(repeating: Float(0), count: size / 2)
        let padded = silence + audio + silence
        let starts = Array(stride(from: 0, through: padded.count - size, by: hop))
        // [2 · bins][size]: cosines, then sines, under a Hann window.
        var basis: [Float] = []
        for part in [cos, sin] as [(Double) -> Double] {
            for bin in bins {
                for i in 0..<size {
                    let window = 0.5 - 0.5 * Foundation.cos(2 * .pi * Double(i) / Double(size - 1))
                    basis.append(Float(window * part(2 * .pi * Double(bin * i % size) / Double(size))))
                }
            }
        }
        var spectra = [Float](repeating: 0, count: starts.count * 2 * bins.count)
        let frames = starts.flatMap { padded[$0..<$0 + size] }
        spectra.withUnsafeMutableBufferPointer { spectra in
            frames.withUnsafeBufferPointer { frames in
                basis.withUnsafeBufferPointer { basis in
                    BLAS.multiply(
                        m: starts.count, n: 2 * bins.count, k: size, a: frames.baseAddress!, aStride: size,
                        b: basis.baseAddress!, bStride: size, bTransposed: true, c: spectra.baseAddress!,
                        cStride: 2 * bins.count)
                }
            }
        }
        return starts.indices.map { frame in
            let row = spectra[frame * 2 * bins.count..<(frame + 1) * 2 * bins.count]
            let magnitudes = zip(row.prefix(bins.count), row.suffix(bins.count)).map { Double(hypot($0, $1)) }
            return (0..<bands).map { band in
                var level = 0.1
                for (magnitude, bin) in zip(magnitudes, bins) {
                    let hertz = Double(bin) * rate / Double(size)
                    let rise = (hertz - edges[band]) / (edges[band + 1] - edges[band])
                    let fall = (edges[band + 2] - hertz) / (edges[band + 2] - edges[band + 1])
                    level += magnitude * max(0, min(rise, fall))
                }
                return log(level)
            }
        }
    }

    /// Hertz, of 64 overlapping bands from 40 Hz to 9 kHz.
    private static var melEdges: [Double] {
        func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
        let step = (mel(9000) - mel(40)) / Double(bands + 1)
        return (0..<bands + 2).map { 700 * (pow(10, (mel(40) + Double($0) * step) / 2595) - 1) }
    }
}
