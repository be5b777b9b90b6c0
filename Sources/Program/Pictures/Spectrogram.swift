import Foundation
import Tensor

/// A log-mel spectrogram of fixed size: how strong each band of pitch is over time.
package struct Spectrogram: Sendable {
    /// Rows, lowest pitch first.
    package let bands: Int
    /// Of equal duration.
    package let columns: Int
    /// [band][column] decibels; a sine of full scale is about 0 in its band.
    package let decibels: [[Float]]
    /// Hertz, bands + 1 edges.
    package let edges: [Double]
    /// Of the audio.
    package let seconds: Double
}

/// Makes a spectrogram from audio that comes piece by piece; memory does not grow with the length.
///
/// A frame is 46 ms under a Hann window. Its discrete Fourier transform is a matrix product with points at most one
/// bin apart in each band, so that narrow bands at the bottom are never empty. At most `framesPerColumn` frames are
/// taken for a column: what a column shows of a very long recording is a sample of it.
package struct SpectrogramBuilder {
    /// Hertz.
    package static let lowest = 40.0
    package static let highest = 16_000.0
    private static let framesPerColumn = 4
    private static let batch = 64

    package let bands: Int
    package let columns: Int
    /// Audio samples of a frame and between frames.
    package let frameLength: Int
    package let hop: Int
    private let total: Int
    private let rate: Int
    /// Hertz, bands + 1 edges of equal width in mel.
    private let edges: [Double]
    /// Points of band b are pointStarts[b]..<pointStarts[b + 1].
    private let pointStarts: [Int]
    private let fourier: WindowedTransform
    /// Audio that is not used up, from sample `start` of the recording.
    private var pending: [Float] = []
    private var start: Int
    /// Up to `batch` frames, [frame, frameLength], and the columns that they belong to.
    private var frames: [Float] = []
    private var places: [Int] = []
    /// [columns, bands] summed power.
    private var power: [Float]
    private var counts: [Int]
    private var nextFrame = 0

    /// - Parameters:
    ///   - samples: of the whole recording; what comes after them is left out.
    ///   - rate: hertz.
    ///   - maximumColumns: a short recording gets fewer.
    package init(samples: Int, rate: Int, bands: Int = 160, maximumColumns: Int = 1_400) {
        precondition(samples > 0 && rate > 0 && bands > 0 && maximumColumns > 0)
        frameLength = max(16, rate * 2048 / 44_100)
        let finest = max(1, frameLength / 8)
        columns = min(maximumColumns, max(1, samples / finest))
        hop = max(finest, samples / (columns * Self.framesPerColumn))
        total = samples
        self.rate = rate
        self.bands = bands
        let highest = min(Self.highest, 0.49 * Double(rate))
        let scale = MelScale(from: min(Self.lowest, highest / 4), to: highest)
        edges = (0...bands).map { scale.hertz(at: Double($0) / Double(bands)) }
        let points = Self.points(edges: edges, bin: Double(rate) / Double(frameLength))
        pointStarts = points.starts
        fourier = WindowedTransform(frequencies: points.frequencies, rate: rate, frameLength: frameLength)
        power = Array(repeating: 0, count: columns * bands)
        counts = Array(repeating: 0, count: columns)
        // The first frame's middle is the beginning: silence lies before it.
        start = -frameLength / 2
        pending = Array(repeating: 0, count: frameLength / 2)
    }

    /// Takes the next audio, mono.
    package mutating func append(_ audio: UnsafeBufferPointer<Float>) {
        pending.append(contentsOf: audio)
        takeFrames()
    }

    /// The spectrogram of all that came.
    package mutating func finish() -> Spectrogram {
        pending.append(contentsOf: repeatElement(0, count: frameLength))
        takeFrames()
        transform()
        var last: [Float] = Array(repeating: -200, count: bands)
        var decibels = Array(repeating: Array(repeating: Float(-200), count: columns), count: bands)
        for column in 0..<columns {
            if counts[column] > 0 {
                for band in 0..<bands {
                    last[band] = 10 * log10(power[column * bands + band] / Float(counts[column]) + 1e-20)
                }
            }
            for band in 0..<bands { decibels[band][column] = last[band] }
        }
        return Spectrogram(
            bands: bands, columns: columns, decibels: decibels, edges: edges, seconds: Double(total) / Double(rate))
    }

    private mutating func takeFrames() {
        var middle = nextFrame * hop
        while middle < total, middle + (frameLength - frameLength / 2) <= start + pending.count {
            let first = middle - frameLength / 2 - start
            frames.append(contentsOf: pending[first..<first + frameLength])
            places.append(min(columns - 1, middle * columns / total))
            if places.count == Self.batch { transform() }
            nextFrame += 1
            middle = nextFrame * hop
        }
        let used = min(pending.count, max(0, middle - frameLength / 2 - start))
        pending.removeFirst(used)
        start += used
    }

    private mutating func transform() {
        guard !places.isEmpty else { return }
        let points = fourier.points
        let product = fourier.spectra(of: frames)
        for (frame, column) in places.enumerated() {
            counts[column] += 1
            for band in 0..<bands {
                var strongest: Float = 0
                for point in pointStarts[band]..<pointStarts[band + 1] {
                    let (cosine, sine) = (
                        product[frame * 2 * points + point], product[(frame * 2 + 1) * points + point]
                    )
                    strongest = max(strongest, cosine * cosine + sine * sine)
                }
                power[column * bands + band] += strongest
            }
        }
        frames.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    /// The frequencies of each band, in hertz, and where in them each band begins.
    private static func points(edges: [Double], bin: Double) -> (starts: [Int], frequencies: [Double]) {
        var starts = [0]
        var frequencies: [Double] = []
        for (low, high) in zip(edges, edges.dropFirst()) {
            let count = max(1, Int(((high - low) / bin).rounded(.up)))
            frequencies += (0..<count).map { low + (high - low) * (Double($0) + 0.5) / Double(count) }
            starts.append(frequencies.count)
        }
        return (starts, frequencies)
    }
}
