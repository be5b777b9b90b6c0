import Foundation
package import SongPlan

/// Finds where a join will be least audible: where the level above stays as loud as it is.
///
/// A quiet moment just before an onset was measured to be worse: what changes there makes the seam one more event.
package struct CutChooser {
    /// Audio samples of a top-level token, and a second.
    private let unit: Int
    private let rate: Int

    package init(_ geometry: ModelGeometry) {
        unit = geometry.lengthUnit
        rate = geometry.sampleRate
    }

    /// - Parameters:
    ///   - audio: of the top level, from the token `start` on.
    ///   - room: where the cut may lie, in top-level tokens.
    /// - Returns: the best place in `room`; the one nearest the middle when nothing speaks for another.
    package func choose(_ audio: [Float], from start: Int, room: ClosedRange<Int>) -> Int {
        let energy = Energy(audio)
        let all = energy.mean(0..<audio.count) + 1e-12
        let long = rate * 25 / 1000
        let middle = Double(room.lowerBound + room.upperBound) / 2
        let half = max(1, Double(room.count) / 2)
        var best: (cost: Double, place: Int)?
        for place in room {
            let sample = (place - start) * unit
            let before = energy.mean(sample - long..<sample) / all + 1e-3
            let after = energy.mean(sample..<sample + long) / all + 1e-3
            let away = (Double(place) - middle) / half
            let cost = 2 * abs(log(after / before)) + 0.3 * away * away
            if best.map({ cost < $0.cost }) ?? true { best = (cost, place) }
        }
        return best?.place ?? room.lowerBound
    }
}

/// Mean squares of runs of a signal that is flattened (each sample less 0.9 of the one before), so that high notes
/// count as low ones do.
struct Energy {
    private let sums: [Double]

    init(_ audio: [Float]) {
        var sums = [0.0]
        sums.reserveCapacity(audio.count + 1)
        var last: Float = 0
        for sample in audio {
            let value = Double(sample - 0.9 * last)
            last = sample
            sums.append(sums[sums.count - 1] + value * value)
        }
        self.sums = sums
    }

    /// Silence lies around the signal.
    func mean(_ range: Range<Int>) -> Double {
        let (low, high) = (min(max(0, range.lowerBound), sums.count - 1), min(max(0, range.upperBound), sums.count - 1))
        return (sums[high] - sums[low]) / Double(max(1, range.count))
    }
}
