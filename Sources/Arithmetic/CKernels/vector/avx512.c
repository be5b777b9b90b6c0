#if defined(__x86_64__)
#include "../dispatch/target.h"

#define V_LANES 16
#define V_TARGET __attribute__((target(CK_AVX512_FEATURES)))
#define V(name) ck_##name##_avx512

#include "../activation/activation_body.h"
#include "../attention/attention_body.h"
#include "../convert/convert_body.h"
#include "../elementwise/elementwise_body.h"
#include "../gemm/gemm_free_body.h"
#include "../layernorm/layernorm_body.h"
#include "../math/math_body.h"
#include "../quantize/quantize_body.h"
#include "../sampling/gumbel_body.h"

CK_DEFINE_ELEMENTWISE(avx512, V_TARGET)

#endif
