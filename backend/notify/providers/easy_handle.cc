#include "backend/notify/providers/easy_handle.h"

#include <algorithm>

namespace parley::backend {

EasyHandle::~EasyHandle() {
  curl_easy_cleanup(easy_);
}

void EasyHandle::set_common(const TransferOptions& options, std::chrono::milliseconds timeout) {
  set(CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(timeout.count())));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (options.ca_file.empty()) return;
  set(CURLOPT_CAINFO, options.ca_file.c_str());
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's would be believed as well
}

void EasyHandle::set_protocols(const char* names) {
  set(CURLOPT_PROTOCOLS_STR, names);
}

void EasyHandle::reset() {
  if (easy_) curl_easy_reset(easy_);
  sound_ = true;
}

bool curl_is_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready && (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL) != 0;
}

bool is_tls_failure(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;  // CURLE_SSL_CONNECT_ERROR too: that is also what a connection broken in the handshake ends as
  }
}

}  // namespace parley::backend
