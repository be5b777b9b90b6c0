#ifndef ORCHESTRION_CSNDFILE_SHIM_H
#define ORCHESTRION_CSNDFILE_SHIM_H

#include <sndfile.h>

#endif
