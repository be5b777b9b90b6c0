import Foundation
import ModelTestSupport
import Tensor
import Testing

@testable import Features

@Suite struct FourierResamplingTests {
    @Test func `our sine is the sine`() {
        for whole in [1, 2, 3, 7, 8, 360, 99_991] {
            for part in -2 * whole...2 * whole where whole < 1000 || part % 997 == 0 {
                let wanted = sin(2 * Double.pi * (Double(part) / Double(whole)).truncatingRemainder(dividingBy: 1))
                #expect(abs(Sine.value(part, of: whole) - wanted) < 1e-14, "\(part) of \(whole)")
            }
        }
    }

    @Test func `frames are counted as librosa counts them`() {
        let native = 44_100.0 / 128
        let counted = [(8192, 30.0), (8192, 15), (8192, 10), (1722, 30), (39, 30), (39, 10), (1, 30)].map {
            FourierResampling.frames(rows: $0, rate: $1, native: native)
        }
        #expect(counted == [714, 357, 238, 150, 4, 2, 1])
    }

    /// scipy's steps, each as its definition: the transform, the bins that are kept, and back.
    private func slow(_ x: [Double], frames: Int) -> [Double] {
        let n = x.count, kept = frames / 2
        var real: [Double] = [], imaginary: [Double] = []
        for bin in 0...kept {
            var (a, b) = (0.0, 0.0)
            for (index, value) in x.enumerated() {
                let angle = -2 * Double.pi * Double(bin * index % n) / Double(n)
                a += value * cos(angle)
                b += value * sin(angle)
            }
            let isHalf = frames % 2 == 0 && bin == kept && frames < n
            real.append(isHalf ? 2 * a : a)
            imaginary.append(isHalf ? 2 * b : b)
        }
        return (0..<frames).map { frame in
            var sum = real[0]
            for bin in 1..<max(1, kept + 1) {
                let angle = 2 * Double.pi * Double(bin * frame % frames) / Double(frames)
                let isHalf = frames % 2 == 0 && bin == kept
                // The inverse of a real signal takes the half rate once, without its imaginary part.
                sum += isHalf ? real[bin] * cos(angle) : 2 * (real[bin] * cos(angle) - imaginary[bin] * sin(angle))
            }
            return sum / Double(n)
        }
    }

    @Test(arguments: [(97, 12), (97, 13), (128, 12), (128, 11), (41, 1), (41, 2), (39, 4), (200, 199), (2, 1)])
    func `any lengths give what transforming there and back gives`(rows: Int, frames: Int) {
        let width = 300
        var random = SplitMix64(seed: UInt64(rows * 1000 + frames))
        let x = Buffer((0..<rows * width).map { _ in Float.random(in: -26...26, using: &random) })
        let y = Buffer<Float>(count: frames * width)
        FourierResampling(rows: rows, frames: frames).apply(
            x.pointer, width: width, into: y.pointer, team: ThreadTeam(threads: 2))
        for column in [0, 17, 255, 256, 299] {
            let wanted = slow((0..<rows).map { Double(x[$0 * width + column]) }, frames: frames)
            for frame in 0..<frames { #expect(abs(Double(y[frame * width + column]) - wanted[frame]) < 1e-4) }
        }
    }

    @Test func `as many frames as rows are the rows`() {
        let x = Buffer<Float>((0..<12).map(Float.init))
        let y = Buffer<Float>(count: 12)
        FourierResampling(rows: 4, frames: 4).apply(
            x.pointer, width: 3, into: y.pointer, team: ThreadTeam(threads: 1))
        #expect(Array(y.elements) == Array(x.elements))
    }
}
