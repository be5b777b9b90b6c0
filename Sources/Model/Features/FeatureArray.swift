import JukeboxModel
package import Tensor

/// Numbers with a shape, row-major.
package struct FeatureArray: Sendable {
    package let shape: [Int]
    package let values: Buffer<Float>

    package init(shape: [Int], values: Buffer<Float>) {
        precondition(shape.reduce(1, *) == values.count, "the shape \(shape) is not of \(values.count) numbers")
        self.shape = shape
        self.values = values
    }

    /// Rows of one width, one after another.
    static func joining(_ parts: [FeatureArray], width: Int) -> FeatureArray {
        guard parts.count != 1 else { return parts[0] }
        let all = Buffer<Float>(count: parts.reduce(0) { $0 + $1.values.count })
        var place = 0
        for part in parts {
            (all.pointer + place).update(from: part.values.pointer, count: part.values.count)
            place += part.values.count
        }
        return FeatureArray(shape: [all.count / width, width], values: all)
    }

    /// [width]: the mean of all rows of [rows][width], summed in their order in double precision.
    package func mean() -> FeatureArray {
        FeatureArray(shape: [shape[1]], values: averages(of: shape[0], count: 1).values)
    }

    /// [⌊rows / window⌋][width]: means of so many consecutive rows; what is left is dropped.
    package func averages(of window: Int) -> FeatureArray { averages(of: window, count: shape[0] / window) }

    private func averages(of window: Int, count: Int) -> FeatureArray {
        let width = shape[1]
        let result = Buffer<Float>(count: count * width)
        var sums = [Double](repeating: 0, count: width)
        for index in 0..<count {
            for column in 0..<width { sums[column] = 0 }
            for row in index * window..<(index + 1) * window {
                let x = values.pointer + row * width
                for column in 0..<width { sums[column] += Double(x[column]) }
            }
            for column in 0..<width { result[index * width + column] = Float(sums[column] / Double(window)) }
        }
        return FeatureArray(shape: [count, width], values: result)
    }
}

/// What is kept of a window.
struct WindowFrames {
    /// [frames][width], or [width] where a mean is wanted.
    let array: FeatureArray
    /// Frames that it is made of.
    let count: Int

    /// The mean over the frames of all windows.
    static func mean(_ windows: [WindowFrames]) -> FeatureArray {
        guard windows.count != 1 else { return windows[0].array }
        let width = windows[0].array.values.count
        let total = Double(windows.reduce(0) { $0 + $1.count })
        let result = Buffer<Float>(count: width)
        for column in 0..<width {
            let sum = windows.reduce(0.0) { $0 + Double($1.array.values[column]) * Double($1.count) }
            result[column] = Float(sum / total)
        }
        return FeatureArray(shape: [width], values: result)
    }
}
