#pragma once

namespace parley {

// For programs that hold secrets: from here on no crash of this process writes its memory to a file (RLIMIT_CORE 0), and no other process of
// the same user reads its memory, environment or open files (PR_SET_DUMPABLE 0; root still can). For main(), before anything secret is read.
// Not for the plugin: the process is the broker's, whose unit says it. Built with sanitizers only the first holds: theirs look into their own process.
void keep_memory_private();

}  // namespace parley
