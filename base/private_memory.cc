#include "base/private_memory.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace parley {

void keep_memory_private() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);  // refused in a sandbox, which then has it at 0 already
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

}  // namespace parley
