#ifndef ORCHESTRION_COPENBLAS_SHIM_H
#define ORCHESTRION_COPENBLAS_SHIM_H

// The header's folder comes from pkg-config (openblas.pc) or the compiler's own multiarch path.
#include <cblas.h>

#endif
