#include "base/tls/client_context.h"

#include <openssl/err.h>

namespace parley {
namespace {

std::unexpected<Error> unusable(const char* key, const std::string& path, const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return fail(Errc::invalid_argument,
              std::string(key) + ": " + path + " " + what + (reason ? " (" + std::string(reason) + ")" : ""));
}

}  // namespace

Result<SslContext> client_context(const Endpoint& endpoint) {
  const auto& [host, port, tls, websocket, ca, cert, key] = endpoint;
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Errc::internal, "TLS can't be used here");
  if (ca.empty())
    SSL_CTX_set_default_verify_paths(context.get());
  else if (SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1)
    return unusable("ca_file", ca, "holds no certificates in PEM form");
  if (cert.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert.c_str()) != 1)
    return unusable("cert_file", cert, "holds no certificate in PEM form");
  // A key that has a password is refused: nobody is there to be asked for it.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable("key_file", key, "holds no key for cert_file in PEM form, without a password");
  return context;
}

}  // namespace parley
