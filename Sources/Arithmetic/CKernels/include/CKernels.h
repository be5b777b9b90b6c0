// Arithmetic kernels of the sampler. Every float operation here follows one contract:
//
//  1. A matrix product's output is one chain of float32 fused multiply-adds over k = 0, 1, 2 ... in
//     order, from the bias or 0. Vector lanes and tiles run over outputs and rows, never over k.
//  2. The TREE: a reduction over i keeps 16 partial results, partial j taking i = j, j + 16, ... in
//     order from +0; then p[j] += p[j + 8] for j < 8, p[j] += p[j + 4] for j < 4, p[j] += p[j + 2]
//     for j < 2, and the result is p[0] + p[1]. An index beyond the end touches no partial.
//  3. exp, log and the logistic function are built from IEEE basic operations and fma alone.
//  4. The scalar version of each kernel defines its bits; every vector version equals it bit for bit,
//     except that which NaN comes out is not defined.
//
// Default floating-point environment (round to nearest even, no flush to zero) is assumed: see ck_settle_environment.
// Unless a comment says otherwise no output may overlap an input, and nothing need be aligned.
#ifndef ORCHESTRION_CKERNELS_H
#define ORCHESTRION_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Columns of a weight panel.
#define CK_PANEL 16
// Rows up to which a product is bound by reading its weights, so that kernels read x as it is.
#define CK_FEW_ROWS 4
// In place of the distance between rows: x comes from `arrange`.
#define CK_ARRANGED 0
// Numbers along k that share a scale in int8 products.
#define CK_GROUP 128

// The calling thread's floating-point environment, as far as it decides bits: MXCSR or FPCR.
uint64_t ck_environment(void);
void ck_set_environment(uint64_t value);
// Makes it the one that kernels assume; whether it was another.
int ck_settle_environment(void);

typedef enum ck_isa {
    CK_ISA_SCALAR = 0,
    CK_ISA_AVX2 = 1,
    CK_ISA_AVX512 = 2,  // with VNNI
    CK_ISA_NEON = 3,
} ck_isa;
#define CK_ISA_COUNT 4

typedef enum ck_type { CK_F32 = 0, CK_F16 = 1, CK_I8 = 2 } ck_type;

// y[m][n] = bias[n] (or 0) + x[m][k] . w[k][n] for the columns of panels [panel_begin, panel_end).
// x: rows ldx floats apart, or CK_ARRANGED when there are more than CK_FEW_ROWS. panels: panel p holds columns 16p ... 16p + 15 as [k][16], the last one
// padded with zeros (see ck_pack); the type of its elements is in the entry's name, and halves are
// widened exactly. bias: [n] or NULL. y: rows ldy floats apart; only columns < n are written.
typedef void ck_gemm(const float *x, long ldx, const void *panels, const float *bias, float *y,
                     long ldy, long m, long n, long k, long panel_begin, long panel_end);

// One query row of one head over a cache of float32 or of halves, which are widened exactly; rows of the cache are
// `stride` elements apart (0 attends one row count times).
//   scores[i] = TREE-fma(q[d] . key_i[d]) * scale
typedef void ck_scores(const float *q, const void *keys, long stride, long count, long d, float scale,
                       float *scores);
//   out[d] = fma chain over i in order, from 0, of weights[i] * value_i[d]
typedef void ck_weighted_sum(const float *weights, const void *values, long stride, long count, long d,
                             float *out);

// Groups of k, and bytes of a row of quantised numbers (k rounded up to fours).
static inline long ck_group_count(long k) { return (k + CK_GROUP - 1) / CK_GROUP; }
static inline long ck_quantized_width(long k) { return (k + 3) / 4 * 4; }

