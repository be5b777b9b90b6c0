#ifndef ORCHESTRION_CSAMPLERATE_SHIM_H
#define ORCHESTRION_CSAMPLERATE_SHIM_H

#include <samplerate.h>

#endif
