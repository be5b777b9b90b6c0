#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer's loop, as compiler-rt declares it; it is there only in programs that are linked with -sanitize=fuzzer.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*feed)(const uint8_t *bytes, size_t size));
