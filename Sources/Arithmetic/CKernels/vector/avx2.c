#if defined(__x86_64__)
#include "../dispatch/target.h"

#define V_LANES 8
#define V_TARGET __attribute__((target("avx2,fma,f16c")))
#define V(name) ck_##name##_avx2

#include "../activation/activation_body.h"
#include "../attention/attention_body.h"
#include "../convert/convert_body.h"
#include "../elementwise/elementwise_body.h"
#include "../gemm/gemm_free_body.h"
#include "../layernorm/layernorm_body.h"
#include "../math/math_body.h"
#include "../quantize/quantize_body.h"
#include "../sampling/gumbel_body.h"

CK_DEFINE_ELEMENTWISE(avx2, V_TARGET)

#endif
