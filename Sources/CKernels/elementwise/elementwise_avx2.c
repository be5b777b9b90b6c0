#if defined(__x86_64__)
#include "elementwise_body.h"

CK_DEFINE_ELEMENTWISE(avx2, CK_AVX2)

#endif
