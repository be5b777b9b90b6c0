import COpenBLAS

/// OpenBLAS, for what cannot influence a token (its bits depend on machine and thread count).
package enum BLAS {
    /// c = alpha × op(a) · op(b) + beta × c with op(a) [m, k], op(b) [k, n] and c [m, n], all row-major
    /// with the given floats between rows. A transposed `a` is stored [k, m], a transposed `b` [n, k].
    package static func multiply(
        m: Int, n: Int, k: Int, alpha: Float = 1, a: FloatPointer, aStride: Int,
        aTransposed: Bool = false, b: FloatPointer, bStride: Int, bTransposed: Bool = false,
        beta: Float = 0, c: MutableFloatPointer, cStride: Int
    ) {
        cblas_sgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
            bTransposed ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), alpha,
            a, blasint(aStride), b, blasint(bStride), beta, c, blasint(cStride))
    }
}