typedef struct ck_kernels {
    ck_gemm *gemm_f32;
    ck_gemm *gemm_f16;
    // Where x is best laid out anew for products of m > CK_FEW_ROWS rows, puts numbers [k_begin, k_end) of each row of
    // x[m][k] where those products look for them in `arranged` [m * k]; a number is four bytes, a float or a four of
    // quantised ones. Products do that for themselves when given x as it is; threads that share one can share this.
    // Calls for ranges that begin at multiples of 16 write no common cache line of an aligned `arranged`.
    // NULL where x is read as it is.
    void (*arrange)(const void *x, long ldx, long m, long k, long k_begin, long k_end, void *arranged);

    // Rows of x [k] (ldx floats apart) as int8, every row for itself and every CK_GROUP numbers with a scale of
    // their own. A group is first rotated, in blocks of descending powers of two that sum to its size in whole fours
    // (numbers beyond k are 0): the Walsh-Hadamard transform without its factor, stages of stride 1, 2, 4 ... in order,
    // (a, b) -> (a + b, a - b). Weights are rotated likewise, which leaves products as they are. Then
    //   scale = max |x| / 127, value = x * (127 / max |x|) rounded to nearest even.
    // A group whose largest magnitude is below 2^-100 gives zeros and scale 0; one with a NaN or an infinity zeros
    // and scale NaN. values: [rows][ck_quantized_width(k)]. scales: [rows][ck_group_count(k)].
    // offsets: the same shape, -128 times the sum of the group's values.
    void (*quantize)(const float *x, long ldx, long rows, long k, int8_t *values, float *scales, int32_t *offsets);
    // y[m][n] from quantised rows and panels packed as CK_I8: from bias (or 0), over groups in order,
    //   y = fma((float)sum * x_scale, w_scale, y), with sum the group's exact integer product.
    // arranged: x comes from `arrange`, and m > CK_FEW_ROWS; scales and offsets are as they were.
    void (*gemm_i8)(const int8_t *x, int arranged, const float *scales, const int32_t *offsets, const void *panels,
                    const float *bias, float *y, long ldy, long m, long n, long k, long panel_begin,
                    long panel_end);

    ck_scores *scores_f32, *scores_f16;
    ck_weighted_sum *weighted_sum_f32, *weighted_sum_f16;

    // In place: values[n] = exp(v - max) / TREE sum (a true division).
    void (*softmax)(float *values, long n);

    // y[rows][width]: mean = TREE(x) / width; var = TREE-fma((x - mean)^2) / width (biased);
    // y = fma((x - mean) * (1 / sqrt(var + eps)), gain, bias). Rows are contiguous. y may be x.
    void (*layer_norm)(const float *x, const float *gain, const float *bias, float eps, float *y,
                       long rows, long width);

    // [n] each; y may be x. quick_gelu is x * sigmoid(1.702 x), relu is x <= 0 ? 0 : x (a NaN stays).
    void (*quick_gelu)(const float *x, float *y, long n);
    void (*relu)(const float *x, float *y, long n);
    // Within 1 to 2 ulp. exp overflows to inf and underflows through the subnormals to 0; log of 0 is
    // -inf and of a negative number NaN; subnormal arguments are handled.
    void (*exp)(const float *x, float *y, long n);
    void (*log)(const float *x, float *y, long n);
    void (*sigmoid)(const float *x, float *y, long n);

    // [n] each; out may be any of the inputs. Every product is rounded before it is added (no fma),
    // as the original's separate tensor operations do.
    void (*add)(const float *x, const float *y, float *out, long n);  // x + y
    void (*add_three)(const float *x, const float *a, const float *m, float *out,
                      long n);  // (x + a) + m
    void (*add_scaled)(const float *x, float s, const float *y, float *out, long n);  // x + s * y
    void (*add_scaled_sum)(const float *x, float s, const float *a, const float *m, float *out,
                           long n);                              // x + s * (a + m)
    void (*scale)(const float *x, float s, float *out, long n);  // s * x
    void (*accumulate)(float *y, const float *x, long n);        // y += x

    // IEEE half bits to and from float32: exact one way, round to nearest even the other (65520 and
    // more become inf). Signalling NaNs become quiet.
    void (*f16_to_f32)(const uint16_t *x, float *y, long n);
    void (*f32_to_f16)(const float *x, uint16_t *y, long n);

    // In place: logits[n] /= temperature.
    void (*scale_logits)(float *logits, long n, float temperature);

    // A sample of the softmax of logits[n] by the Gumbel maximum: argmax of logit_i + g_i with
    // g = -log(-log(u)), u = ((x >> 9) + 0.5) * 2^-23, x = word i % 4 of Philox4x32-10 with counter
    // (sample, level, position, i / 4) and key (low, high half of seed). (23 bits: the most for which
    // u is a float32 inside (0, 1).) The lowest index wins a tie; -inf is skipped. Returns -1 if a
    // logit is NaN or +inf, or if none is finite.
    long (*gumbel_argmax)(const float *logits, long n, uint64_t seed, uint32_t sample,
                          uint32_t level, uint32_t position);

    // For benchmarks. Reads a buffer (a multiple of 256 bytes) and gives the exclusive or of its words.
    uint64_t (*limit_read)(const void *buffer, size_t bytes);
    // Independent float32 multiply-adds, or products of bytes summed in int32, in registers; give how
    // many operations they did (a multiply-add counts as two).
    double (*limit_fma)(long rounds);
    double (*limit_int8)(long rounds);
    // gemm_f32 without bias and without the contract: sums in any order. What the contract costs is the difference.
    ck_gemm *gemm_free;
} ck_kernels;

