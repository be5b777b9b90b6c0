import Foundation

/// The discrete Fourier transform of frames of audio under a Hann window, at frequencies of any choice: a matrix product
/// on OpenBLAS, for pictures and measures, which influence no token.
package struct WindowedTransform: Sendable {
    /// Frequencies that it is taken at.
    package let points: Int
    /// Audio samples of a frame.
    package let frameLength: Int
    /// [2 · points, frameLength]: cosines, then sines, under the window.
    private let basis: [Float]

    /// - Parameters:
    ///   - frequencies: hertz.
    ///   - rate: hertz.
    package init(frequencies: [Double], rate: Int, frameLength: Int) {
        points = frequencies.count
        self.frameLength = frameLength
        let window = (0..<frameLength).map { 0.5 - 0.5 * cos(2 * .pi * (Double($0) + 0.5) / Double(frameLength)) }
        let scale = 2 / window.reduce(0, +)
        var basis: [Float] = []
        basis.reserveCapacity(2 * points * frameLength)
        for phase in [0, Double.pi / 2] {
            for frequency in frequencies {
                let step = 2 * Double.pi * frequency / Double(rate)
                for sample in 0..<frameLength {
                    basis.append(Float(scale * window[sample] * cos(step * Double(sample) - phase)))
                }
            }
        }
        self.basis = basis
    }

    /// - Parameter frames: [frame][frameLength], one after the other.
    /// - Returns: [frame][2 · points], one after the other: real parts (cosines), then imaginary parts (sines). A sine of
    ///   full scale has magnitude 1 at its frequency.
    package func spectra(of frames: [Float]) -> [Float] {
        let count = frames.count / frameLength
        var product = [Float](repeating: 0, count: count * 2 * points)
        frames.withUnsafeBufferPointer { frames in
            basis.withUnsafeBufferPointer { basis in
                product.withUnsafeMutableBufferPointer { product in
                    guard let x = frames.baseAddress, let weights = basis.baseAddress, let y = product.baseAddress
                    else { return }
                    BLAS.multiply(
                        m: count, n: 2 * points, k: frameLength, a: x, aStride: frameLength, b: weights,
                        bStride: frameLength, bTransposed: true, c: y, cStride: 2 * points)
                }
            }
        }
        return product
    }
}

/// Pitch as it is heard: 2595 · log₁₀(1 + f / 700) for a frequency of f hertz.
package struct MelScale: Sendable {
    private let low: Double
    private let high: Double

    /// - Parameters: hertz.
    package init(from lowest: Double, to highest: Double) {
        low = Self.mel(lowest)
        high = Self.mel(highest)
    }

    private static func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }

    /// The frequency at a share of the way from the lowest to the highest, in hertz.
    package func hertz(at share: Double) -> Double { 700 * (pow(10, (low + (high - low) * share) / 2595) - 1) }
}
