#pragma once

namespace parley {

// For main() of programs that end while threads they did not make (Paho's) may still be ending: OpenSSL then does not clean up at exit(),
// which frees what those threads let go of themselves (1 of 1,000 ends of parleyctl over TLS was a crash). To be called before OpenSSL is
// used in any way.
void leave_cleaning_to_the_kernel();

}  // namespace parley
