import CKernels

// What happens to logits [count] between the model and a token.
extension Kernels {
    /// logits /= temperature, in place.
    package func scaleLogits(_ logits: MutableFloatPointer, count: Int, temperature: Float) {
        table.pointee.scale_logits(logits, count, temperature)
    }

    /// The token: the index of the largest logit plus Gumbel noise, a sample of the logits' softmax.
    ///
    /// The noise is a pure function of the other arguments and the index.
    ///
    /// - Returns: nil if a logit is NaN or +∞, or if none is finite.
    package func gumbelArgmax(
        _ logits: FloatPointer, count: Int, seed: UInt64, sample: UInt32, level: UInt32,
        position: UInt32
    ) -> Int? {
        let index = table.pointee.gumbel_argmax(logits, count, seed, sample, level, position)
        return index < 0 ? nil : index
    }
}

/// Logits below the k-th largest become −∞; those equal to it stay. k = 0 or k ≥ count changes nothing.
package func filterTopK(_ logits: MutableFloatPointer, count: Int, k: Int) {
    ck_filter_top_k(logits, count, k)
}

/// Nucleus filter: a logit becomes −∞ when those before it in descending order already have a
/// probability of more than p together. p ≤ 0 or p ≥ 1 changes nothing.
///
/// - Parameter scratch: room for 2 × count words.
package func filterTopP(
    _ logits: MutableFloatPointer, count: Int, p: Float, scratch: UnsafeMutablePointer<UInt64>
) {
    ck_filter_top_p(logits, count, p, scratch)
}

/// Philox4x32-10 (Salmon et al. 2011): four random words for a counter and a key.
package func philox(
    counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
) -> (UInt32, UInt32, UInt32, UInt32) {
    var counter = counter
    var key = key
    var out: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeBytes(of: &counter) { counter in
        withUnsafeBytes(of: &key) { key in
            withUnsafeMutableBytes(of: &out) { out in
                ck_philox4x32_10(
                    counter.assumingMemoryBound(to: UInt32.self).baseAddress!,
                    key.assumingMemoryBound(to: UInt32.self).baseAddress!,
                    out.assumingMemoryBound(to: UInt32.self).baseAddress!)
            }
        }
    }
    return out
}
