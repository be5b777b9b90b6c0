// What Swift cannot call: functions of the system with any number of arguments.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// This process is killed (SIGKILL) when the thread that started it ends.
static inline int cprocess_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

// A file that is memory only, and that children inherit; -1 when there is none.
static inline int cprocess_memory_file(void) { return (int)syscall(SYS_memfd_create, "orchestrion", 0u); }
