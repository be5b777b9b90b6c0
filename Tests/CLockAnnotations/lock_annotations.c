// Tells the thread sanitizer of Swift's Mutex. Its quick way is compiled into our code, where the sanitizer sees the atomic
// operations. When threads meet at a lock, the standard library lets the kernel hand it over (a futex with priority
// inheritance), in code that is not instrumented: without this, everything that a contended Mutex guards is reported as a
// race. The functions here stand in for those two of the standard library, and call them.
#include "lock_annotations.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ANNOTATES 1
#endif
#endif

#ifdef ANNOTATES
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void la_lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT void la_unlock_slow(SELF void *mutex) __asm__(UNLOCK);

static void *original(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    // Another release of the standard library: better no run than one that means nothing.
    if (!found) abort();
    return found;
}

SWIFT void la_lock_slow(uint32_t thread, SELF void *mutex) {
    static _Thread_local SWIFT void (*lock)(uint32_t, SELF void *);
    if (!lock) lock = original(LOCK);
    lock(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void la_unlock_slow(SELF void *mutex) {
    static _Thread_local SWIFT void (*unlock)(SELF void *);
    if (!unlock) unlock = original(UNLOCK);
    __tsan_release(mutex);
    unlock(mutex);
}

int la_is_annotating(void) { return 1; }
#else
int la_is_annotating(void) { return 0; }
#endif