// The kernels of an instruction set, or NULL when this machine lacks it.
const ck_kernels *ck_table(ck_isa isa);
// The fastest instruction set this machine has.
ck_isa ck_best_isa(void);
// "scalar", "avx2", "avx512", "neon".
const char *ck_isa_name(ck_isa isa);

// What follows moves or compares data and is the same for every instruction set.

// Number of panels for n columns, and bytes of all panels of a [k][n] matrix.
long ck_panel_count(long n);
size_t ck_packed_bytes(long k, long n, ck_type storage);

// A panel of CK_I8 holds its groups one after another: the group's fours of k as [16][4] bytes, each the weight
// plus 128, then 16 float32 scales; quantised by column and group as rows are by `quantize`.

// Packs panels [panel_begin, panel_end) of w[k][n] into `panels` (the address of panel 0).
// source: row-major [k][n], or [n][k] when transposed, of source_type; float32 is narrowed with
// round to nearest even when storage is CK_F16.
void ck_pack(const void *source, ck_type source_type, int transposed, long k, long n, void *panels,
             ck_type storage, long panel_begin, long panel_end);

// Rows for a convolution as a matrix product. x: [t_total][c]. out: [rows][taps][c], where row r and
// tap j hold x[t_begin + r * stride + offsets[j]], or zeros outside [0, t_total).
void ck_gather_taps(const float *x, long t_total, long c, long t_begin, long rows, long stride,
                    const long *offsets, long taps, float *out);

// Philox4x32 with 10 rounds (Salmon et al. 2011).
void ck_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// Logits below the k-th largest become -inf; those equal to it stay. k <= 0 or k >= n: nothing.
void ck_filter_top_k(float *logits, long n, long k);

// Nucleus: in descending order (ties: lowest index first), a logit becomes -inf when the running sum
// of the probabilities before it exceeds p; so the first always stays. The probabilities are the
// softmax of the sorted logits (by TREE), summed in order in float64 and rounded to float32. p <= 0 or p >= 1: nothing.
// scratch: at least 2 * n words.
void ck_filter_top_p(float *logits, long n, float p, uint64_t *scratch);

// Processors that the calling thread may run on; 0: unknown.
int ck_processor_count(void);
// Keeps the calling thread on the index-th processor that it may run on.
void ck_pin_thread(int index);
// The same for a while: `before` is where it might run until then. 0: it was not done.
#define MOST_HELD_WORDS 128
typedef struct {
    uint64_t words[MOST_HELD_WORDS];
} ck_processors;
int ck_hold_thread(int index, ck_processors *before);
void ck_release_thread(const ck_processors *before);

// A hint to the processor that this is a spin loop.
static inline void ck_spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
