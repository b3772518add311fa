#pragma once
#include <openssl/err.h>

namespace parley {

// Takes back what OpenSSL calls in its scope leave in the thread's error queue. Others share that queue (the broker, libcurl):
// SSL_get_error looks into it, and a left-over entry of ours would end somebody's TLS connection.
class OpensslErrorScope {
 public:
  OpensslErrorScope() { ERR_set_mark(); }
  ~OpensslErrorScope() { ERR_pop_to_mark(); }
  OpensslErrorScope(const OpensslErrorScope&) = delete;
  OpensslErrorScope& operator=(const OpensslErrorScope&) = delete;
};

}  // namespace parley
