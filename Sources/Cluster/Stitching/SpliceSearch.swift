import Foundation

enum Trigonometry {
    /// Of a share of a quarter turn.
    static func sine(_ share: Double) -> Double { sin(share * .pi / 2) }
    static func cosine(_ share: Double) -> Double { cos(share * .pi / 2) }
}

/// Finds where, and with which lag, two renditions of the same music agree best.
struct SpliceSearch {
    struct Result: Equatable {
        /// The middle of the crossfade, in samples from the overlap's start as the left rendition is played.
        var position: Int
        /// By how many samples the right rendition is early.
        var shift: Int
        /// 0 to 1.
        var correlation: Double
    }

    /// Samples over which the renditions are compared.
    let window: Int
    /// Shifts are at most this many samples.
    let reach: Int

    /// - Parameters:
    ///   - left: the overlap, as the left segment has it.
    ///   - right: the same of the right one.
    ///   - leftShift: by how many samples the left segment is played early.
    ///   - places: where the middle of the crossfade may lie.
    /// - Returns: the place and shift with the least energy of what differs, so that a quiet place counts as a good
    ///   one. Small shifts are preferred, and places where the loudness stays: a seam beside an onset is heard with it.
    func find(left: [Float], right: [Float], leftShift: Int, places: Range<Int>) -> Result {
        let (a, b) = (Self.flatten(left), Self.flatten(right))
        // What differs by less than -50 dB of the surroundings is the same: then the smaller shift is better.
        let floor = 1e-5 * a.reduce(0.0) { $0 + Double($1 * $1) } * Double(window) / Double(max(1, a.count))
        var best: (cost: Double, position: Int, shift: Int)?
        let steps = Self.steps(left, right, places, window)
        var sums = [Double](repeating: 0, count: a.count + 1)
        for shift in -reach...reach {
            // Sample n of the output is left[n + leftShift] and right[n + shift].
            let low = max(0, -leftShift, -shift)
            let high = min(a.count - max(0, leftShift), b.count - max(0, shift))
            guard high > low else { continue }
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    sums.withUnsafeMutableBufferPointer { sums in
                        sums[low] = 0
                        for n in low..<high {
                            let difference = a[n + leftShift] - b[n + shift]
                            sums[n + 1] = sums[n] + Double(difference * difference)
                        }
                    }
                }
            }
            let far = Double(shift) / Double(max(1, reach))
            let penalty = 1 + 0.2 * far * far
            for place in places {
                let (from, to) = (place - window / 2, place + (window + 1) / 2)
                guard from >= low, to <= high else { continue }
                let cost = (sums[to] - sums[from] + floor) * penalty * steps[place - places.lowerBound]
                if best.map({ cost < $0.cost }) ?? true { best = (cost, place, shift) }
            }
        }
        guard let best else {
            return Result(position: (places.lowerBound + places.upperBound) / 2, shift: 0, correlation: 0)
        }
        return Result(
            position: best.position, shift: best.shift,
            correlation: correlation(a, b, leftShift, best.shift, around: best.position))
    }

    /// By place, how many times louder or softer the right rendition goes on than the left one was.
    private static func steps(_ left: [Float], _ right: [Float], _ places: Range<Int>, _ length: Int) -> [Double] {
        let (a, b) = (Energy(left), Energy(right))
        let floor = 1e-3 * (a.mean(0..<left.count) + b.mean(0..<right.count)) / 2 + 1e-12
        return places.map { place in
            let before = a.mean(place - length..<place) + floor
            let after = b.mean(place..<place + length) + floor
            return max(after / before, before / after)
        }
    }

    private func correlation(
        _ left: [Float], _ right: [Float], _ leftShift: Int, _ shift: Int, around place: Int
    ) -> Double {
        var (both, first, second) = (0.0, 1e-12, 1e-12)
        for n in place - window / 2..<place + (window + 1) / 2 {
            guard left.indices.contains(n + leftShift), right.indices.contains(n + shift) else { continue }
            let (l, r) = (Double(left[n + leftShift]), Double(right[n + shift]))
            both += l * r
            first += l * l
            second += r * r
        }
        // Few digits: what song.json says is what was played.
        return (min(1, max(0, both / (first * second).squareRoot())) * 1000).rounded() / 1000
    }

    /// High notes count as low ones do.
    private static func flatten(_ audio: [Float]) -> [Float] {
        var last: Float = 0
        return audio.map { sample in
            defer { last = sample }
            return sample - 0.9 * last
        }
    }
}
