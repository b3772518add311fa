#include "base/tls/library.h"

#include <openssl/crypto.h>

namespace parley {

void leave_cleaning_to_the_kernel() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
}

}  // namespace parley
