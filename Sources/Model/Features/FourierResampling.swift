package import Tensor

/// Makes fewer frames of rows in time by their spectrum, as scipy's FFT resampling does (`librosa.resample` with
/// `res_type="fft"`), for lengths of any kind: frames that the spectrum below the new half rate has.
///
/// All of it is one linear map. With N rows, M < N frames and K = ⌊M / 2⌋, frame m is
/// 1 / N · Σ over n of x[n] · D(m / M − n / N), where D(θ) = 1 + 2 Σ over k = 1 … K of cos 2πkθ, which is
/// sin((2K + 1)πθ) / sin πθ. Products are the contract's, and sines our own: the same bits on every machine.
package struct FourierResampling: Sendable {
    /// N.
    package let rows: Int
    /// M.
    package let frames: Int
    /// [frames][rows]; empty when nothing changes.
    private let weights: Buffer<Float>

    /// Frames that so many rows become: ⌈N · rate / native⌉.
    ///
    /// - Parameters:
    ///   - rate: frames a second that are wanted.
    ///   - native: rows a second.
    package static func frames(rows: Int, rate: Double, native: Double) -> Int {
        Int((Double(rows) * (rate / native)).rounded(.up))
    }

    /// - Parameters:
    ///   - rows: at least 1.
    ///   - frames: 1 … rows.
    package init(rows: Int, frames: Int) {
        precondition(rows >= 1 && (1...rows).contains(frames), "\(rows) rows do not become \(frames) frames")
        self.rows = rows
        self.frames = frames
        guard frames < rows else {
            weights = Buffer(count: 0)
            return
        }
        weights = Buffer(count: frames * rows)
        let terms = 2 * (frames / 2) + 1
        let turn = 2 * frames * rows
        for frame in 0..<frames {
            for row in 0..<rows {
                // πθ is so much of a whole turn.
                let part = frame * rows - row * frames
                let kernel =
                    part == 0 ? Double(terms) : Sine.value(part * terms, of: turn) / Sine.value(part, of: turn)
                weights[frame * rows + row] = Float(kernel / Double(rows))
            }
        }
    }

    /// Columns that are packed at once: few enough that their copy stays small.
    private static let columns = 256

    /// - Parameters:
    ///   - x: [rows][width].
    ///   - y: [frames][width]; must not overlap x.
    package func apply(
        _ x: UnsafePointer<Float>, width: Int, into y: UnsafeMutablePointer<Float>, team: ThreadTeam
    ) {
        guard frames < rows else { return y.update(from: x, count: rows * width) }
        for first in stride(from: 0, to: width, by: Self.columns) {
            let count = min(Self.columns, width - first)
            let part = Buffer<Float>(count: rows * count)
            for row in 0..<rows {
                (part.pointer + row * count).update(from: x + row * width + first, count: count)
            }
            let matrix = withExtendedLifetime(part) {
                PackedMatrix(
                    k: rows, n: count, source: UnsafeRawBufferPointer(part.elements), sourceType: .float32,
                    storage: .float32, team: team)
            }
            matrix.multiply(
                weights.pointer, rows: frames, xStride: rows, into: y + first, yStride: width, team: team)
        }
    }
}

/// The sine from basic operations alone, so that it is the same everywhere: that of the system's library is not.
enum Sine {
    /// sin(2π · part / whole).
    static func value(_ part: Int, of whole: Int) -> Double {
        // Eighths of a turn, exactly: sin x = −sin(x − π), and within half a turn sin x = sin(π − x).
        var part = part % whole
        if part < 0 { part += whole }
        var sign = 1.0
        if 2 * part >= whole { (part, sign) = (2 * part - whole, -1.0) } else { part *= 2 }
        // Now the angle is π · part / whole, part in 0 ..< whole.
        if 2 * part > whole { part = whole - part }
        // 0 … π / 2; beyond π / 4 it is the cosine of what is left.
        if 4 * part <= whole { return sign * sine(Double(part) / Double(whole) * .pi) }
        return sign * cosine(Double(whole - 2 * part) / Double(2 * whole) * .pi)
    }

    /// Of 0 … π / 4, by its power series.
    private static func sine(_ x: Double) -> Double { x * series(x * x, first: 2) }

    /// Of 0 … π / 4, by its power series.
    private static func cosine(_ x: Double) -> Double { series(x * x, first: 1) }

    /// 1 − s / (f (f + 1)) · (1 − s / ((f + 2)(f + 3)) · (…)).
    private static func series(_ square: Double, first: Int) -> Double {
        var sum = 1.0
        for term in stride(from: first + 18, through: first, by: -2) {
            sum = 1 - square / Double(term * (term + 1)) * sum
        }
        return sum
    }
}
