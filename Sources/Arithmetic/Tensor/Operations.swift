import CKernels

package typealias FloatPointer = UnsafePointer<Float>
package typealias MutableFloatPointer = UnsafeMutablePointer<Float>

// The layers. Shapes are row-major and contiguous unless a stride is given.
extension Kernels {
    /// LayerNorm of `x` [rows, width] into `y`, which may be `x`:
    /// (x − mean) / √(variance + epsilon) · gain + bias.
    package func layerNorm(
        _ x: FloatPointer, gain: FloatPointer, bias: FloatPointer, epsilon: Float = 1e-5,
        into y: MutableFloatPointer, rows: Int, width: Int
    ) {
        table.pointee.layer_norm(x, gain, bias, epsilon, y, rows, width)
    }

    /// scores[i] = q · key i × scale, for one query row of one head.
    ///
    /// - Parameters:
    ///   - q: [d].
    ///   - keys: the first attended key [d], of `type`; each next one is `stride` numbers further.
    ///   - count: how many keys there are.
    package func scores(
        q: FloatPointer, keys: UnsafeRawPointer, type: ScalarType = .float32, stride: Int, count: Int, d: Int,
        scale: Float, into scores: MutableFloatPointer
    ) {
        let function =
            switch type {
            case .float32: table.pointee.scores_f32
            case .float16: table.pointee.scores_f16
            }
        function?(q, keys, stride, count, d, scale, scores)
    }

    /// out = Σ weights[i] × value i, in order; `values` as the keys of `scores`.
    package func weightedSum(
        _ weights: FloatPointer, values: UnsafeRawPointer, type: ScalarType = .float32, stride: Int, count: Int,
        d: Int, into out: MutableFloatPointer
    ) {
        let function =
            switch type {
            case .float32: table.pointee.weighted_sum_f32
            case .float16: table.pointee.weighted_sum_f16
            }
        function?(weights, values, stride, count, d, out)
    }

    /// One query row of one head: softmax(q · keys × scale) · values.
    ///
    /// - Parameter weights: room for `count` floats; receives the attention weights.
    package func attend(
        q: FloatPointer, keys: UnsafeRawPointer, values: UnsafeRawPointer, type: ScalarType = .float32, stride: Int,
        count: Int, d: Int, scale: Float, weights: MutableFloatPointer, into out: MutableFloatPointer
    ) {
        scores(q: q, keys: keys, type: type, stride: stride, count: count, d: d, scale: scale, into: weights)
        softmax(weights, count: count)
        weightedSum(weights, values: values, type: type, stride: stride, count: count, d: d, into: out)
    }

    /// Softmax of `values` [count] in place.
    package func softmax(_ values: MutableFloatPointer, count: Int) {
        table.pointee.softmax(values, count)
    }

    /// y = x · σ(1.702 x), [count]; `y` may be `x`.
    package func quickGELU(_ x: FloatPointer, into y: MutableFloatPointer, count: Int) {
        table.pointee.quick_gelu(x, y, count)
    }

    /// y = max(x, 0), [count]; `y` may be `x`.
    package func relu(_ x: FloatPointer, into y: MutableFloatPointer, count: Int) {
        table.pointee.relu(x, y, count)
    }
}

// Elementwise, [count] each. An output may be one of the inputs. Products are rounded before they are added.
extension Kernels {
    /// out = x + y.
    package func add(
        _ x: FloatPointer, _ y: FloatPointer, into out: MutableFloatPointer, count: Int
    ) {
        table.pointee.add(x, y, out, count)
    }

    /// out = (x + a) + m: a transformer block's residual sum.
    package func add(
        _ x: FloatPointer, _ a: FloatPointer, _ m: FloatPointer, into out: MutableFloatPointer,
        count: Int
    ) {
        table.pointee.add_three(x, a, m, out, count)
    }

    /// out = x + scale × y: a scaled residual branch (`res_scale`).
    package func add(
        _ x: FloatPointer, _ y: FloatPointer, scaledBy scale: Float, into out: MutableFloatPointer,
        count: Int
    ) {
        table.pointee.add_scaled(x, scale, y, out, count)
    }

    /// out = x + scale × (a + m): a transformer block's residual sum with `res_scale`.
    package func add(
        _ x: FloatPointer, sumOf a: FloatPointer, _ m: FloatPointer, scaledBy scale: Float,
        into out: MutableFloatPointer, count: Int
    ) {
        table.pointee.add_scaled_sum(x, scale, a, m, out, count)
    }

    /// out = scale × x.
    package func scale(
        _ x: FloatPointer, by scale: Float, into out: MutableFloatPointer, count: Int
    ) {
        table.pointee.scale(x, scale, out, count)
    }

    /// y += x.
    package func accumulate(_ x: FloatPointer, onto y: MutableFloatPointer, count: Int) {
        table.pointee.accumulate(y, x, count)
    }

    /// Keeps x [count] as numbers of `type`, to nearest even.
    package func keep(_ x: FloatPointer, as type: ScalarType, at place: UnsafeMutableRawPointer, count: Int) {
        switch type {
        case .float32: place.copyMemory(from: x, byteCount: count * type.byteCount)
        case .float16: narrow(x, into: place.assumingMemoryBound(to: UInt16.self), count: count)
        }
    }

    /// float32 to half bits, to nearest even.
    package func narrow(
        _ x: FloatPointer, into y: UnsafeMutablePointer<UInt16>, count: Int
    ) {
        table.pointee.f32_to_f16(x, y, count)
    }
}

/// Rows for a convolution as a matrix product (`im2col` over time).
///
/// - Parameters:
///   - x: [total, channels].
///   - begin: time of row 0's tap with offset 0; row r is `stride` × r further.
///   - offsets: of each tap, in time steps.
///   - out: [rows, taps, channels]; zeros where a tap lies outside x.
package func gatherTaps(
    _ x: FloatPointer, total: Int, channels: Int, begin: Int, rows: Int, stride: Int = 1,
    offsets: UnsafeBufferPointer<Int>, into out: MutableFloatPointer
) {
    guard let taps = offsets.baseAddress else { return }
    ck_gather_taps(x, total, channels, begin, rows, stride, taps, offsets.count, out)
}
