// Mappings of files that others may shorten: reading a page that is gone gives zeros instead of SIGBUS.
#ifndef ORCHESTRION_CFILEGUARD_H
#define ORCHESTRION_CFILEGUARD_H

#include <stddef.h>

// Guards `size` bytes at `base`, the start of a mapping. A number for the other two; -1 when there are too many.
int cfg_guard(void *base, size_t size);

// Whether a page of it was gone when it was read.
int cfg_is_lost(int guard);

// Ends the guard, before the mapping goes.
void cfg_release(int guard);

#endif
